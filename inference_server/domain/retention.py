"""How long a stored picture is kept: as long as something needs it, and no longer."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from inference_server.domain.errors import BadPolicy

NEVER: Final = "never"
_MOST: Final = 1_000_000.0


class Why(StrEnum):
    """Why a picture is kept. The first five hold as long as they are so; the others end by a rule of the policy."""

    HELD = "held"
    QUEUED = "queued"  # its frame waits for analysis
    QUESTION = "question"  # somebody is to answer a review or a verification
    OPEN_CASE = "open_case"
    EVENT = "event"  # the case system has not heard yet
    CASE = "case"  # from when it was closed
    VERIFICATION = "verification"  # from its answer
    REVIEW = "review"  # from its answer
    CANDIDATE = "candidate"  # from when the thing was last seen
    FRAME = "frame"  # from its analysis; of what nothing names any more, from when it was stored


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRules:
    """Hours and days after which a picture goes that nothing else needs. None: never (`"never"` in the file)."""

    frames_h: float | None = None
    candidate_days: float | None = None
    evidence_days: float | None = None  # a class may have its own: `evidence_days` of [classes.NAME]
    reviews_days: float | None = None
    verifications_days: float | None = None
    details_days: float | None = None  # not of pictures: of what the record says of a frame


_RULES: Final[Mapping[Why, str]] = {
    Why.CASE: "evidence_days",
    Why.VERIFICATION: "verifications_days",
    Why.REVIEW: "reviews_days",
    Why.CANDIDATE: "candidate_days",
    Why.FRAME: "frames_h",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One thing that needs a picture, and (for those that end by a rule) since when the time counts."""

    why: Why
    since: datetime | None = None
    class_name: str | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """The picture stays."""

    why: Why


@dataclass(frozen=True, slots=True)
class Expired:
    """Nothing needs the picture any more. rule: the one that ended last, with its number: `frames_h=72`."""

    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """The rules of a city, those of single classes over the general ones."""

    rules: RetentionRules
    evidence_days: Mapping[str, float]  # by class; infinite: never
    tells: bool = True  # False: events go nowhere, so nothing waits for them

    @property
    def of_details(self) -> "Retention | None":
        """The rules by which a frame's details go: whatever keeps its picture keeps them too, and they have a time of
        their own. None: they never go."""
        days = self.rules.details_days
        return None if days is None else replace(self, rules=replace(self.rules, frames_h=24.0 * days))

    @property
    def deletes(self) -> bool:
        """Whether any picture is ever deleted."""
        general = (getattr(self.rules, one.name) for one in fields(self.rules))
        return any(one is not None for one in general) or any(math.isfinite(one) for one in self.evidence_days.values())

    def judge(self, needs: Iterable[Need], now: datetime, stored_at: datetime) -> Kept | Expired:
        """What becomes of a picture, with the strongest reason. One that nothing names counts as a frame, from when it
        was stored."""
        real = [need for need in needs if self.tells or need.why is not Why.EVENT]
        ends = {need: self._ends(need) for need in real or [Need(why=Why.FRAME, since=stored_at)]}
        holding = [need.why for need, end in ends.items() if end is None or end[0] > now]
        if holding:
            return Kept(min(holding, key=list(Why).index))
        return Expired(max(end for end in ends.values() if end is not None)[1])

    def _ends(self, need: Need) -> tuple[datetime, str] | None:
        """When a need ends, and by which rule; None: not by any."""
        name = _RULES.get(need.why)
        amount = None if name is None else self._amount(name, need)
        if amount is None or need.since is None:
            return None
        time = timedelta(hours=amount) if name == "frames_h" else timedelta(days=amount)
        return need.since + time, f"{name}={amount:g}"

    def _amount(self, name: str, need: Need) -> float | None:
        own = self.evidence_days.get(need.class_name or "") if need.why is Why.CASE else None
        if own is not None:
            return None if math.isinf(own) else own
        amount: float | None = getattr(self.rules, name)
        return amount


def retention_rules(table: Mapping[str, Any]) -> RetentionRules:
    """The rules of the section [retention]; BadPolicy names what is wrong."""
    known = {one.name for one in fields(RetentionRules)}
    for key in table:
        if key not in known:
            raise BadPolicy(f"retention.{key}: unknown key; known are {sorted(known)}", field=f"retention.{key}")
    return RetentionRules(**{key: time_limit(value, f"retention.{key}") for key, value in table.items()})


def time_limit(value: object, where: str) -> float | None:
    """A number of hours or days, None for `"never"`; BadPolicy for anything else.

    >>> time_limit(72, "retention.frames_h"), time_limit("never", "retention.frames_h")
    (72.0, None)
    """
    if value == NEVER:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= _MOST:
        raise BadPolicy(f'{where}: {value!r} is neither a number from 0 to {_MOST:g} nor "{NEVER}"', field=where)
    return float(value)
