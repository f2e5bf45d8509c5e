"""From a decision to a case: filing, refreshing, sighting again, reopening, and the events that tell of it."""

import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from ulid import ULID

from inference_server.domain.candidate import Candidate, Snapshot, Track
from inference_server.domain.case import Case, CaseId, CaseMove, moved
from inference_server.domain.case_states import (
    CLOSED,
    DISPATCHED,
    FILED,
    REJECTED,
    REPORTED_FIXED,
    REVIEW,
    VOID,
    CaseStates,
)
from inference_server.domain.catalogue import Catalogue
from inference_server.domain.closing import against_closing
from inference_server.domain.deadline_table import DeadlineTable
from inference_server.domain.deadlines import deadline
from inference_server.domain.decide import Action, Decision
from inference_server.domain.drive_by import ClearPasses, matter_of, miss_rate
from inference_server.domain.frame import Frame
from inference_server.domain.grid import GridIndex
from inference_server.domain.policy import ClassRules, Policy
from inference_server.domain.report import Outcome
from inference_server.domain.review import Corners, ReviewItem, ReviewKind
from inference_server.domain.tip import CITIZEN, TIP_SOURCE, Tip
from inference_server.domain.track import matrix
from inference_server.domain.verification_record import LATEST_CHECKS, switches_of
from inference_server.domain.workdays import WorkCalendar
from inference_server.ports import Event, Sighting, Work

