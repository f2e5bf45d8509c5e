"""Working days and office hours of a city: statutory holidays, make-up days, and what the city changes of them."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import chinese_calendar

from inference_server.domain.city_time import CITY_ZONE
from inference_server.domain.errors import BadPolicy

OFFICE_HOURS: Final = ((time(8), time(12)), (time(14), time(18)))
_KINDS: Final = ("holiday", "workday", "complete")
_SATURDAY: Final = 5

Stretch = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkCalendar:
    """When a city works. `overrides` (True = working day) win over the library's holidays, `complete_years` are those
    that the overrides describe in full. In a year that neither knows, Monday to Friday are working days."""

    zone: ZoneInfo = CITY_ZONE
    office_hours: tuple[tuple[time, time], ...] = OFFICE_HOURS
    overrides: dict[date, bool] = field(default_factory=dict)
    complete_years: frozenset[int] = frozenset()

    def is_working_day(self, day: date) -> bool:
        """Whether offices work on a day: not a weekend or holiday, or a weekend that makes up for one."""
        if day in self.overrides:
            return self.overrides[day]
        try:
            return bool(chinese_calendar.is_workday(day))
        except NotImplementedError:  # the library's word for a year whose holidays were not announced when it was made
            return day.weekday() < _SATURDAY

    def knows(self, year: int) -> bool:
        """Whether the holidays of a year are known, not guessed from weekends."""
        if year in self.complete_years:
            return True
        try:
            chinese_calendar.is_workday(date(year, 1, 1))
        except NotImplementedError:
            return False
        return True

    def working_days_from(self, start_at: datetime) -> Iterator[Stretch]:
        """The stretches from `start_at` on that lie in working days, midnight to midnight, without end."""
        return self._stretches(start_at, ((time(0), None),))

    def office_hours_from(self, start_at: datetime) -> Iterator[Stretch]:
        """The stretches from `start_at` on that lie in the office hours of working days, without end."""
        return self._stretches(start_at, self.office_hours)

    def _stretches(self, start_at: datetime, hours: tuple[tuple[time, time | None], ...]) -> Iterator[Stretch]:
        day = start_at.astimezone(self.zone).date()
        while True:
            if self.is_working_day(day):
                for opens, closes in hours:
                    begin = self._moment(day, opens)
                    end = (
                        self._moment(day + timedelta(days=1), time(0)) if closes is None else self._moment(day, closes)
                    )
                    if end > start_at:
                        yield max(begin, start_at), end
            day += timedelta(days=1)

    def _moment(self, day: date, clock: time) -> datetime:
        return datetime.combine(day, clock, self.zone)


def load_calendar(
    path: Path,
    *,
    zone: ZoneInfo = CITY_ZONE,
    office_hours: tuple[tuple[time, time], ...] = OFFICE_HOURS,
) -> WorkCalendar:
    """The calendar with the overrides of a CSV file with the columns date, kind, note.

    kind is `holiday`, `workday`, or `complete`: the file has all that is special in the year of that date.
    """
    overrides: dict[date, bool] = {}
    complete: set[int] = set()
    with path.open(encoding="utf-8", newline="") as lines:
        for number, row in enumerate(csv.DictReader(lines), start=2):
            try:
                day, kind = date.fromisoformat(row["date"]), row["kind"]
                _KINDS.index(kind)
            except (KeyError, TypeError, ValueError) as fault:
                message = f"{path.name} line {number}: needs an ISO date and one of {', '.join(_KINDS)}"
                raise BadPolicy(message, field="holidays") from fault
            if kind == "complete":
                complete.add(day.year)
            elif overrides.setdefault(day, kind == "workday") != (kind == "workday"):
                raise BadPolicy(f"{path.name} line {number}: {day} is both holiday and workday", field="holidays")
    _check_hours(office_hours)
    return WorkCalendar(zone=zone, office_hours=office_hours, overrides=overrides, complete_years=frozenset(complete))


def _check_hours(office_hours: tuple[tuple[time, time], ...]) -> None:
    edges = [edge for pair in office_hours for edge in pair]
    if not edges or any(later <= earlier for earlier, later in pairwise(edges)):
        raise BadPolicy(
            "office hours need to follow each other, each with its end after its start", field="office_hours"
        )
