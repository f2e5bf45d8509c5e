"""Calibration: what share of the boxes with a score like this one is right, per class, on the validation pictures.

A box is right when it is the best one on a true box of its class with an IoU of at least 0.5; only pictures count whose
source labelled the class or is surely without it. The curve is Platt's: a logistic function of the score's log odds,
two numbers a class (J. Platt, Probabilistic Outputs for Support Vector Machines, 1999). Isotonic regression was
measured beside it and was no better on any large class (docs/training.md). A class with too few right boxes gets the
curve of all classes together. The card holds the curve as points joined by lines.

The calibration error is cross-fitted: each half of the blocks is judged by the curve of the other half.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from detector.calibration import Calibration
from detector.yolo import DEFAULT_MIN_SCORE
from training.blocks import halves
from training.findings import Finding, Marks, merged
from training.index import DataIndex
from training.thresholds import known_marks

LOWEST_SCORE = DEFAULT_MIN_SCORE  # the server sees no box under it; the many boxes there would hide any error above
FEWEST_HITS = 20
HALVINGS = 5  # the error is the mean over as many ways of halving: one alone is chance to a good part
LEAST_SLOPE = 0.05  # a higher score never gives a lower probability
POINTS = 33
ERROR_BINS = 15


@dataclass(frozen=True, slots=True)
class FittedCalibration:
    """The table of one class, and what it rests on: `boxes` found ones, `hits` right ones.

    `rests_on`: the class's own boxes, or those of all classes. `ece`, `ece_raw`: expected calibration error of the
    probability (cross-fitted) and of the raw score; None without a box.
    """

    table: Calibration
    rests_on: str
    boxes: int
    hits: int
    ece: float | None
    ece_raw: float | None

    def as_json(self) -> dict[str, object]:
        """The entry of the card."""
        rounded = {
            name: None if e is None else round(e, 4) for name, e in (("ece", self.ece), ("ece_raw", self.ece_raw))
        }
        return {
            "scores": list(self.table.scores),
            "probabilities": list(self.table.probabilities),
            "rests_on": self.rests_on,
            "found_boxes": self.boxes,
            "right_boxes": self.hits,
            **rounded,
        }


@dataclass(frozen=True, slots=True)
class _Judged:
    """Boxes of one class, or of several: raw scores (n,) and whether they are right (n,)."""

    scores: np.ndarray
    hits: np.ndarray


def calibrate(index: DataIndex, findings: Sequence[Finding]) -> dict[str, FittedCalibration]:
    """The calibration of every class of the index."""
    marks = {name: known_marks(index, findings, name) for name in index.classes}
    whole = _judged(marks, range(len(findings)))
    halved = [[_judged(marks, side) for side in halves(findings, seed)] for seed in range(HALVINGS)]
    made = {}
    for name in index.classes:
        is_own = whole[name].hits.sum() >= FEWEST_HITS
        errors = [_errors([side[name] for side in sides], _tables(sides, name, is_own)) for sides in halved]
        fit_on = whole[name] if is_own else _joined(whole)
        means = [None if None in column else float(np.mean(column)) for column in zip(*errors, strict=True)]
        counts = len(whole[name].scores), int(whole[name].hits.sum())
        made[name] = FittedCalibration(
            fit(fit_on.scores, fit_on.hits), "own" if is_own else "all_classes", *counts, *means
        )
    return made


def fit(scores: np.ndarray, hits: np.ndarray) -> Calibration:
    """The strictly rising table of boxes with these raw scores (n,), right or not (n,), any order.

    >>> table = fit(np.linspace(0.1, 0.9, 100), np.arange(100) >= 50)
    >>> table.probability(0.2) < 0.1 < 0.9 < table.probability(0.8)
    True
    """
    odds, right = _log_odds(scores), int(hits.sum())
    # Platt's targets: one right and one wrong box more than there are keep the curve finite.
    targets = np.where(hits, (right + 1) / (right + 2), 1 / (len(hits) - right + 2))

    def surprise(line: np.ndarray) -> float:
        values = line[0] * odds + line[1]
        return float(np.sum(np.logaddexp(0, values) - targets * values))

    slope, shift = minimize(surprise, [1.0, 0.0], bounds=[(LEAST_SLOPE, None), (None, None)]).x
    points = np.linspace(-7, 7, POINTS)  # log odds: scores of 0.001 to 0.999
    inside = zip(_share(points).round(6).tolist(), _share(slope * points + shift).tolist(), strict=True)
    return _table(list(inside))


def expected_error(probabilities: np.ndarray, hits: np.ndarray) -> float:
    """Expected calibration error over 15 bins of equal width: mean of |mean probability - share of hits|, by count.

    Guo et al., On Calibration of Modern Neural Networks, 2017, equation 3.

    >>> expected_error(np.array([0.8, 0.8]), np.array([True, False]))
    0.3
    """
    places = np.minimum((probabilities * ERROR_BINS).astype(int), ERROR_BINS - 1)
    gaps = np.bincount(places, probabilities - hits, minlength=ERROR_BINS)
    return float(round(np.abs(gaps).sum() / len(hits), 12))


def _table(points: list[tuple[float, float]]) -> Calibration:
    """The points between (0, 0) and (1, the last one's probability); where rounding made two alike, one of them."""
    kept = [(0.0, 0.0)]
    for score, probability in points:
        if score > kept[-1][0] and round(probability, 6) > kept[-1][1] and round(probability, 6) < 1:
            kept.append((score, round(probability, 6)))
    kept.append((1.0, min(1.0, kept[-1][1] + 1e-6)))
    scores, probabilities = zip(*kept, strict=True)
    return Calibration(scores=scores, probabilities=probabilities)


def _log_odds(scores: np.ndarray) -> np.ndarray:
    inside = np.clip(scores, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(inside / (1 - inside)))


def _share(log_odds: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-log_odds)))


def _tables(sides: Sequence[dict[str, _Judged]], name: str, is_own: bool) -> list[Calibration]:
    fit_on = [side[name] if is_own else _joined(side) for side in sides]
    return [fit(side.scores, side.hits) for side in fit_on]


def _judged(marks: dict[str, list[Marks]], pictures: Iterable[int]) -> dict[str, _Judged]:
    chosen, made = list(pictures), {}
    for name, of_class in marks.items():
        one = merged([of_class[place] for place in chosen])
        kept = one.scores >= LOWEST_SCORE
        made[name] = _Judged(one.scores[kept].astype(np.float64), one.hits[kept])
    return made


def _joined(of_classes: dict[str, _Judged]) -> _Judged:
    parts = list(of_classes.values())
    return _Judged(np.concatenate([p.scores for p in parts]), np.concatenate([p.hits for p in parts]))


def _errors(sides: Sequence[_Judged], tables: Sequence[Calibration]) -> tuple[float | None, float | None]:
    """(cross-fitted error, error of the raw score): side 0 is judged by table 1 and the other way round."""
    both = _Judged(np.concatenate([s.scores for s in sides]), np.concatenate([s.hits for s in sides]))
    if not len(both.scores):
        return None, None
    probabilities = [
        np.interp(side.scores, other.scores, other.probabilities)
        for side, other in zip(sides, reversed(tables), strict=True)
    ]
    return expected_error(np.concatenate(probabilities), both.hits), expected_error(both.scores, both.hits)
