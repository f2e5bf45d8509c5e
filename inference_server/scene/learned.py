"""A learned matcher as an ONNX file, in place of RootSIFT: none is shipped, any that keeps the form can be set."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from detector.image import Pixels
from detector.model_errors import ModelFileError
from detector.session import OpenSession
from inference_server.scene.masks import usable
from inference_server.scene.matching import Matches
from inference_server.scene.photo import ScenePhoto

_OUTPUTS = ("keypoints", "matches", "mscores")
_LEAST_SCORE = 0.2  # of a match; what is less sure costs the estimator more than it gives


class MatchesPictures(Protocol):
    """Finds points that belong together in two photographs."""

    def match(self, before: ScenePhoto, after: ScenePhoto) -> Matches:
        """The matches, in pixels of each photograph, none on masked pixels."""
        ...


class OnnxMatcher:
    """A network of the form that LightGlue-ONNX gives its end-to-end pipelines (github.com/fabio-sim/LightGlue-ONNX).

    Input: (2, 1, H, W) float32 grey 0..1, both pictures of one size. Outputs: keypoints (2, n, 2) in pixels of the
    input, matches (m, 3) int64 of picture, row in the first's and row in the second's keypoints, scores (m,) float32.
    """

    def __init__(self, path: Path, side_px: int = 640) -> None:
        """side_px: both pictures are fitted into a square of this side. Raises ModelFileError where the file is
        missing, cannot be loaded or has other inputs and outputs."""
        self._session = OpenSession(path, _OUTPUTS)
        self.name, self.sha256 = path.name, self._session.sha256
        self._side_px = side_px
        self._run(np.zeros((2, 1, side_px, side_px), np.float32))

    def match(self, before: ScenePhoto, after: ScenePhoto) -> Matches:
        """The matches of at least _LEAST_SCORE, in pixels of each photograph, none on masked pixels."""
        fitted, factors = zip(*(self._fitted(photo.pixels) for photo in (before, after)), strict=True)
        points, rows, scores = self._run(np.stack(fitted)[:, None])
        rows = rows[scores >= _LEAST_SCORE].astype(np.int64)
        photos = (before, after)
        sides = [_inside(points[side][rows[:, 1 + side]] / factors[side], photo) for side, photo in enumerate(photos)]
        return _where_usable(sides, photos)

    def _run(self, pictures: NDArray[np.float32]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        points, rows, scores = self._session.run(pictures)
        if points.shape[::2] != (2, 2) or rows.shape != (len(scores), 3) or scores.ndim != 1:
            raise ModelFileError(
                f"{self._session.path.name}: {points.shape} {rows.shape} {scores.shape} are no matches"
            )
        return points, rows, scores

    def _fitted(self, pixels: Pixels) -> tuple[NDArray[np.float32], float]:
        """The grey picture in the upper left corner of a black square, and its pixels for one of the photograph."""
        grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
        factor = self._side_px / max(grey.shape)
        size_px = (max(1, round(grey.shape[1] * factor)), max(1, round(grey.shape[0] * factor)))
        small = cv2.resize(grey, size_px, interpolation=cv2.INTER_AREA)
        square = np.zeros((self._side_px, self._side_px), np.float32)
        square[: small.shape[0], : small.shape[1]] = small / np.float32(255)
        return square, factor


def _inside(points: NDArray[np.float32], photo: ScenePhoto) -> NDArray[np.float32]:
    height_px, width_px = photo.pixels.shape[:2]
    return np.clip(points, 0, (width_px - 1, height_px - 1)).astype(np.float32)


def _where_usable(sides: Sequence[NDArray[np.float32]], photos: Sequence[ScenePhoto]) -> Matches:
    kept = np.ones(len(sides[0]), np.bool_)
    for points, photo in zip(sides, photos, strict=True):
        columns, rows = points.astype(np.int64).T
        kept &= usable(photo)[rows, columns]
    return Matches(sides[0][kept], sides[1][kept])
