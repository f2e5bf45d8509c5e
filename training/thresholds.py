"""Operating scores per class, read off the validation pictures.

`file`: from here on a box may become a case unseen by people, null where precision 0.90 is out of reach.
`review`: from here on people look at it. `drop_below`: nothing under this is kept.
A class that the model hardly knows is treated like one without any validation boxes: only sure boxes go to people.

`file` must hold on pictures that it was not chosen on: chosen on each half of the blocks it must keep its precision on
the other half. Where it does not, a higher precision is aimed at; where none does, the class goes to people only.
The operating score (`file`, or `review` without it) is never so low that a source surely without the class gives more
than 1.5 false alarms in 100 pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from training.blocks import halves
from training.findings import Finding, Marks, mark_one, merged
from training.index import DataIndex

FILE_PRECISION = 0.90
AIMED_PRECISIONS = tuple(percent / 100 for percent in range(90, 99))
FILE_MIN_BOXES = 20  # fewer right boxes than this prove no precision
HALVINGS = 5  # the cross-fitted figures count over as many ways of halving
REVIEW_PRECISION = 0.30  # people soon stop looking at a queue in which less than this is right
DROP_PRECISION = 0.20
KNOWN_F1 = 0.10
UNPROVEN_REVIEW = 0.5  # of a class without validation boxes nothing is known: only sure boxes go to people
LOWEST_SCORE = 0.02
MOST_ALARMS_PER_100 = 1.5  # in pictures of a source surely without the class: a margin, so that 2 hold on others


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Scores of one class; `file` is None where only people may decide. `boxes`: true boxes they rest on.

    `aimed_precision`: what `file` was chosen for. `cross_precision`, `cross_recall`: what a filing score chosen so on
    one half of the pictures gives on the other half; None where there is none.
    """

    file: float | None
    review: float
    drop_below: float
    boxes: int = 0
    aimed_precision: float | None = None
    cross_precision: float | None = None
    cross_recall: float | None = None

    @property
    def operating(self) -> float:
        """The score at which recall, precision and false alarms are reported."""
        return self.review if self.file is None else self.file


@dataclass(frozen=True, slots=True)
class _CrossFitted:
    precision: float | None
    recall: float


UNPROVEN = Thresholds(None, UNPROVEN_REVIEW, UNPROVEN_REVIEW / 2, 0)


def choose_thresholds(index: DataIndex, findings: Sequence[Finding]) -> dict[str, Thresholds]:
    """Thresholds of every class, over all pictures whose source labelled the class or is surely without it."""
    halved = [halves(findings, seed) for seed in range(HALVINGS)]
    chosen: dict[str, Thresholds] = {}
    for name in index.classes:
        marks = known_marks(index, findings, name)
        whole = merged(marks)
        sides = [tuple(merged([marks[place] for place in side]) for side in pair) for pair in halved]
        loose = from_marks(whole)
        if loose.file is not None:
            loose = _proven(loose, whole, sides)
        chosen[name] = _quiet(loose, quiet_score(index, findings, name))
    return chosen


def known_marks(index: DataIndex, findings: Sequence[Finding], class_name: str) -> list[Marks]:
    """The marks of each picture; empty ones where it is not known whether a box of the class is right."""
    class_id = index.classes.index(class_name)
    return [
        mark_one(f, class_id) if class_name in index.states.get(f.picture.source, {}) else merged([]) for f in findings
    ]


def quiet_score(index: DataIndex, findings: Sequence[Finding], class_name: str) -> float:
    """The lowest score at which no source surely without the class gives more than 1.5 alarms in 100 pictures."""
    class_id, lowest = index.classes.index(class_name), 0.0
    by_source: dict[str, list[Finding]] = {}
    for finding in findings:
        if index.states.get(finding.picture.source, {}).get(class_name) == "absent":
            by_source.setdefault(finding.picture.source, []).append(finding)
    for of_source in by_source.values():
        scores = np.sort(np.concatenate([f.scores[f.classes == class_id] for f in of_source]))[::-1]
        allowed = int(MOST_ALARMS_PER_100 * len(of_source) / 100)
        if len(scores) > allowed:
            lowest = max(lowest, float(scores[allowed]) + 1e-3)
    return min(1.0, lowest)


def from_marks(marks: Marks) -> Thresholds:
    """Thresholds of one class without cross-fitting.

    >>> hits = np.array([True] * 30 + [False] * 10)
    >>> from_marks(Marks(np.linspace(0.9, 0.1, 40), hits, 30)).file
    0.243
    """
    if marks.truths == 0 or not marks.hits.any():
        return replace(UNPROVEN, boxes=marks.truths)
    precision, recall = marks.precision(), marks.recall()
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    if f1.max() < KNOWN_F1:
        return replace(UNPROVEN, boxes=marks.truths)
    worth_a_look = f1 * (precision >= REVIEW_PRECISION)
    best = int(np.argmax(worth_a_look if worth_a_look.max() >= KNOWN_F1 else f1))
    review = float(marks.scores[best])
    file = filing_score(marks, FILE_PRECISION, FILE_MIN_BOXES)
    loose = np.flatnonzero(precision >= DROP_PRECISION)
    drop_below = float(marks.scores[loose[-1]]) if len(loose) else review
    return _in_order(file, review, drop_below, marks.truths)


def filing_score(marks: Marks, precision: float, fewest_hits: int) -> float | None:
    """The lowest score from which on boxes have this precision, with so many right ones; None if there is none."""
    sure = np.flatnonzero((marks.precision() >= precision) & (np.cumsum(marks.hits) >= fewest_hits))
    return float(marks.scores[sure[-1]]) if len(sure) else None


def _proven(loose: Thresholds, whole: Marks, sides: Sequence[tuple[Marks, ...]]) -> Thresholds:
    """The thresholds with the lowest filing score whose precision holds on the other half; without one if none does."""
    for aimed in AIMED_PRECISIONS:
        file = filing_score(whole, aimed, FILE_MIN_BOXES)
        held = cross_fitted(sides, aimed)
        if file is not None and held.precision is not None and held.precision >= FILE_PRECISION:
            ordered = _in_order(file, loose.review, loose.drop_below, loose.boxes)
            precision, recall = round(held.precision, 4), round(held.recall, 4)
            return replace(ordered, aimed_precision=aimed, cross_precision=precision, cross_recall=recall)
    return replace(loose, file=None)


def cross_fitted(sides: Sequence[tuple[Marks, ...]], aimed: float) -> _CrossFitted:
    """Precision and recall of filing scores chosen on one half and used on the other, over all pairs of halves."""
    hits = kept = truths = 0
    for one, other in sides:
        for learned, judged in ((one, other), (other, one)):
            score = filing_score(learned, aimed, FILE_MIN_BOXES // 2)
            truths += judged.truths
            if score is not None:
                taken = judged.scores >= score
                kept += int(taken.sum())
                hits += int(judged.hits[taken].sum())
    return _CrossFitted(hits / kept if kept else None, hits / max(1, truths))


def _quiet(loose: Thresholds, lowest: float) -> Thresholds:
    """The thresholds with an operating score of at least `lowest`."""
    lowest = float(np.ceil(lowest * 1000) / 1000)
    if loose.file is not None:
        return replace(loose, file=max(loose.file, lowest))
    return replace(loose, review=max(loose.review, lowest))


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
