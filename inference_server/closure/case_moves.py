"""What a verdict or a person's answer does to the case: moves, history, events, in one transaction with the record."""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from inference_server.domain.audit import AuditAction, AuditNote
from inference_server.domain.case import Case, moved
from inference_server.domain.case_states import CLOSED, DISPATCHED, FILED, REPORTED_FIXED, CaseStates
from inference_server.domain.errors import Conflict
from inference_server.domain.geo import cell_of
from inference_server.domain.verdict import Verdict
from inference_server.domain.verification import Closing, Reason
from inference_server.domain.verification_record import HumanAnswer, HumanSays, VerificationRecord
from inference_server.filing import case_event
from inference_server.ports import CaseStore, Event, Work

BY_SYSTEM = "system:verification"
_ACTED = frozenset({Closing.CLOSE, Closing.REWORK})


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseClosing:
    """Moves cases on what was verified. `deadline_of` counts a reopened case's deadline from a moment."""

    store: CaseStore
    states: CaseStates
    deadline_of: Callable[[Case, datetime], datetime]

    def commit(
        self, record: VerificationRecord, case: Case | None, at: datetime, events: Iterable[Event]
    ) -> VerificationRecord:
        """The record as stored, and the case moved where the verdict says so, together or not at all.

        Raises Conflict where the case is no longer as it was when the photographs were looked at.
        """
        cells = [] if case is None else [cell_of(case.position)]
        with self.store.work(cells) as work:
            latest = None if case is None else demand_unmoved(work, case)
            if latest is not None and record.verdict is not None and record.verdict.decision in _ACTED:
                record = replace(record, verdict=replace(record.verdict, has_acted=True))
                self._act(work, latest, record, at)
            work.save_verification(record)
            for event in events:
                work.add_event(event)
        return record

    def answer(self, record: VerificationRecord, answer: HumanAnswer) -> VerificationRecord:
        """The record with a person's answer; the case follows it, unless it has moved on since the verdict."""
        assert record.verdict is not None
        answered = replace(record, answer=answer)
        action, says = AuditAction.VERIFICATION_ANSWERED, answer.says.value
        note = AuditNote.by(answer.by, action, _thing(record), says=says, is_blind=answer.is_blind)
        self._follow(answered, _wanted(record.verdict, answer.says), answer.by, answer.at, answer.reason, note)
        return answered

    def take_back(self, record: VerificationRecord, by: str, at: datetime) -> VerificationRecord:
        """The record without its answer, and the case as it was before, where nobody has moved it since."""
        assert record.verdict is not None
        assert record.answer is not None
        back = replace(record, answer=None)
        moved_by_it = _wanted(record.verdict, record.answer.says)
        to = None if moved_by_it is None else (moved_by_it[1], moved_by_it[0])
        action, said = AuditAction.VERIFICATION_UNDONE, record.answer.says.value
        note = AuditNote.by(by, action, _thing(record), said=said)
        self._follow(back, to, by, at, "a slip of the key", note)
        return back

    def _follow(
        self,
        record: VerificationRecord,
        way: tuple[str, str] | None,
        by: str,
        at: datetime,
        reason: str | None,
        note: AuditNote,
    ) -> None:
        """Store record and note; move its case along `way` (from, to) where it stands at the beginning of it."""
        request = record.request
        if request.case_id is None:
            cells = []
            case = None
        else:
            case = self.store.case(request.case_id)
            cells = [cell_of(case.position)]
        with self.store.work(cells) as work:
            if case is not None and way is not None:
                latest = work.cases([case.candidate_id]).get(case.candidate_id)
                if latest is not None and latest.id == case.id and latest.state == way[0]:
                    told = reason or f"a person looked at verification {record.id}"
                    self._move(work, latest, way[1], by, max(at, latest.changed_at), told, record)
                    moved_by = {"from": way[0], "to": way[1], "verification": record.id}
                    work.add_note(AuditNote.by(by, AuditAction.CASE_MOVED, f"case:{case.id}", **moved_by))
            work.save_verification(record)
            work.add_note(note)

    def _act(self, work: Work, case: Case, record: VerificationRecord, at: datetime) -> None:
        assert record.verdict is not None
        to = CLOSED if record.verdict.decision is Closing.CLOSE else DISPATCHED
        reason = f"verification {record.id}: {told(record.verdict.reasons) or 'all gates passed'}"
        self._move(work, case, to, BY_SYSTEM, max(at, case.changed_at), reason, record)

    def _move(
        self, work: Work, case: Case, to: str, by: str, at: datetime, reason: str, record: VerificationRecord
    ) -> None:
        after, line = moved(case, to, at, by, reason, self.states)
        if to == FILED:
            after = replace(after, deadline_at=self.deadline_of(after, at))
        work.save_case(after)
        work.add_move(line)
        name = "closed" if to == CLOSED else "reopened" if case.state == CLOSED else "moved"
        event = case_event(after, name, line.at, None, cause=str(uuid.uuid4()))
        more: dict[str, Any] = {"from_state": line.from_state, "by": by, "reason": reason, "verification": record.id}
        if record.verdict is not None:
            more["evidence_hash"] = record.verdict.evidence_hash
        work.add_event(replace(event, data={**event.data, **more}))


def _thing(record: VerificationRecord) -> str:
    return f"verification:{record.id}"


def demand_unmoved(work: Work, case: Case) -> Case:
    """The case under its lock; raises Conflict where it is no longer as it was."""
    latest = work.cases([case.candidate_id]).get(case.candidate_id)
    if latest is None or latest.id != case.id:
        raise Conflict(f"case {case.id} is past: a later case stands for the same thing", field="case")
    if latest.state != case.state or latest.changed_at != case.changed_at:
        raise Conflict(f"the case has moved on: it is {latest.state} by now", field="case")
    return latest


def told(reasons: Iterable[Reason]) -> str:
    """Reasons in one line of history."""
    return ", ".join(dict.fromkeys(reason.code.value for reason in reasons))


def _wanted(verdict: Verdict, says: HumanSays) -> tuple[str, str] | None:
    """From which state to which a person's answer moves the case; None: nowhere."""
    if verdict.decision is Closing.CLOSE:  # a blind check
        return None if says is HumanSays.FIXED else (CLOSED, FILED)
    return REPORTED_FIXED, CLOSED if says is HumanSays.FIXED else DISPATCHED
