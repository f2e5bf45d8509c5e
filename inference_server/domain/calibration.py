"""From the scores of the gates to a probability, and from a target to the score at which a case may be closed.

A proof holds only if every gate holds, so the weakest score stands for the pair. What such a score is worth was counted
on pairs whose truth is known (`tests/bench/fit_closing.py` writes the table); a table without counts closes nothing.
"""

import hashlib
import json
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from inference_server.domain.bounds import upper_bound
from inference_server.domain.errors import BadPolicy
from inference_server.domain.verification import WORKING_POINT


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreTable:
    """Counts of pairs with known truth.

    points: (weakest score, probability that it is fixed), both rising. not_fixed: how many not-fixed pairs were
    presented. wrong_scores: weakest scores of those that passed every gate, rising.
    """

    points: tuple[tuple[float, float], ...] = ((0.0, 0.0), (1.0, 1.0))
    not_fixed: int = 0
    wrong_scores: tuple[float, ...] = ()

    def probability(self, weakest: float) -> float:
        """The probability that the problem is gone and the proof genuine, for the weakest score of the gates."""
        scores, chances = zip(*self.points, strict=True)
        return float(np.interp(weakest, scores, chances))

    def close_at(self, target: float) -> float | None:
        """The least weakest score at which the share of closed among the not-fixed is surely under a target.

        None where too few pairs were counted to be sure at any score.
        """
        for score in (WORKING_POINT, *(np.nextafter(wrong, 2.0) for wrong in self.wrong_scores)):
            above = len(self.wrong_scores) - bisect_left(self.wrong_scores, score)
            if score >= WORKING_POINT and upper_bound(above, self.not_fixed) <= target:
                return float(score)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The table of all classes, tables of single codes where enough was counted, and the hash of the file."""

    pooled: ScoreTable = field(default_factory=ScoreTable)
    codes: Mapping[str, ScoreTable] = field(default_factory=dict)
    hash: str = "none"

    def table(self, code: str) -> ScoreTable:
        """The table that holds for a code."""
        return self.codes.get(code, self.pooled)

    @property
    def is_counted(self) -> bool:
        """Whether any pair was counted."""
        return self.pooled.not_fixed > 0

    @classmethod
    def load(cls, path: Path) -> "Calibration":
        """The calibration of a JSON file; BadPolicy says what is wrong in it."""
        try:
            raw = path.read_bytes()
            data = json.loads(raw)
            codes = {code: _table(table) for code, table in data.get("codes", {}).items()}
            return cls(pooled=_table(data["pooled"]), codes=codes, hash=hashlib.sha256(raw).hexdigest())
        except (OSError, KeyError, TypeError, ValueError) as fault:
            raise BadPolicy(f"{path.name}: {type(fault).__name__} {fault}", field="closing_calibration") from fault


def _table(data: dict[str, Any]) -> ScoreTable:
    points = tuple((float(score), float(chance)) for score, chance in data["points"])
    wrong = tuple(float(score) for score in data["wrong_scores"])
    if list(points) != sorted(points) or len(points) < 2:
        raise ValueError("points must be two or more, rising")
    if any(low[1] > high[1] for low, high in pairwise(points)):
        raise ValueError("probabilities must not fall with the score")
    if list(wrong) != sorted(wrong) or len(wrong) > int(data["not_fixed"]):
        raise ValueError("wrong_scores must rise, and be no more than not_fixed")
    return ScoreTable(points=points, not_fixed=int(data["not_fixed"]), wrong_scores=wrong)
