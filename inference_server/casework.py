"""A person or the case system moves a case: load, ask the domain, apply, commit with event and history."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from inference_server.domain.audit import SYSTEM, AuditAction, AuditNote
from inference_server.domain.case import Case, CaseId, CaseMove, Subject, external_number, moved
from inference_server.domain.case_states import CLOSED, DISPATCHED, FILED, REVIEW, SUSPENDED, CaseStates
from inference_server.domain.deadline_table import DeadlineTable
from inference_server.domain.deadlines import deadline
from inference_server.domain.errors import BadInput, Conflict, IllegalMove
from inference_server.domain.geo import cell_of
from inference_server.domain.policy import Policy
from inference_server.domain.workdays import WorkCalendar
from inference_server.filing import case_event
from inference_server.ports import CaseStore, Clock, Event, Work

_EVENT_NAMES = {FILED: "filed", CLOSED: "closed"}
# The clock runs from filing, and anew for the handler from dispatching; rework gives nobody more time.
_CLOCK_BEGINS = frozenset({(FILED, DISPATCHED), (SUSPENDED, DISPATCHED)})


Also = Callable[[Work], object]


def _nothing(work: Work) -> None:
    """No more is to be written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRequest:
    """What is asked for. `state` None leaves the state alone; `expected_state` guards against a stale view."""

    case_id: CaseId
    by: str
    state: str | None = None
    reason: str | None = None
    external_number: str | None = None
    at: datetime | None = None
    subject: Subject | None = None  # what the case is about from now on, where a person saw something else
    expected_state: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Casework:
    """Moves cases by the table of a city."""

    store: CaseStore
    states: CaseStates
    policy: Policy
    limits: DeadlineTable
    calendar: WorkCalendar
    clock: Clock

    def move(self, request: MoveRequest, also: Also = _nothing) -> Case:
        """The case after the move. The very same move (state and `at`) again changes nothing: it may be repeated.

        `also` writes into the same transaction.

        Raises NotFound, IllegalMove, BadInput, or Conflict (the case is not in `expected_state`, or a later case
        stands for the same thing by now).
        """
        if request.state is None and request.external_number is None:
            raise BadInput("nothing to change: give a state or an external_number", field="state")
        found = self.store.case(request.case_id)
        with self.store.work([cell_of(found.position)]) as work:
            case = _latest(work, found)
            after, line = self._applied(case, request)
            if after != case:
                work.save_case(after)
            if line is not None:
                work.add_move(line)
                work.add_event(_event(after, line))
            _note(work, request, case, after)
            also(work)
            return after

    def _applied(self, case: Case, request: MoveRequest) -> tuple[Case, CaseMove | None]:
        """The case as asked for, and its new line of history if it moves."""
        numbered = _about(_numbered(case, request), request.subject)
        if request.state is None or _is_repeated(case, request):
            return numbered, None
        if request.expected_state is not None and request.expected_state != case.state:
            raise Conflict(f"the case is {case.state} by now, not {request.expected_state}", field="expected_state")
        after, line = moved(numbered, request.state, self._at(case, request), request.by, request.reason, self.states)
        if after.state == FILED or (line.from_state, line.to_state) in _CLOCK_BEGINS:
            after = replace(after, deadline_at=self.deadline_of(after, line.at))
        if after.state == REVIEW:
            after = replace(after, deadline_at=None)  # nobody is asked to do anything yet
        return after, line

    def _at(self, case: Case, request: MoveRequest) -> datetime:
        now = self.clock.now()
        if request.at is None:
            return max(now, case.changed_at)
        if request.at > now:
            raise IllegalMove(f"{request.at.isoformat()} has not come yet", field="at")
        return request.at

    def deadline_of(self, case: Case, at: datetime) -> datetime:
        """When a case is due whose clock begins at a moment."""
        rule = self.limits.rule(case.standard, case.kind, case.code, region_class=self.policy.region_class)
        return deadline(at, rule.limit, self.calendar).due_at


def _note(work: Work, request: MoveRequest, before: Case, after: Case) -> None:
    """Into the audit log, where somebody else than the system has changed something."""
    if after == before or request.by.partition(":")[0] == SYSTEM:
        return
    thing = f"case:{after.id}"
    if after.state != before.state:
        work.add_note(
            AuditNote.by(request.by, AuditAction.CASE_MOVED, thing, **{"from": before.state, "to": after.state})
        )
    if after.external_number != before.external_number:
        number = after.external_number
        work.add_note(AuditNote.by(request.by, AuditAction.CASE_NUMBERED, thing, external_number=number))


def _latest(work: Work, found: Case) -> Case:
    case = work.cases([found.candidate_id]).get(found.candidate_id)
    if case is None or case.id != found.id:
        raise Conflict(f"case {found.id} is past: a later case stands for the same thing", field="id")
    return case


def _numbered(case: Case, request: MoveRequest) -> Case:
    if request.external_number is None:
        return case
    return replace(case, external_number=external_number(request.external_number))


def _about(case: Case, subject: Subject | None) -> Case:
    if subject is None:
        return case
    return replace(case, class_name=subject.class_name, kind=subject.kind, code=subject.code, name=subject.name)


def _is_repeated(case: Case, request: MoveRequest) -> bool:
    return request.at is not None and request.state == case.state and request.at == case.changed_at


def _event(case: Case, line: CaseMove) -> Event:
    """The event of a move. Two moves may bear the same time, so its id is a new one."""
    name = "reopened" if line.from_state == CLOSED else _EVENT_NAMES.get(line.to_state, "moved")
    event = case_event(case, name, line.at, None, cause=str(uuid.uuid4()))
    data = {**event.data, "from_state": line.from_state, "by": line.by, "reason": line.reason}
    return replace(event, data=data)
