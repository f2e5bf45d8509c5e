"""The heads of CenterFace as boxes: a face is a peak of a map of centres.

Xu et al. 2020, "CenterFace: Joint Face Detection and Alignment Using Face as Point" (Scientific Programming 2020,
arXiv 1911.03599), section 3: the maps are four times smaller than the picture. A centre lies in the middle of
its cell, moved by the offset; height and width are the exponentials of what the network puts out, in cells.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detector.boxes import from_centres, nms
from detector.detections import Boxes, Scores

STRIDE_PX = 4
MAX_IOU = 0.3
_LARGEST = 8.0  # logarithm of cells: more than any picture has; the exponential of more than 88 is no float32

Maps = NDArray[np.float32]


class Faces(NamedTuple):
    """Best score first: boxes `(N, 4)` x1 y1 x2 y2 in pixels of the network's picture, and scores `(N,)` in 0..1."""

    boxes: Boxes
    scores: Scores


def read_face_heads(heat: Maps, sizes: Maps, offsets: Maps, min_score: float) -> Faces:
    """The faces of one picture whose score is `min_score` or more.

    heat: `(1, 1, H, W)` scores. sizes, offsets: `(1, 2, H, W)`, along y first. Raises ValueError for other shapes.
    """
    _demand_shapes(heat, sizes, offsets)
    rows, columns = np.nonzero(heat[0, 0] >= np.float32(min_score))
    cells = np.stack([columns, rows], axis=1).astype(np.float32)
    moved = offsets[0, ::-1, rows, columns]  # (N, 2): y and x changed about, so that x comes first
    spans = np.exp(np.minimum(sizes[0, ::-1, rows, columns], np.float32(_LARGEST)))
    centres = np.concatenate([cells + moved + np.float32(0.5), spans], axis=1) * np.float32(STRIDE_PX)
    boxes, scores = from_centres(centres), heat[0, 0, rows, columns]
    usable = np.isfinite(boxes).all(axis=1)
    boxes, scores = boxes[usable], scores[usable]
    kept = nms(boxes, scores, np.zeros(len(scores), np.int64), MAX_IOU)
    return Faces(boxes[kept], scores[kept])


def _demand_shapes(heat: Maps, sizes: Maps, offsets: Maps) -> None:
    height, width = heat.shape[-2:]
    if heat.shape != (1, 1, height, width) or {sizes.shape, offsets.shape} != {(1, 2, height, width)}:
        raise ValueError(f"{heat.shape} {sizes.shape} {offsets.shape} are no heads of CenterFace")
