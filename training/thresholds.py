"""Operating scores per class, read off the validation pictures.

`file`: from here on a box may become a case unseen by people, null where precision 0.90 is out of reach.
`review`: from here on people look at it. `drop_below`: nothing under this is kept.
A class that the model hardly knows is treated like one without any validation boxes: only sure boxes go to people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.findings import Finding, Marks, mark
from training.index import DataIndex

FILE_PRECISION = 0.90
FILE_MIN_BOXES = 20  # fewer right boxes than this prove no precision
REVIEW_PRECISION = 0.30  # people soon stop looking at a queue in which less than this is right
DROP_PRECISION = 0.20
KNOWN_F1 = 0.10
UNPROVEN_REVIEW = 0.5  # of a class without validation boxes nothing is known: only sure boxes go to people
LOWEST_SCORE = 0.02


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Scores of one class; `file` is None where only people may decide. `boxes`: true boxes they rest on."""

    file: float | None
    review: float
    drop_below: float
    boxes: int

    @property
    def operating(self) -> float:
        """The score at which recall, precision and false alarms are reported."""
        return self.review if self.file is None else self.file


UNPROVEN = Thresholds(None, UNPROVEN_REVIEW, UNPROVEN_REVIEW / 2, 0)


def choose_thresholds(index: DataIndex, findings: Sequence[Finding]) -> dict[str, Thresholds]:
    """Thresholds of every class, over all pictures whose source labelled the class or is surely without it."""
    chosen: dict[str, Thresholds] = {}
    for class_id, name in enumerate(index.classes):
        chosen[name] = from_marks(mark(known_pictures(index, findings, name), class_id))
    return chosen


def known_pictures(index: DataIndex, findings: Sequence[Finding], class_name: str) -> list[Finding]:
    """Findings in pictures where it is known whether a box of the class is right."""
    return [f for f in findings if class_name in index.states[f.picture.source]]


def from_marks(marks: Marks) -> Thresholds:
    """Thresholds of one class.

    >>> hits = np.array([True] * 30 + [False] * 10)
    >>> from_marks(Marks(np.linspace(0.9, 0.1, 40), hits, 30)).file
    0.243
    """
    if marks.truths == 0 or not marks.hits.any():
        return Thresholds(None, UNPROVEN_REVIEW, UNPROVEN_REVIEW / 2, marks.truths)
    precision, recall = marks.precision(), marks.recall()
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    if f1.max() < KNOWN_F1:
        return Thresholds(None, UNPROVEN_REVIEW, UNPROVEN_REVIEW / 2, marks.truths)
    worth_a_look = f1 * (precision >= REVIEW_PRECISION)
    best = int(np.argmax(worth_a_look if worth_a_look.max() >= KNOWN_F1 else f1))
    review = float(marks.scores[best])
    sure = np.flatnonzero((precision >= FILE_PRECISION) & (np.cumsum(marks.hits) >= FILE_MIN_BOXES))
    file = float(marks.scores[sure[-1]]) if len(sure) else None
    loose = np.flatnonzero(precision >= DROP_PRECISION)
    drop_below = float(marks.scores[loose[-1]]) if len(loose) else review
    return _in_order(file, review, drop_below, marks.truths)


def _in_order(file: float | None, review: float, drop_below: float, boxes: int) -> Thresholds:
    """The three scores so that none is below the one under it, and none below the lowest score that means anything."""
    if file is not None:
        file = max(_rounded(file), LOWEST_SCORE)
        review = min(review, file)
    review = max(_rounded(review), LOWEST_SCORE)
    return Thresholds(file, review, max(min(_rounded(drop_below), review), LOWEST_SCORE), boxes)


def _rounded(score: float) -> float:
    """The score to three places, never above itself."""
    return float(np.floor(score * 1000) / 1000)
