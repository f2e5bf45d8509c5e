"""By when a case must be dealt with: four ways of counting time, and extensions."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from inference_server.domain.errors import BadInput, IllegalMove
from inference_server.domain.workdays import Stretch, WorkCalendar

MOST_EXTENSIONS: Final = 2
_MOST_AMOUNT: Final = 1000.0


class Unit(StrEnum):
    """How a limit is counted.

    紧急工作时 and 自然日 run through nights and holidays. 工作时 runs in office hours only. 工作日 runs day and night,
    but only on working days: one that starts on Friday 16:30 ends on Monday 16:30.
    """

    EMERGENCY_HOUR = "紧急工作时"
    WORKING_HOUR = "工作时"
    WORKING_DAY = "工作日"
    CALENDAR_DAY = "自然日"


@dataclass(frozen=True, slots=True)
class Limit:
    """So many units."""

    amount: float
    unit: Unit

    def __post_init__(self) -> None:
        if not 0.0 < self.amount <= _MOST_AMOUNT:  # a NaN is caught too
            raise BadInput(f"a limit is over 0 and at most {_MOST_AMOUNT:g}, not {self.amount!r}", field="amount")

    @property
    def duration(self) -> timedelta:
        """The running time of the clock that the limit allows."""
        is_days = self.unit in (Unit.WORKING_DAY, Unit.CALENDAR_DAY)
        return timedelta(days=self.amount) if is_days else timedelta(hours=self.amount)


@dataclass(frozen=True, slots=True)
class Deadline:
    """`due_at` in UTC. `guessed_years` are years on the way whose holidays nobody knows yet: there only weekends and
    the city's own list were counted, and the deadline may move when the holidays are announced."""

    due_at: datetime
    guessed_years: tuple[int, ...] = ()


def deadline(start_at: datetime, limit: Limit, calendar: WorkCalendar) -> Deadline:
    """The moment at which a clock started at `start_at` has run for the limit; a later start never ends earlier."""
    if start_at.tzinfo is None:
        raise BadInput("the start of a limit needs a time zone", field="start_at")
    start_at = start_at.astimezone(UTC)
    match limit.unit:
        case Unit.EMERGENCY_HOUR | Unit.CALENDAR_DAY:
            return Deadline(start_at + limit.duration)
        case Unit.WORKING_HOUR:
            due_at = _spent(limit.duration, calendar.office_hours_from(start_at))
        case Unit.WORKING_DAY:
            due_at = _spent(limit.duration, calendar.working_days_from(start_at))
    years = range(start_at.astimezone(calendar.zone).year, due_at.astimezone(calendar.zone).year + 1)
    guessed = tuple(year for year in years if not calendar.knows(year))
    return Deadline(due_at, guessed)


def extended(start_at: datetime, limit: Limit, granted: int, asked_at: datetime, calendar: WorkCalendar) -> Deadline:
    """The deadline after one extension more than the `granted` ones: each adds the original limit.

    IllegalMove where two were granted already, or where the present deadline has passed when it is asked for.
    """
    if granted not in range(MOST_EXTENSIONS):
        raise IllegalMove(f"a limit is extended at most {MOST_EXTENSIONS} times", field="extensions")
    present = deadline(start_at, Limit(limit.amount * (1 + granted), limit.unit), calendar)
    if asked_at > present.due_at:
        raise IllegalMove(f"the case is overdue since {present.due_at.isoformat()}", field="asked_at")
    return deadline(start_at, Limit(limit.amount * (2 + granted), limit.unit), calendar)


def _spent(duration: timedelta, stretches: Iterator[Stretch]) -> datetime:
    """The earliest moment at which the stretches have lasted for a duration. Differences are taken in UTC, so that a
    clock change counts as it should."""
    left = duration
    for begin, end in stretches:
        begin, end = begin.astimezone(UTC), end.astimezone(UTC)
        if left <= end - begin:
            return begin + left
        left -= end - begin
    raise AssertionError("a calendar has no end")
