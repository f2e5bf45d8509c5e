"""Detections: one picture's boxes as columns of equal length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]
Scores = NDArray[np.float32]
ClassIds = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """All boxes found in one picture.

    boxes: `(N, 4)` float32, x1 y1 x2 y2 in pixels of the upright picture at its full size.
    scores: `(N,)` float32 in 0..1, as the network gave them (raw, not calibrated).
    class_ids: `(N,)` int64, positions in `class_names`.
    class_names: every class the model knows, whether found here or not.
    probabilities: `(N,)` float32 in 0..1, calibrated; NaN where the class has no calibration, None where no class has.
    """

    boxes: Boxes
    scores: Scores
    class_ids: ClassIds
    class_names: tuple[str, ...]
    probabilities: Scores | None = None

    def __post_init__(self) -> None:
        count = len(self.scores)
        _demand("boxes", self.boxes, (count, 4), np.float32)
        _demand("scores", self.scores, (count,), np.float32)
        _demand("class_ids", self.class_ids, (count,), np.int64)
        if self.probabilities is not None:
            _demand("probabilities", self.probabilities, (count,), np.float32)
        if count and not (self.class_ids.min() >= 0 and self.class_ids.max() < len(self.class_names)):
            raise ValueError(f"class_ids must lie in 0..{len(self.class_names) - 1}")

    @classmethod
    def empty(cls, class_names: tuple[str, ...]) -> Detections:
        """Detections of a picture in which nothing was found.

        >>> len(Detections.empty(("garbage", "bin")))
        0
        """
        boxes, scores = np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
        return cls(boxes, scores, np.zeros(0, np.int64), class_names)

    def __len__(self) -> int:
        return len(self.scores)

    def where(self, mask: NDArray[np.bool_]) -> Detections:
        """The rows for which `mask`, `(N,)` bool, is true, in the same order."""
        _demand("mask", mask, (len(self),), np.bool_)
        if mask.all():
            return self
        chances = None if self.probabilities is None else self.probabilities[mask]
        return Detections(self.boxes[mask], self.scores[mask], self.class_ids[mask], self.class_names, chances)

    def at_least(self, min_score: float) -> Detections:
        """The rows whose score is `min_score` or more."""
        return self.where(self.scores >= np.float32(min_score))

    def names(self) -> list[str]:
        """The class name of each row."""
        return [self.class_names[i] for i in self.class_ids.tolist()]


def _demand(name: str, array: NDArray[np.generic], shape: tuple[int, ...], dtype: type[np.generic]) -> None:
    if array.shape != shape or array.dtype != dtype:
        found = f"{array.shape} {array.dtype}"
        raise ValueError(f"{name} must be {shape} {np.dtype(dtype)}, not {found}")
