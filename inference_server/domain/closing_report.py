"""How good closing is: both rates that matter, with their bounds, counted on what people found."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from inference_server.domain.bounds import lower_bound, upper_bound
from inference_server.domain.verification import Closing


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One verification. is_fixed: what a person found, or what is known of a made pair; None: nobody looked."""

    decision: Closing
    is_fixed: bool | None
    reasons: tuple[str, ...] = ()
    slices: Mapping[str, str] | None = None  # such as code, district, light, source


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A counted share with its exact 95 % bounds, each one-sided."""

    hits: int
    of: int

    @property
    def value(self) -> float | None:
        """The share; None where nothing was counted."""
        return None if self.of == 0 else self.hits / self.of

    @property
    def upper(self) -> float:
        """The upper bound."""
        return upper_bound(self.hits, self.of)

    @property
    def lower(self) -> float:
        """The lower bound."""
        return lower_bound(self.hits, self.of)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingFigures:
    """Figures of some verifications.

    wrong_of_closed: not fixed among the closings that a person has checked. false_close: closed among the not-fixed
    presented; true_close: closed among the fixed presented. Where only a sample of the closings was checked, these two
    are of what the sample and the people's decisions say of all: counts are then scaled to the closings.
    """

    presented: int
    decisions: Mapping[Closing, int]
    reasons: Mapping[str, int]
    wrong_of_closed: Share
    false_close: Share
    true_close: Share
    checked_share: float | None

    @property
    def auto_decided(self) -> Share:
        """Closed or sent back without a person."""
        decided = self.decisions.get(Closing.CLOSE, 0) + self.decisions.get(Closing.REWORK, 0)
        return Share(hits=decided, of=self.presented)

    def wrong_at(self, fraud_share: float, *, bound: bool = False) -> float | None:
        """Not fixed among all closings, where this share of what is presented is not fixed (Bayes).

        `bound`: with the upper bound of wrong closings and the lower one of right ones.
        """
        if self.false_close.of == 0 or self.true_close.of == 0:
            return None
        wrong = self.false_close.upper if bound else self.false_close.hits / self.false_close.of
        right = self.true_close.lower if bound else self.true_close.hits / self.true_close.of
        closed = fraud_share * wrong + (1.0 - fraud_share) * right
        return None if closed == 0.0 else fraud_share * wrong / closed


def figures(outcomes: Sequence[Outcome]) -> ClosingFigures:
    """The figures of all of them together."""
    decisions = Counter(one.decision for one in outcomes)
    reasons = Counter(code for one in outcomes for code in one.reasons)
    closed = [one for one in outcomes if one.decision is Closing.CLOSE]
    checked = [one for one in closed if one.is_fixed is not None]
    wrong = sum(1 for one in checked if one.is_fixed is False)
    others = [one for one in outcomes if one.decision is not Closing.CLOSE]
    not_fixed = sum(1 for one in others if one.is_fixed is False)
    fixed = sum(1 for one in others if one.is_fixed is True)
    # One checked closing stands for as many as there are for each checked one; people's own decisions for themselves.
    weight = len(closed) / len(checked) if checked else 0.0
    right = len(checked) - wrong
    return ClosingFigures(
        presented=len(outcomes),
        decisions=dict(decisions),
        reasons=dict(reasons.most_common()),
        wrong_of_closed=Share(hits=wrong, of=len(checked)),
        false_close=_scaled(wrong, not_fixed, weight),
        true_close=_scaled(right, fixed, weight),
        checked_share=None if not closed else len(checked) / len(closed),
    )


def _scaled(closed: int, others: int, weight: float) -> Share:
    """Closed among closed and others. A sampled closing is no more than one observation, so where closings stand for
    more than themselves the others are scaled down instead: the bound then speaks of what was really looked at."""
    if weight <= 1.0:
        return Share(hits=closed, of=closed + others)
    return Share(hits=closed, of=closed + round(others / weight))


def by_slice(outcomes: Iterable[Outcome], name: str) -> dict[str, ClosingFigures]:
    """The figures for each value of a slice, in order of the values."""
    return _grouped(outcomes, lambda one: (one.slices or {}).get(name, "unknown"))


def _grouped(outcomes: Iterable[Outcome], key: Callable[[Outcome], str]) -> dict[str, ClosingFigures]:
    groups: dict[str, list[Outcome]] = {}
    for one in outcomes:
        groups.setdefault(key(one), []).append(one)
    return {value: figures(groups[value]) for value in sorted(groups)}
