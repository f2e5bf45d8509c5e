"""The served detector as evaluation asks it: every box down to a very low score, class ids in the order of the data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from detector.yolo import YoloDetector

LOWEST_SCORE = 0.002  # average precision needs the long tail; below this nothing moves it


@dataclass(frozen=True, slots=True)
class Found:
    """Boxes of one picture as columns: (n, 4) pixels of the full picture, (n,) scores, (n,) class ids of the data."""

    boxes: np.ndarray
    scores: np.ndarray
    class_ids: np.ndarray


@dataclass(frozen=True)
class LowThreshold:
    """A detector asked for every box; `classes` are those of the data, by name: the model may know others or fewer."""

    detector: YoloDetector
    classes: tuple[str, ...]

    def detect(self, picture: bytes) -> Found:
        """Boxes with a score of at least 0.002; classes that the data does not have are left out."""
        found = self.detector.detect(picture, LOWEST_SCORE)
        ids = self._ids[found.class_ids]
        known = ids >= 0
        return Found(found.boxes[known], found.scores[known], ids[known])

    @cached_property
    def _ids(self) -> np.ndarray:
        places = {name: place for place, name in enumerate(self.classes)}
        return np.array([places.get(name, -1) for name in self.detector.card.classes])
