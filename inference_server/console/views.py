"""Cases as the page shows them: numbers rounded, times in the city's zone, words in the operator's language."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from inference_server.console.languages import Messages
from inference_server.domain.case import Case
from inference_server.domain.case_states import CaseStates
from inference_server.domain.city_time import CITY_ZONE

# The radius that holds 68 % of a round two-dimensional error, in standard deviations of one axis (Rayleigh).
RADIUS_68_SIGMAS: Final = 1.515


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """One line of the list. `version` changes whenever anything does that the page shows of the case."""

    case: Case
    label: str
    state_label: str
    mark: str
    radius_m: float
    version: str
    is_overdue: bool

    @property
    def short_id(self) -> str:
        """The beginning of the id, enough to tell cases apart on a page."""
        return self.case.id[:8]


def radius_68_m(covariance_m2: tuple[float, float, float]) -> float:
    """Metres that hold 68 % of the position's errors, from a covariance (east-east, east-north, north-north).

    >>> round(radius_68_m((1.0, 0.0, 1.0)), 3)
    1.515
    """
    return RADIUS_68_SIGMAS * math.sqrt(max(covariance_m2[0] + covariance_m2[2], 0.0) / 2.0)


def case_row(case: Case, messages: Messages, states: CaseStates, now: datetime) -> CaseRow:
    """The line of a case."""
    return CaseRow(
        case=case,
        label=messages.named("class", case.class_name),
        state_label=state_label(case.state, messages, states),
        mark=messages.named("mark", case.class_name)[:1],
        radius_m=radius_68_m(case.covariance_m2),
        version=version_of(case),
        is_overdue=case.deadline_at is not None and case.deadline_at < now and states.is_open(case.state),
    )


def version_of(case: Case) -> str:
    """A short text that changes with the case."""
    number = case.external_number or ""
    return f"{case.state}.{case.changed_at.timestamp():.3f}.{case.sightings}.{case.absences}.{case.reopened}.{number}"


def state_label(state: str, messages: Messages, states: CaseStates) -> str:
    """The city's own name of a state in the language of the page."""
    known = states.states.get(state)
    if known is None:
        return state
    return known.name_zh if messages.language == "zh" else known.name_en


def city_time(at: datetime | None, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """A moment in the city's time; a dash for none."""
    return at.astimezone(CITY_ZONE).strftime(form) if at else "–"


def duration_text(seconds: float, messages: Messages) -> str:
    """A span in its two largest units: days and hours, or hours and minutes."""
    minutes = int(abs(seconds) // 60)
    if minutes >= 24 * 60:
        return messages("span.days_hours", days=minutes // 1440, hours=minutes % 1440 // 60)
    return messages("span.hours_minutes", hours=minutes // 60, minutes=minutes % 60)
