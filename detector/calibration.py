"""From a raw score to the probability that the box is right, per class, by the tables of the model card."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.card_fields import Fields
from detector.detections import ClassIds, Scores

_FEWEST_POINTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A rising line through points: `scores` (raw) and `probabilities`, both strictly rising, all in 0..1."""

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    def probability(self, score: float) -> float:
        """The probability that a box of this raw score is right; a higher score never gives a lower one.

        >>> Calibration(scores=(0.0, 0.5, 1.0), probabilities=(0.0, 0.8, 0.9)).probability(0.25)
        0.4
        """
        above = bisect_right(self.scores, score)
        if above in (0, len(self.scores)):
            return self.probabilities[min(above, len(self.scores) - 1)]
        (x0, x1), (y0, y1) = self.scores[above - 1 : above + 1], self.probabilities[above - 1 : above + 1]
        return (y1 - y0) / (x1 - x0) * (score - x0) + y0  # as numpy.interp, at a tenth of its cost for one number


def probabilities_of(
    calibration: Mapping[str, Calibration], scores: Scores, class_ids: ClassIds, class_names: tuple[str, ...]
) -> NDArray[np.float32]:
    """The probability of each row, `(N,)` float32; NaN for a class without calibration."""
    tables = [calibration.get(class_names[class_id]) for class_id in class_ids.tolist()]
    rows = zip(tables, scores.tolist(), strict=True)
    return np.array([math.nan if table is None else table.probability(score) for table, score in rows], np.float32)


def read_calibration(card: Fields, classes: tuple[str, ...]) -> dict[str, Calibration]:
    """By class name; empty for a card without calibration. Raises CardError naming the field that is wrong."""
    if "calibration" not in card.content:
        return {}
    by_class = card.inner("calibration")
    by_class.demand_keys_among(classes)
    return {name: _read_table(by_class.inner(name)) for name in by_class.content}


def _read_table(fields: Fields) -> Calibration:
    table = Calibration(scores=fields.numbers("scores"), probabilities=fields.numbers("probabilities"))
    if len(table.scores) != len(table.probabilities) or len(table.scores) < _FEWEST_POINTS:
        raise fields.error("probabilities", "must be as many as scores, two at least")
    for field, values in (("scores", table.scores), ("probabilities", table.probabilities)):
        if not (np.diff(values) > 0).all() or values[0] < 0 or values[-1] > 1:
            raise fields.error(field, "must rise from number to number, all in 0..1")
    return table
