"""Everything the page shows of one case, and of one frame."""

from collections.abc import Mapping
from dataclasses import dataclass

from inference_server.console.languages import Messages
from inference_server.console.services import ConsoleServices
from inference_server.console.views import CaseRow, case_row, duration_text, state_label
from inference_server.domain.account import NO_ACCOUNT
from inference_server.domain.candidate import Candidate
from inference_server.domain.case import CaseId, CaseMove
from inference_server.domain.case_states import LegalMove
from inference_server.domain.errors import NotFound
from inference_server.domain.frame import Frame, FrameId
from inference_server.domain.hold import Hold
from inference_server.domain.reach import Reach
from inference_server.domain.report import DetectionReport, Report
from inference_server.domain.tip import CITIZEN, Tip
from inference_server.ports import EvidenceItem, Sighting
from inference_server.retention_ports import Mark

OPERATOR = "operator"  # whom the table of states is asked about


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveLine:
    """One line of the history in the operator's language."""

    move: CaseMove
    from_label: str | None
    to_label: str
    by_label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A state that the operator may move the case to."""

    state: str
    label: str
    reason_required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseDetail:
    """A case with all that it stands on."""

    row: CaseRow
    candidate: Candidate | None
    history: tuple[MoveLine, ...]
    sightings: tuple[Sighting, ...]
    evidence: tuple[EvidenceItem, ...]
    deleted: Mapping[str, Mark]  # of its pictures, by their hash
    holds: tuple[Hold, ...]
    choices: tuple[Choice, ...]
    time_left: str | None
    tips: tuple[Tip, ...]

    @property
    def needs_reasons(self) -> bool:
        """Whether some of the moves want a reason."""
        return any(choice.reason_required for choice in self.choices)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameDetail:
    """A frame, what became of it, and its picture if that was kept."""

    frame: Frame
    report: Report | None
    sha256: str | None
    deleted: Mark | None
    detections: tuple[DetectionReport, ...]


def case_detail(services: ConsoleServices, case_id: CaseId, messages: Messages, reach: Reach) -> CaseDetail:
    """The detail of a case; raises NotFound."""
    case, states, store = services.sight.case(case_id, reach), services.states, services.store
    lines = (
        MoveLine(
            move=move,
            from_label=state_label(move.from_state, messages, states) if move.from_state else None,
            to_label=state_label(move.to_state, messages, states),
            by_label=_actor(move.by, messages),
        )
        for move in store.history(case_id)
    )
    pictures = tuple(sorted(store.evidence(case_id), key=lambda item: (item.kind != "near", item.taken_at)))
    legal = [states.moves[case.state, to] for to in states.legal_from(case.state, OPERATOR)]
    left_s = (case.deadline_at - services.now()).total_seconds() if case.deadline_at else None
    return CaseDetail(
        row=case_row(case, messages, states, services.now()),
        candidate=_candidate(services, case_id),
        history=tuple(lines),
        sightings=tuple(store.sightings(case_id)),
        evidence=pictures,
        deleted=services.deletions.deletions(item.sha256 for item in pictures),
        holds=tuple(services.holds.holds(standing=True, case_id=case_id)),
        choices=tuple(_choice(move, services, messages) for move in legal),
        time_left=None if left_s is None else _time_left(left_s, messages),
        tips=tuple(services.tips.of_case(case_id)),
    )


def frame_detail(services: ConsoleServices, frame_id: FrameId, reach: Reach) -> FrameDetail:
    """A frame and its report; raises NotFound. Only evidence is kept, so most frames have no picture any more."""
    frame = services.sight.frame(frame_id, reach)
    report = services.sight.report(frame_id, reach)
    try:
        services.evidence.get(frame.sha256)
        sha256: str | None = frame.sha256
    except NotFound:
        sha256 = None
    detections = report.detections if report else ()
    deleted = services.deletions.deletions([frame.sha256]).get(frame.sha256) if sha256 is None else None
    return FrameDetail(frame=frame, report=report, sha256=sha256, deleted=deleted, detections=detections)


def _actor(by: str, messages: Messages) -> str:
    """Who it was, in the operator's language; a person by name."""
    role, _, name = by.partition(":")
    if role not in ("system", "operator", "case_system", CITIZEN):
        return by
    label = messages(f"actor.{role}")
    return f"{label} {name}" if role == "operator" and name not in ("", NO_ACCOUNT) else label


def _candidate(services: ConsoleServices, case_id: CaseId) -> Candidate | None:
    try:
        return services.store.candidate(services.store.case(case_id).candidate_id)
    except NotFound:
        return None


def _choice(move: LegalMove, services: ConsoleServices, messages: Messages) -> Choice:
    label = state_label(move.to_state, messages, services.states)
    return Choice(state=move.to_state, label=label, reason_required=move.reason_required)


def _time_left(left_s: float, messages: Messages) -> str:
    return messages("deadline.left" if left_s >= 0 else "deadline.over", span=duration_text(left_s, messages))