_EVENT_NAMESPACE = uuid.UUID("f4b1d2a7-6d5e-5c41-8c9a-0d7e5b3a2c19")
_SYSTEM = "system"
NO_MODEL: Final = "none"  # the model version of a case that no model has seen
_CLASS_LEAD = 1.25  # by so much the sum of scores of another class must lead before a case takes its name
_MOVE_EVENTS = {FILED: "filed", CLOSED: "closed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysed:
    """The frame that a decision stands on, and the model that looked at it."""

    frame: Frame
    model_version: str


@dataclass(frozen=True, slots=True)
class _Cause:
    """The frame that moves a case, and when it does, if not when the frame was taken."""

    frame: Frame
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """What a candidate means for the city's record. All writes go into the transaction that is handed in."""

    policy: Policy
    states: CaseStates
    grids: GridIndex
    catalogue: Catalogue
    limits: DeadlineTable
    calendar: WorkCalendar
    measured_misses: Callable[[], Mapping[str, float]] = dict  # by class, of the model that runs

    def file(self, work: Work, candidate: Candidate, decision: Decision, seen: Analysed) -> Case | None:
        """The new case of a candidate that is to be filed or reviewed; None while we wait."""
        frame = seen.frame
        if decision.action is Action.WAIT:
            return None
        state = FILED if decision.action is Action.FILE else REVIEW
        case = self._case(candidate, state, seen)
        work.save_case(case)
        reason = f"{decision.reason} {decision.numbers}"
        work.add_move(
            CaseMove(case_id=case.id, at=frame.taken_at, from_state=None, to_state=state, by=_SYSTEM, reason=reason)
        )
        self._evidence(work, case, candidate)
        if state == REVIEW:
            _ask(work, case, candidate)
        if state == FILED:
            work.add_event(case_event(case, "filed", frame.taken_at, candidate, frame.id))
        return case

    def told(self, work: Work, candidate: Candidate, tip: Tip) -> Case:
        """The new case of a candidate that somebody has told of: people look at it first."""
        at = tip.received_at
        case = Case(
            id=CaseId(tip.id),
            candidate_id=candidate.id,
            state=REVIEW,
            standard=self.policy.standard,
            source=TIP_SOURCE,
            filed_at=at,
            changed_at=at,
            model_version=NO_MODEL,
            policy_hash=self.policy.hash,
            state_times={REVIEW: at},
            **self._class(tip.words.class_name),
            **self._geometry(candidate, at),
            **_scores(candidate),
        )
        work.save_case(case)
        work.save_candidate(replace(candidate, case_id=case.id))
        work.add_move(
            CaseMove(case_id=case.id, at=at, from_state=None, to_state=REVIEW, by=CITIZEN, reason=f"tip {tip.id}")
        )
        self._evidence(work, case, candidate)
        _ask(work, case, candidate)
        return case

    def told_again(self, work: Work, case: Case, tip: Tip) -> None:
        """Somebody tells of a thing whose case is open: the case stays as it is, the case system hears of it."""
        work.add_event(case_event(case, "told", tip.received_at, None, tip.id))

    def sight(
        self, work: Work, case: Case, candidate: Candidate, track: Track, decision: Decision, seen: Analysed
    ) -> tuple[Case, Outcome]:
        """The case after one more look at its thing, and what that look was."""
        frame = seen.frame
        if track.first_at > case.filed_at or frame.taken_at < case.changed_at:
            case = self._sighted(work, case, track, frame)
        if self._is_late(case, frame) or self.states.is_neutral(case.state):
            return case, Outcome.SIGHTING
        if case.state == CLOSED:
            return self._seen_closed(work, case, candidate, track, decision, seen)
        if case.state == REVIEW and decision.action is Action.FILE:
            at = max(frame.taken_at, case.changed_at)  # a buffered frame may be older than a tip
            case = self._move(work, case, FILED, _Cause(frame, at), decision.reason, candidate)
            outcome = Outcome.FILED
        else:
            outcome = Outcome.SIGHTING
        if case.state == REPORTED_FIXED:
            case = self._refused(work, case, track, frame)
        if case.state in (REVIEW, FILED):
            case = self._refreshed(work, case, candidate, frame)
            is_ours = _is_untouched(case) and decision.action is not Action.WAIT
            if is_ours and _outweighs(candidate, case.class_name):
                case = self._renamed(work, case, candidate, frame)
        return case, outcome

    def absent(self, work: Work, case: Case, frame: Frame, by_how_many: int) -> Case:
        """The case after a clear pass without the thing (+1), or after taking such an absence back (-1)."""
        case = replace(case, absences=max(0, case.absences + by_how_many))
        work.save_case(case)
        if by_how_many > 0:
            work.add_event(case_event(case, "absent", frame.taken_at, None, frame.id))
        if case.state == REPORTED_FIXED and by_how_many > 0:
            case = self._confirmed(work, case, frame)
        return case

    def _confirmed(self, work: Work, case: Case, frame: Frame) -> Case:
        """A reported fix, closed where enough passes since the report saw nothing and the city allows it."""
        rules = self.policy.closing
        rate = miss_rate(case.class_name, rules, self.measured_misses())
        clear = ClearPasses(passes=work.clear_passes(case.id, case.changed_at), miss_rate=rate)
        if not clear.prove(rules):
            return case
        matter = matter_of(case.class_name, case.grid, self.catalogue)
        checks = work.closing_checks(matter.code or "", matter.district, LATEST_CHECKS)
        if against_closing(rules, matter, switches_of(work.closing_switches(), checks, rules)):
            return case
        return self._move(work, case, CLOSED, _Cause(frame), f"drive-by: {clear}")

    def _refused(self, work: Work, case: Case, track: Track, frame: Frame) -> Case:
        """A reported fix, sent back where a whole track of a later pass saw the thing again."""
        looks = self.policy.classes[case.class_name].observations
        if track.first_at <= case.changed_at or track.observations < looks:
            return case
        return self._move(work, case, DISPATCHED, _Cause(frame), f"drive-by: seen again, {track.observations} looks")

    def may_merge(self, case: Case | None) -> bool:
        """Whether a case may go as a duplicate: not after somebody has acted on it."""
        return case is None or (case.state in (REVIEW, FILED) and case.reopened == 0)

    def merge(self, work: Work, case: Case | None, kept: Candidate, frame: Frame) -> None:
        """Take back the case of a candidate that was found to be another one; the case system hears of it."""
        if case is None:
            return
        to = VOID if case.state == FILED else REJECTED
        at = max(frame.taken_at, case.changed_at)
        self._move(work, case, to, _Cause(frame, at), f"the same thing as case {kept.case_id or kept.id}")
        if kept.case_id is not None:
            work.move_tips(case.id, CaseId(kept.case_id))

    def _is_late(self, case: Case, frame: Frame) -> bool:
        """Whether the frame is older than the last change of a case that somebody has acted upon."""
        return frame.taken_at < case.changed_at and not _is_untouched(case)

    def _sighted(self, work: Work, case: Case, track: Track, frame: Frame) -> Case:
        is_new = work.add_sighting(
            Sighting(
                case_id=case.id,
                track_id=track.id,
                frame_id=frame.id,
                taken_at=frame.taken_at,
                position=track.position,
                score=track.best_score,
                moved_case=not self._is_late(case, frame),
            )
        )
        if not is_new:
            return case
        case = replace(case, sightings=case.sightings + 1)
        work.save_case(case)
        return case

    def _seen_closed(
        self, work: Work, case: Case, candidate: Candidate, track: Track, decision: Decision, seen: Analysed
    ) -> tuple[Case, Outcome]:
        frame = seen.frame
        if track.first_at <= case.changed_at:  # this very pass began before the closing: it proves nothing
            return case, Outcome.SIGHTING
        rules = self.policy.classes[case.class_name]
        if frame.taken_at - case.changed_at <= timedelta(days=rules.reopen_within_days):
            again = self._move(work, case, FILED, _Cause(frame), "seen again after closing", candidate)
            return self._refreshed(work, again, candidate, frame), Outcome.REOPENED
        fresh = self.file(work, candidate, decision, seen)
        return (case, Outcome.SIGHTING) if fresh is None else (fresh, Outcome.FILED)

    def _move(
        self, work: Work, case: Case, to: str, cause: _Cause, reason: str, candidate: Candidate | None = None
    ) -> Case:
        was_closed, at = case.state == CLOSED, cause.at or cause.frame.taken_at
        case, move = moved(case, to, at, _SYSTEM, reason, self.states)
        if to == FILED:
            rules = self.policy.classes[case.class_name]
            case = replace(case, deadline_at=self._deadline(rules, at))
        work.save_case(case)
        work.add_move(move)
        name = "reopened" if was_closed else _MOVE_EVENTS.get(to, "moved")
        work.add_event(case_event(case, name, at, candidate, cause.frame.id))
        return case

    def _refreshed(self, work: Work, case: Case, candidate: Candidate, frame: Frame) -> Case:
        fresh = replace(case, **self._geometry(candidate, frame.taken_at), **_scores(candidate))
        if fresh != case:
            work.save_case(fresh)
            self._evidence(work, fresh, candidate)
            if fresh.state == REVIEW:
                _ask(work, fresh, candidate)
        return fresh

    def _renamed(self, work: Work, case: Case, candidate: Candidate, frame: Frame) -> Case:
        """The case under the class that most looks speak for by now; the case system hears of it."""
        case = replace(case, **self._class(candidate.class_name))
        if case.state == FILED:
            rules = self.policy.classes[case.class_name]
            case = replace(case, deadline_at=self._deadline(rules, case.state_times[FILED]))
            work.add_event(case_event(case, "reclassified", frame.taken_at, candidate, frame.id))
        work.save_case(case)
        if case.state == REVIEW:
            _ask(work, case, candidate)
        return case

    def _case(self, candidate: Candidate, state: str, seen: Analysed) -> Case:
        frame = seen.frame
        rules = self.policy.classes[candidate.class_name]
        at = frame.taken_at
        return Case(
            id=_case_id(candidate, at),
            candidate_id=candidate.id,
            state=state,
            standard=self.policy.standard,
            source=self.policy.source,
            filed_at=at,
            changed_at=at,
            deadline_at=self._deadline(rules, at) if state == FILED else None,
            campaign=frame.campaign,
            model_version=seen.model_version,
            policy_hash=self.policy.hash,
            state_times={state: at},
            **self._class(candidate.class_name),
            **self._geometry(candidate, at),
            **_scores(candidate),
        )

    def _class(self, name: str) -> dict[str, Any]:
        """What a case is by its class."""
        rules = self.policy.classes[name]
        assert rules.code is not None, f"policy: collected class {name} has no code"
        entry = self.catalogue.entry(self.policy.standard, rules.kind, rules.code)
        return {"class_name": name, "kind": rules.kind, "code": rules.code, "name": entry.name_zh}

    def _deadline(self, rules: ClassRules, at: datetime) -> datetime:
        """Counted from filing until the case is dispatched, which starts the handler's clock anew."""
        assert rules.code is not None
        region = self.policy.region_class
        rule = self.limits.rule(self.policy.standard, rules.kind, rules.code, region_class=region)
        return deadline(at, rule.limit, self.calendar).due_at

    def _geometry(self, candidate: Candidate, at: datetime) -> dict[str, Any]:
        found = self.grids.locate(candidate.position, matrix(candidate.cov_m2), at)
        return {
            "position": candidate.position,
            "covariance_m2": candidate.cov_m2,
            "grid": found.grid,
            "grid_candidates": found.candidates,
            "on_border": found.on_border,
        }

    def _evidence(self, work: Work, case: Case, candidate: Candidate) -> None:
        for kind, look in (("near", candidate.near), ("far", candidate.far)):
            if look is not None:
                work.add_evidence(case.id, look.frame_id, look.sha256, kind, _corners(look))


def _ask(work: Work, case: Case, candidate: Candidate) -> None:
    """A person is asked about the case, with the look that shows most of it."""
    look = candidate.near or candidate.far
    if look is None:
        return
    work.add_review(
        ReviewItem(
            id=f"case-{case.id}",
            kind=ReviewKind.MIDDLE_BAND,
            created_at=case.filed_at,
            frame_id=look.frame_id,
            class_name=case.class_name,
            score=look.score,
            probability=look.probability,
            box=_corners(look),
            candidate_id=candidate.id,
            case_id=case.id,
        )
    )


def _is_untouched(case: Case) -> bool:
    """Whether a case is still as the system first put it on record."""
    return case.state in (REVIEW, FILED) and case.reopened == 0 and len(case.state_times) == 1


def _outweighs(candidate: Candidate, class_name: str) -> bool:
    """Whether a candidate's class has outgrown another for good: two that are level would change places for ever."""
    scores = candidate.class_scores
    return scores[candidate.class_name] > _CLASS_LEAD * scores.get(class_name, 0.0)


def _corners(look: Snapshot) -> Corners:
    return look.box.x1, look.box.y1, look.box.x2, look.box.y2


def _scores(candidate: Candidate) -> dict[str, Any]:
    return {
        "score": max(p.best_score for p in candidate.passes),
        "probability": _probability(candidate),
        "observations": candidate.observations,
    }


def _probability(candidate: Candidate) -> float | None:
    """The best look's; None for a model without calibration, whose certainties are its scores."""
    if all(p.best_certainty == p.best_score for p in candidate.passes):
        return None
    return max(p.best_certainty for p in candidate.passes)


def _case_id(candidate: Candidate, at: datetime) -> CaseId:
    """A ULID: its time is that of the frame, the rest a hash, so that the same frames give the same id again."""
    rest = hashlib.sha256(f"{candidate.id}|{at.isoformat()}".encode()).digest()[:10]
    return CaseId(str(ULID.from_bytes(int(at.timestamp() * 1000).to_bytes(6, "big") + rest)))


def case_event(case: Case, name: str, at: datetime, candidate: Candidate | None, cause: str) -> Event:
    """The event `xuncheng.case.<name>.v1` with all that the case system needs to know of the case.

    `cause` is what its id comes from, a frame's id for instance: two moves of one case may bear the same time.
    """
    kind = f"xuncheng.case.{name}.v1"
    data: dict[str, Any] = {
        "case": case.id,
        "external_number": case.external_number,
        "state": case.state,
        "source": case.source,
        "standard": case.standard,
        "kind": case.kind,
        "code": case.code,
        "name": case.name,
        "class_name": case.class_name,
        "grid": case.grid,
        "grid_candidates": list(case.grid_candidates),
        "on_border": case.on_border,
        "position": {"lat": case.position.lat, "lon": case.position.lon, "datum": "wgs84"},
        "radius_m": round(case.radius_m, 2),
        "score": round(case.score, 4),
        "observations": case.observations,
        "filed_at": case.filed_at.isoformat(),
        "deadline_at": None if case.deadline_at is None else case.deadline_at.isoformat(),
        "reopened": case.reopened,
        "absences": case.absences,
        "model_version": case.model_version,
        "policy_hash": case.policy_hash,
    }
    if candidate is not None:
        data["evidence"] = [look.sha256 for look in (candidate.near, candidate.far) if look is not None]
    identity = uuid.uuid5(_EVENT_NAMESPACE, f"{case.id}|{kind}|{cause}")
    return Event(id=str(identity), type=kind, subject=case.id, occurred_at=at, data=data)
