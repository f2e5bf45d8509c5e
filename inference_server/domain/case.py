"""A case of the city, and how it moves from state to state."""

import math
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, NewType

from inference_server.domain.candidate import CandidateId
from inference_server.domain.case_states import FILED, REVIEW, CaseStates
from inference_server.domain.errors import BadInput, IllegalMove
from inference_server.domain.geo import LatLon
from inference_server.domain.grid import GridId

CaseId = NewType("CaseId", str)

SOURCE: Final = "车载智能采集"
EXTERNAL_NUMBER_LENGTH: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The city's record of one thing on the street.

    `filed_at` is when it was first filed (while in review: when it was put there), `changed_at` the last change of
    state. `covariance_m2` holds east-east, east-north, north-north. `external_number` is the case system's own,
    opaque to us. `state_times` has the last entry into each state.
    """

    id: CaseId
    candidate_id: CandidateId
    state: str
    class_name: str
    standard: str
    kind: str
    code: str
    name: str
    grid: GridId | None
    grid_candidates: tuple[GridId, ...]
    on_border: bool
    position: LatLon
    covariance_m2: tuple[float, float, float]
    source: str = SOURCE
    external_number: str | None = None
    filed_at: datetime
    changed_at: datetime
    deadline_at: datetime | None = None
    reopened: int = 0
    absences: int = 0
    sightings: int = 0
    observations: int = 0
    score: float
    probability: float | None = None
    campaign: str | None = None
    model_version: str
    policy_hash: str
    state_times: dict[str, datetime] = field(default_factory=dict)

    @property
    def radius_m(self) -> float:
        """Radius that holds about 68 % of the errors of the position (a Rayleigh radius of the mean variance)."""
        return 1.515 * math.sqrt((self.covariance_m2[0] + self.covariance_m2[2]) / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a case is about, in the words of the detector and of the standard."""

    class_name: str
    kind: str
    code: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseMove:
    """One change of state, as the history keeps it. The first one of a case has no `from_state`."""

    case_id: CaseId
    at: datetime
    from_state: str | None
    to_state: str
    by: str
    reason: str | None


def moved(case: Case, to: str, at: datetime, by: str, reason: str | None, states: CaseStates) -> tuple[Case, CaseMove]:
    """The case after a legal move, and the line for its history.

    Reopening counts one up and clears the absences and the deadline, for both belonged to the closing that was wrong.
    IllegalMove where the table forbids it, or where `at` lies before the last change of state.
    """
    if at.tzinfo is None:
        raise BadInput("the time of a move needs a time zone", field="at")
    states.check_move(case.state, to, by, reason)
    if at < case.changed_at:
        message = f"the case changed at {case.changed_at.isoformat()}, after {at.isoformat()}"
        raise IllegalMove(message, field="at")
    after = replace(case, state=to, changed_at=at, state_times={**case.state_times, to: at})
    if case.state == REVIEW and to == FILED:
        after = replace(after, filed_at=at)
    if states.moves[case.state, to].reopens:
        after = replace(after, reopened=case.reopened + 1, absences=0, deadline_at=None)
    return after, CaseMove(case_id=case.id, at=at, from_state=case.state, to_state=to, by=by, reason=reason)


def external_number(text: str) -> str:
    """The case system's number as it came, BadInput where it is empty, too long or not printable."""
    if not text.strip() or len(text) > EXTERNAL_NUMBER_LENGTH or not text.isprintable():
        message = f"an external number has 1 to {EXTERNAL_NUMBER_LENGTH} printable characters"
        raise BadInput(message, field="external_number")
    return text
