"""A case of the city, its states, and the moves that are legal between them (the table is data)."""

import tomllib
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NewType

from inference_server.domain.errors import BadInput, BadPolicy, IllegalMove
from inference_server.domain.geo import LatLon
from inference_server.domain.grid import GridId

CaseId = NewType("CaseId", str)
CandidateId = NewType("CandidateId", str)

# The states that the program itself speaks of. A city's file may add others, but must have these.
REVIEW: Final = "review"
FILED: Final = "filed"
DISPATCHED: Final = "dispatched"
REPORTED_FIXED: Final = "reported_fixed"
CLOSED: Final = "closed"
SUSPENDED: Final = "suspended"
VOID: Final = "void"
REJECTED: Final = "rejected"
KNOWN_STATES: Final = (REVIEW, FILED, DISPATCHED, REPORTED_FIXED, CLOSED, SUSPENDED, VOID, REJECTED)

SOURCE: Final = "车载智能采集"
EXTERNAL_NUMBER_LENGTH: Final = 32


class Actor(StrEnum):
    """Who moves a case. A `by` text is one of these, or one of these, a colon and a name: `operator:wang`."""

    SYSTEM = "system"
    OPERATOR = "operator"
    CASE_SYSTEM = "case_system"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One state: open ones take sightings; in neutral ones sightings and absences are kept but move nothing."""

    name: str
    name_zh: str
    name_en: str
    open: bool
    neutral: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalMove:
    """One row of the table of moves; `reopens` counts the case as reopened."""

    from_state: str
    to_state: str
    by: frozenset[Actor]
    reason_required: bool
    reopens: bool


@dataclass(frozen=True, slots=True)
class CaseStates:
    """The states and the legal moves of one city."""

    states: dict[str, State]
    moves: dict[tuple[str, str], LegalMove]

    @classmethod
    def load(cls, path: Path) -> "CaseStates":
        """The table in a TOML file with `[[state]]` and `[[move]]` entries; BadPolicy says what is wrong in it."""
        try:
            text = tomllib.loads(path.read_text(encoding="utf-8"))
            states = [State(**row) for row in text["state"]]
            moves = [_legal_move(row) for row in text["move"]]
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError) as fault:
            raise BadPolicy(f"{path.name}: {fault}", field="case_states") from fault
        _check_table(path.name, states, moves)
        return cls({state.name: state for state in states}, {(m.from_state, m.to_state): m for m in moves})

    def is_open(self, state: str) -> bool:
        """Whether a case in this state still stands for something on the street."""
        return self._state(state).open

    def is_neutral(self, state: str) -> bool:
        """Whether sightings and absences are kept but move nothing in this state."""
        return self._state(state).neutral

    @property
    def open_states(self) -> tuple[str, ...]:
        """The names of the open states, in the order of the file."""
        return tuple(state.name for state in self.states.values() if state.open)

    def legal_from(self, state: str, by: str) -> tuple[str, ...]:
        """The states that `by` may move a case to."""
        actor = _actor(by)
        return tuple(move.to_state for move in self.moves.values() if move.from_state == state and actor in move.by)

    def check_move(self, from_state: str, to_state: str, by: str, reason: str | None) -> None:
        """Nothing, or IllegalMove that names the moves that would be legal."""
        self._state(from_state)
        move = self.moves.get((from_state, to_state))
        if move is None or _actor(by) not in move.by:
            legal = ", ".join(self.legal_from(from_state, by)) or "none"
            what = f"{by} may not move a case from {from_state} to {to_state}"
            raise IllegalMove(f"{what}; legal for {_actor(by)}: {legal}", field="state")
        if move.reason_required and not (reason or "").strip():
            raise IllegalMove(f"a move from {from_state} to {to_state} needs a reason", field="reason")

    def _state(self, name: str) -> State:
        try:
            return self.states[name]
        except KeyError:
            raise IllegalMove(f"no state {name!r}; there are: {', '.join(self.states)}", field="state") from None


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
    score: float
    probability: float | None = None
    campaign: str | None = None
    model_version: str
    policy_hash: str
    state_times: dict[str, datetime] = field(default_factory=dict)


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


def _actor(by: str) -> Actor:
    try:
        return Actor(by.partition(":")[0])
    except ValueError:
        known = ", ".join(Actor)
        raise IllegalMove(f"{by!r} is nobody who moves cases; there are: {known}", field="by") from None


def _legal_move(row: dict[str, Any]) -> LegalMove:
    unknown = set(row) - {"from", "to", "by", "reason_required", "reopens"}
    if unknown:
        raise ValueError(f"unknown keys in a move: {', '.join(sorted(unknown))}")
    return LegalMove(
        from_state=row["from"],
        to_state=row["to"],
        by=frozenset(Actor(name) for name in row["by"]),
        reason_required=bool(row.get("reason_required", False)),
        reopens=bool(row.get("reopens", False)),
    )


def _check_table(file: str, states: list[State], moves: list[LegalMove]) -> None:
    names = [state.name for state in states]
    pairs = [(move.from_state, move.to_state) for move in moves]
    named = {name for pair in pairs for name in pair}
    faults = [f"state {name} is missing" for name in KNOWN_STATES if name not in names]
    faults += [f"state {name} is there twice" for name in sorted(set(names)) if names.count(name) > 1]
    faults += [f"a move names {name}, which is no state" for name in sorted(named - set(names))]
    faults += [f"the move {a} to {b} is there twice" for a, b in sorted(set(pairs)) if pairs.count((a, b)) > 1]
    faults += [f"{move.from_state} to {move.to_state} is nobody's" for move in moves if not move.by]
    if faults:
        raise BadPolicy(f"{file}: {'; '.join(faults)}", field="case_states")
