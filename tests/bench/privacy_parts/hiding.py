"""What the server would hide of a picture, with and without the detector of faces."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detector.faces import DEFAULT_MIN_SCORE, FaceDetector
from detector.image import Picture
from detector.yolo import YoloDetector
from inference_server.domain.observation import Box, Detection
from inference_server.domain.private_parts import LEAST_SCORE, face_parts, private_parts

CARD: Final = Path(__file__).parents[3] / "weights" / "xuncheng-n.json"
COVERED: Final = 0.9  # of a labelled box: it counts as hidden
RASTER: Final = 12
CITY: Final = "city model"
BOTH: Final = "city model and faces"


@dataclass(frozen=True, slots=True)
class Hidden:
    """One picture: its full size, and the hidden parts by who finds them."""

    width_px: int
    height_px: int
    parts: dict[str, tuple[Box, ...]]


@dataclass(slots=True)
class Finders:
    """Both detectors. spent_s: processor seconds of each, over all pictures so far."""

    faces: FaceDetector | None
    min_score: float = DEFAULT_MIN_SCORE
    city: YoloDetector = field(default_factory=lambda: YoloDetector.load(CARD))
    spent_s: Counter[str] = field(default_factory=Counter)

    def hide(self, picture: bytes) -> Hidden:
        """What is hidden of a picture."""
        opened = self.city.open(picture)  # the shared pictures are small or no JPEG: it has its full size
        began_s = time.process_time()
        seen = self.city.detect_picture(opened, LEAST_SCORE)
        self.spent_s[CITY] += time.process_time() - began_s
        rows = enumerate(zip(seen.names(), seen.scores.tolist(), seen.boxes.tolist(), strict=True))
        parts = private_parts([Detection(index=i, class_name=n, score=s, box=a_box(b)) for i, (n, s, b) in rows])
        found = {CITY: parts}
        if self.faces is not None:
            found[BOTH] = parts + face_parts(self._faces(self.faces, opened))
        return Hidden(opened.info.width_px, opened.info.height_px, found)

    def _faces(self, faces: FaceDetector, opened: Picture) -> list[Box]:
        began_s = time.process_time()
        boxes = faces.detect(opened, self.min_score).boxes.tolist()
        self.spent_s[BOTH] += time.process_time() - began_s
        return [a_box(box) for box in boxes]


def a_box(corners: Sequence[float]) -> Box:
    """A box of its corners x1 y1 x2 y2."""
    x1, y1, x2, y2 = corners
    return Box(x1=x1, y1=y1, x2=x2, y2=y2)


def share(box: Box, parts: Sequence[Box]) -> float:
    """How much of a box the parts cover together."""
    steps = (np.arange(RASTER) + 0.5) / RASTER
    x, y = np.meshgrid(box.x1 + steps * box.width_px, box.y1 + steps * box.height_px)
    covered: NDArray[np.bool_] = np.zeros(x.shape, np.bool_)
    for part in parts:
        covered |= (x >= part.x1) & (x <= part.x2) & (y >= part.y1) & (y <= part.y2)
    return float(covered.mean())


def share_of_picture(hidden: Hidden, parts: Sequence[Box]) -> float:
    """How much of the picture the parts cover together."""
    return share(Box(x1=0, y1=0, x2=hidden.width_px, y2=hidden.height_px), parts)
