"""What a part of bench-verify says: a share with its counts, its 95 % bounds and its target."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from scipy.stats import binomtest


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """`count` of `of` things, and the target: at most or at least so many, as a count or as a share of `of`.

    where: what the figure was taken on (pairs, threshold, which gate alone). more: anything that helps to read it.
    """

    part: str
    name: str
    count: int
    of: int
    at_most: float | None = None
    at_least: float | None = None
    where: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    def met(self) -> bool | None:
        """Whether the target is met; None where there is none. A target below 1 is a share, else a count."""
        if self.at_most is None and self.at_least is None:
            return None
        share = self.count / self.of if self.of else 0.0
        under = self.at_most is None or (share if 0 < self.at_most < 1 else self.count) <= self.at_most
        over = self.at_least is None or (share if 0 < self.at_least < 1 else self.count) >= self.at_least
        return under and over

    def as_json(self) -> dict[str, Any]:
        """One line of the answer."""
        line: dict[str, Any] = {"part": self.part, "name": self.name, "count": self.count, "of": self.of}
        if self.of:
            low, high = bounds95(self.count, self.of)
            line |= {"share": round(self.count / self.of, 4), "low95": round(low, 5), "high95": round(high, 5)}
        target = {"at_most": self.at_most, "at_least": self.at_least, "met": self.met(), "where": self.where or None}
        return line | {key: value for key, value in target.items() if value is not None} | self.more


def bounds95(count: int, of: int) -> tuple[float, float]:
    """The exact two-sided 95 % bounds of a share (Clopper and Pearson, Biometrika 1934).

    >>> round(bounds95(0, 3000)[1], 5)
    0.00123
    """
    interval = binomtest(count, of).proportion_ci(0.95, method="exact")
    return float(interval.low), float(interval.high)
