"""The states of a case and the legal moves between them, read from a city's file."""

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from inference_server.domain.errors import BadPolicy, IllegalMove

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
