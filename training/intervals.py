"""95 % intervals of figures by bootstrap over blocks of look-alikes (training/blocks.py).

Blocks, not pictures, are drawn with replacement: pictures of one place are no independent proofs (Efron and Tibshirani,
An Introduction to the Bootstrap, 1993, chapter 13 for the percentile interval).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.findings import Marks

Intervals = dict[str, tuple[float, float]]
DRAWS = 300
_ENDS = (2.5, 97.5)
_RECALL_POINTS = np.linspace(0, 1, 101)


def intervals(by_picture: Sequence[Marks], units: Sequence[Sequence[int]], score: float) -> Intervals:
    """The intervals of mAP50, recall_at_threshold and false_alarms_per_100, by name; those that mean nothing left out.

    by_picture: the marks of each picture. units: places in it, block by block. score: the threshold.
    """
    table = _Table(by_picture, units, score)
    rng = np.random.default_rng(0)
    weights = rng.multinomial(len(units), np.full(len(units), 1 / len(units)), size=DRAWS)
    kept, hits, truths, pictures = (weights @ column for column in table.counts.T)
    made = {"false_alarms_per_100": _ends(100 * (kept - hits) / pictures)}
    drawn = truths > 0
    if drawn.any():
        made["recall_at_threshold"] = _ends(hits[drawn] / truths[drawn])
        made["mAP50"] = _ends(np.array([table.average_precision(row) for row in weights[drawn]]))
    return made


def average_precision_at_50(scores: np.ndarray, hits: np.ndarray, truths: float, weights: np.ndarray) -> float:
    """Average precision after COCO (101 recalls) of boxes sorted by score, each counted `weights` times.

    >>> average_precision_at_50(np.array([0.9, 0.8]), np.array([True, False]), 2.0, np.ones(2)).__round__(3)
    0.505
    """
    right, found = np.cumsum(weights * hits), np.cumsum(weights)
    precision = right / np.maximum(found, 1e-9)
    highest_after = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(right / truths, _RECALL_POINTS - 1e-12, side="left")
    reached = places < len(precision)
    return float(highest_after[places[reached]].sum() / len(_RECALL_POINTS))


class _Table:
    """The boxes of one class sorted by score with their blocks; `counts` (blocks, 4): kept, hits, truths, pictures."""

    def __init__(self, by_picture: Sequence[Marks], units: Sequence[Sequence[int]], score: float) -> None:
        self.counts = np.zeros((len(units), 4))
        scores, hits, owners = [np.zeros(0)], [np.zeros(0, dtype=bool)], [np.zeros(0, dtype=np.int64)]
        for unit, members in enumerate(units):
            for marks in (by_picture[place] for place in members):
                kept = marks.scores >= score
                self.counts[unit] += (kept.sum(), marks.hits[kept].sum(), marks.truths, 1)
                scores.append(marks.scores)
                hits.append(marks.hits)
                owners.append(np.full(len(marks.scores), unit))
        all_scores = np.concatenate(scores)
        order = np.argsort(-all_scores, kind="stable")
        self._scores, self._hits = all_scores[order], np.concatenate(hits)[order]
        self._owners = np.concatenate(owners)[order]

    def average_precision(self, weights: np.ndarray) -> float:
        """Of a draw in which block i stands `weights[i]` times."""
        truths = float(weights @ self.counts[:, 2])
        return average_precision_at_50(self._scores, self._hits, truths, weights[self._owners].astype(np.float64))


def _ends(values: np.ndarray) -> tuple[float, float]:
    low, high = np.percentile(values, _ENDS)
    return float(low), float(high)
