"""What a detector found in the pictures of a split, beside what is really there: the raw material of every figure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from training.index import Picture
from training.labels import read_labels, to_corners

SAME_THING_IOU = 0.5


class FoundBoxes(Protocol):
    """Boxes as columns, as `detector.detections.Detections` has them."""

    @property
    def boxes(self) -> np.ndarray: ...  # (n, 4) x1, y1, x2, y2 pixels of the full picture
    @property
    def scores(self) -> np.ndarray: ...  # (n,)
    @property
    def class_ids(self) -> np.ndarray: ...  # (n,)


class FindsBoxes(Protocol):
    """A detector that takes an encoded picture."""

    def detect(self, picture: bytes, /) -> FoundBoxes: ...


@dataclass(frozen=True, slots=True)
class Finding:
    """One picture: true classes (t,) and boxes (t, 4), found classes (n,), boxes (n, 4) and scores (n,); pixels."""

    picture: Picture
    true_classes: np.ndarray
    true_boxes: np.ndarray
    classes: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray


def find_all(detector: FindsBoxes, pictures: Iterable[Picture], class_count: int) -> list[Finding]:
    """One finding per picture, from the bytes of its file."""
    findings: list[Finding] = []
    for picture in pictures:
        found = detector.detect(picture.image.read_bytes())
        labels = read_labels(picture.labels, class_count)
        truth = to_corners(labels, picture.width_px, picture.height_px)
        true_classes = labels[:, 0].astype(np.int64)
        findings.append(Finding(picture, true_classes, truth, found.class_ids, found.boxes, found.scores))
    return findings


@dataclass(frozen=True, slots=True)
class Marks:
    """All boxes of one class over some pictures, best first: `scores` (n,), `hits` (n,) bool; `truths` = true boxes."""

    scores: np.ndarray
    hits: np.ndarray
    truths: int

    def precision(self) -> np.ndarray:
        """(n,) share of hits among the first 1, 2, ... n boxes."""
        return np.asarray(np.cumsum(self.hits) / np.arange(1, len(self.hits) + 1))

    def recall(self) -> np.ndarray:
        """(n,) share of the true boxes hit by the first 1, 2, ... n boxes; 0 where there are none."""
        return np.asarray(np.cumsum(self.hits) / max(1, self.truths))


def mark(findings: Sequence[Finding], class_id: int) -> Marks:
    """Each found box of a class marked as hit or not: best score first, one hit per true box, IoU at least 0.5."""
    return merged([mark_one(finding, class_id) for finding in findings])


def mark_one(finding: Finding, class_id: int) -> Marks:
    """The marks of one picture."""
    chosen = np.flatnonzero(finding.classes == class_id)
    chosen = chosen[np.argsort(-finding.scores[chosen], kind="stable")]
    true_boxes = finding.true_boxes[finding.true_classes == class_id]
    return Marks(finding.scores[chosen], _hits(finding.boxes[chosen], true_boxes), len(true_boxes))


def merged(marks: Sequence[Marks]) -> Marks:
    """The marks of several pictures as one, best score first."""
    scores = np.concatenate([np.zeros(0), *(one.scores for one in marks)])
    hits = np.concatenate([np.zeros(0, dtype=bool), *(one.hits for one in marks)])
    order = np.argsort(-scores, kind="stable")
    return Marks(scores[order], hits[order], sum(one.truths for one in marks))


def overlap(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """IoU (n, m) of boxes (n, 4) and (m, 4), x1, y1, x2, y2."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (first, second)]
    return np.asarray(shared / np.maximum(areas[0][:, None] + areas[1][None] - shared, 1e-9))


def _hits(boxes: np.ndarray, true_boxes: np.ndarray) -> np.ndarray:
    hits = np.zeros(len(boxes), dtype=bool)
    if not len(true_boxes):
        return hits
    free = np.ones(len(true_boxes), dtype=bool)
    for number, row in enumerate(overlap(boxes, true_boxes)):
        best = int(np.where(free, row, -1.0).argmax())
        if free[best] and row[best] >= SAME_THING_IOU:
            hits[number], free[best] = True, False
    return hits
