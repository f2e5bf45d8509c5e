"""Verification.verify: photographs before and after, to one verdict. Read this second, after collect.py."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

from ulid import ULID

from detector.picture_errors import PictureError
from inference_server.closure.answer_document import callback_event
from inference_server.closure.assembling import Asked, assembled
from inference_server.closure.case_moves import CaseClosing
from inference_server.closure.judging import Judge, Opened, Question, judged_of
from inference_server.closure.matters import Matters, facts_of
from inference_server.closure.photo_records import photo_record
from inference_server.closure.record_photos import photos_before
from inference_server.domain.case import Case, CaseId
from inference_server.domain.case_states import REPORTED_FIXED
from inference_server.domain.closing import Decider, Matter, Switches
from inference_server.domain.errors import BadInput, Conflict, NotFound
from inference_server.domain.photo_index import PhotoMatch
from inference_server.domain.photo_rules import PhotoLimits, PhotoPlan
from inference_server.domain.verdict import PhotoFacts, Side, Verdict, VerificationId, VerificationRequest
from inference_server.domain.verification import Reason, ReasonCode
from inference_server.domain.verification_record import (
    LATEST_CHECKS,
    HumanAnswer,
    VerificationRecord,
    VerificationState,
    switches_of,
)
from inference_server.ports import CaseStore, Clock, Evidence, Photos
from inference_server.verification_ports import KeptLooks, Verifications


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The use case behind every way in. `judge_now` binds the gates to the model that runs at that moment.

    `versions` names policy and calibration in every verdict. While pictures are judged, frames give way (`ahead`)."""

    store: CaseStore
    verifications: Verifications
    evidence: Evidence
    photos: Photos
    kept_looks: KeptLooks
    judge_now: Callable[[], Judge]
    decider: Decider
    matters: Matters
    closing: CaseClosing
    clock: Clock
    photo_limits: PhotoLimits = field(default_factory=PhotoLimits)
    versions: Mapping[str, str] = field(default_factory=dict)
    ahead: Callable[[], AbstractContextManager[None]] = nullcontext

    def verify(self, request: VerificationRequest) -> VerificationRecord:
        """The answer, stored, and the case moved where it says so. The same key again gives the stored answer.

        Raises Conflict (the key was used for another question, or the case is not reported fixed any more), NotFound,
        BadInput.
        """
        known = self.verifications.known(request)
        if known is not None and known.state is not VerificationState.WAITING:
            return known
        started_s, judge = time.perf_counter(), self.judge_now()
        case, asked = self._asked(request, known)
        asked = replace(asked, versions={**self.versions, "model": judge.model_version})
        matter = self.matters.matter(asked.case, request.band)
        with self.ahead():
            opened, faults = self.open_photos(judge, asked.photos)
            asked = replace(asked, uses=self._uses(opened, asked))
            judged = judged_of(judge, opened, faults, question_of(asked, matter, self.photo_limits))
        decided = self.decider.decide(asked.id, judged.gates, matter, self.switches(matter))
        verdict = assembled(asked, judged, decided, self.evidence)
        verdict = replace(verdict, milliseconds=round((time.perf_counter() - started_s) * 1000.0, 1))
        return self._keep(verdict, request, case, known)

    def accept(self, request: VerificationRequest) -> VerificationRecord:
        """The question, stored to be answered later, or what stands under its key already."""
        known = self.verifications.known(request)
        if known is not None:
            return known
        self._asked(request, None)
        at = self.clock.now()
        waiting = VerificationRecord(id=_new_id(), request=request, state=VerificationState.WAITING, created_at=at)
        return self.verifications.accept(waiting)

    def fail(self, waiting: VerificationRecord, why: str) -> VerificationRecord:
        """A waiting question that cannot be answered, put away with its fault; whoever asked is told."""
        failed = replace(waiting, state=VerificationState.FAILED, fault=why)
        self.closing.commit(failed, None, self.clock.now(), callback_event(failed, self.clock.now()))
        return failed

    def answer(self, wanted: VerificationId, answer: HumanAnswer | None, by: str) -> VerificationRecord:
        """The verification with a person's answer, or (None) without the one it had; the case follows.

        Raises NotFound; Conflict where there is no verdict yet, or another answer, or none to take back.
        """
        record = self.verifications.verification(wanted)
        if record.verdict is None:
            raise Conflict("there is no verdict to answer yet", field="verification")
        if answer is None:
            if record.answer is None:
                raise Conflict("there is no answer to take back", field="says")
            return self.closing.take_back(record, by, self.clock.now())
        if record.answer is not None:
            if (record.answer.says, record.answer.by) == (answer.says, answer.by):
                return record
            raise Conflict("somebody has answered already: take that answer back first", field="says")
        return self.closing.answer(record, answer)

    def switches(self, matter: Matter) -> Switches:
        """What stands against closing right now: thrown switches, and the blind checks that speak worst."""
        checks = self.verifications.checks(matter.code or "", matter.district, LATEST_CHECKS)
        return switches_of(self.verifications.switches(), checks, self.decider.rules)

    def _asked(self, request: VerificationRequest, known: VerificationRecord | None) -> tuple[Case | None, Asked]:
        at, own = self.clock.now(), request.photos
        case = None
        if request.case_id is not None:
            case = self.store.case(request.case_id)
            if case.state != REPORTED_FIXED:
                raise Conflict(f"case {case.id} is {case.state}, not {REPORTED_FIXED}", field="case")
            facts = facts_of(case)
            own = (*photos_before(self.store, case), *own)
        elif request.case is not None:
            facts = self.matters.located(request.case)
        else:
            raise BadInput("give a case_id or a whole case", field="case")
        self.matters.matter(facts, request.band)
        verification_id = _new_id() if known is None else known.id
        asked = Asked(id=verification_id, at=at, request=request, case=facts, photos=own)
        return case, asked

    def open_photos(self, judge: Judge, photos: Sequence[PhotoFacts]) -> tuple[list[Opened], list[tuple[Side, Reason]]]:
        """The photographs that can be looked at, and why the others cannot."""
        opened: list[Opened] = []
        faults: list[tuple[Side, Reason]] = []
        for facts in photos:
            try:
                is_before = facts.side is Side.BEFORE
                stored = self.kept_looks.find(facts.sha256, judge.look_version) if is_before else None
                opened.append(judge.open(facts, self.evidence.get(facts.sha256), stored))
            except PictureError:
                faults.append((facts.side, Reason(ReasonCode.PHOTO_UNREADABLE)))
            except NotFound:
                faults.append((facts.side, Reason(ReasonCode.MISSING_PHOTO)))
        return opened, faults

    def describe_next(self) -> bool:
        """Look at one photograph of an open case ahead of its verification; False where none is left."""
        judge = self.judge_now()
        for sha256 in self.kept_looks.missing(judge.look_version, most=1):
            try:
                stored = judge.describe(self.evidence.get(sha256))
            except (PictureError, NotFound):
                stored = None  # the verification will say what is wrong with it
            self.kept_looks.keep(sha256, judge.look_version, stored)
            return True
        return False

    def _uses(self, opened: Sequence[Opened], asked: Asked) -> dict[str, tuple[PhotoMatch, ...]]:
        """Where else photographs after were used. Remembered first: of two cases at once one then sees the other."""
        number, found = CaseId(asked.case.number), {}
        for one in opened:
            record, hashes = photo_record(one.photo, one.facts, number, asked.at)
            self.photos.remember(record)
            if one.facts.side is Side.AFTER:
                found[one.facts.sha256] = tuple(self.photos.used_elsewhere(one.facts.sha256, hashes, number))
        return found

    def _keep(
        self, verdict: Verdict, request: VerificationRequest, case: Case | None, known: VerificationRecord | None
    ) -> VerificationRecord:
        created_at = verdict.created_at if known is None else known.created_at
        done = VerificationState.DONE
        record = VerificationRecord(id=verdict.id, request=request, state=done, created_at=created_at, verdict=verdict)
        event = callback_event(record, self.clock.now())
        try:
            return self.closing.commit(record, case, self.clock.now(), event)
        except Conflict:
            winner = self.verifications.known(request)
            if winner is None or winner.state is VerificationState.WAITING:
                raise
            return winner  # the same question came twice at once: the first answer stands


def question_of(asked: Asked, matter: Matter, limits: PhotoLimits) -> Question:
    """What the gates are asked, of the case and of what the record knows of the photographs."""
    case = asked.case
    plan = PhotoPlan(
        dispatched_at=case.dispatched_at,
        answered_at=case.reported_at or asked.at,
        position=case.position,
        accuracy_m=case.accuracy_m,
    )
    return Question(classes=matter.classes, plan=plan, limits=limits, uses=asked.uses)


def _new_id() -> VerificationId:
    return VerificationId(str(ULID()))
