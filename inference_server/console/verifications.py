"""The queue of verifications for people, and one of them with both photographs: answered by two keys, undone by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from inference_server.console.login import demand_own_form
from inference_server.console.replies import Replies
from inference_server.console.services import ConsoleServices
from inference_server.console.session import Session, demand
from inference_server.domain.errors import BadInput, Conflict
from inference_server.domain.reach import Reach
from inference_server.domain.verdict import PairResult, PhotoFacts, Side, Verdict, VerificationId
from inference_server.domain.verification import Gate, GateResult
from inference_server.domain.verification_record import (
    HumanAnswer,
    HumanSays,
    VerificationFilter,
    VerificationRecord,
)
from inference_server.retention_ports import Mark

_HOME = "/console/verifications"
_SHOWN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationDetail:
    """One verification as the page shows it.

    `is_blind`: the machine's answer is hidden until a person's is given, whatever it is: who saw it only where it is
    not `close` would know what a hidden one is. Suspicions of forgery are shown all the same, for no eye finds them.
    """

    record: VerificationRecord
    verdict: Verdict
    before: PhotoFacts | None
    after: PhotoFacts | None
    pair: PairResult | None
    reasons: Sequence[str]  # their codes
    gates: Sequence[GateResult]
    is_blind: bool

    @property
    def corners(self) -> str:
        """The region in the photograph after, as the points of a polygon; empty where it is not known."""
        if self.pair is None:
            return ""
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in self.pair.region_after)


def add_verifications(router: APIRouter, services: ConsoleServices, replies: Replies) -> None:
    """The pages, and the route of the form."""
    SignedIn = Annotated[Session, Depends(replies.session)]

    def queue(session: Session) -> list[VerificationRecord]:
        wanted = VerificationFilter(awaits_person=True, limit=_SHOWN, reach=session.reach)
        return services.verifications.find(wanted)

    def page(request: Request, session: Session, more: dict[str, Any], status: int = 200) -> Response:
        values = {"session": session, "queue": queue(session)}
        values["waiting"] = services.verifications.count_awaiting(session.reach)
        values["deleted"] = None if more["detail"] is None else _deleted(services, more["detail"])
        return replies.page(request, "verifications.html", {**values, "problem": None, **more}, status)

    @router.get("/verifications")
    def index(request: Request, session: SignedIn, undo: str = "") -> Response:
        return page(request, session, {"detail": None, "undo": _undoable(services, undo, session.reach)})

    @router.get("/verifications/{verification_id}")
    def one(request: Request, session: SignedIn, verification_id: str, undo: str = "") -> Response:
        detail = detail_of(services.sight.verification(VerificationId(verification_id), session.reach))
        return page(request, session, {"detail": detail, "undo": _undoable(services, undo, session.reach)})

    @router.post("/verifications/{verification_id}/answer")
    def answer(
        request: Request,
        session: SignedIn,
        verification_id: str,
        says: Annotated[str, Form()] = "",
        reason: Annotated[str, Form(max_length=500)] = "",
        form_token: Annotated[str, Form()] = "",
    ) -> Response:
        demand_own_form(request, session, form_token)
        demand(session.role.may_answer)
        wanted = services.sight.verification(VerificationId(verification_id), session.reach).id
        after_it = _next(queue(session), wanted)
        try:
            services.verification.answer(wanted, _said(services, wanted, says, reason, session.by), session.by)
        except Conflict:
            detail = detail_of(services.verifications.verification(wanted))
            return page(request, session, {"detail": detail, "undo": None, "problem": "verify.stale"}, 409)
        if not says:
            return RedirectResponse(f"{_HOME}/{wanted}", status_code=303)
        place = _HOME if after_it is None else f"{_HOME}/{after_it}"
        return RedirectResponse(f"{place}?undo={wanted}", status_code=303)


def detail_of(record: VerificationRecord) -> VerificationDetail:
    """The detail of a verification that is done; raises Conflict for one that is not."""
    verdict = record.verdict
    if verdict is None:
        raise Conflict("there is no verdict yet", field="verification")
    pair = None if verdict.best is None else verdict.pairs[verdict.best]
    is_blind = record.awaits_person
    told = [reason for gate in verdict.gates if gate.gate is Gate.AUTHENTIC for reason in gate.reasons]
    return VerificationDetail(
        record=record,
        verdict=verdict,
        before=_photo(verdict, Side.BEFORE, pair.before if pair else None),
        after=_photo(verdict, Side.AFTER, pair.after if pair else None),
        pair=pair,
        reasons=tuple(dict.fromkeys(reason.code.value for reason in (told if is_blind else verdict.reasons))),
        gates=() if is_blind else verdict.gates,
        is_blind=is_blind,
    )


def _deleted(services: ConsoleServices, detail: VerificationDetail) -> Mark | None:
    """When its photographs were deleted, if one of those that are shown was."""
    shown = [photo.sha256 for photo in (detail.before, detail.after) if photo is not None]
    return next(iter(services.deletions.deletions(shown).values()), None)


def _photo(verdict: Verdict, side: Side, sha256: str | None) -> PhotoFacts | None:
    """The photograph of the best pair, else the first of its side."""
    found = [photo for photo in verdict.photos if photo.side is side]
    return next((photo for photo in found if photo.sha256 == sha256), found[0] if found else None)


def _said(services: ConsoleServices, wanted: VerificationId, says: str, reason: str, by: str) -> HumanAnswer | None:
    if not says:
        return None
    if says not in set(HumanSays):
        raise BadInput(f"says is {' or '.join(HumanSays)}", field="says")
    is_blind = detail_of(services.verifications.verification(wanted)).is_blind
    return HumanAnswer(says=HumanSays(says), by=by, at=services.now(), is_blind=is_blind, reason=reason.strip() or None)


def _next(queue: Sequence[VerificationRecord], wanted: VerificationId) -> VerificationId | None:
    """What stands after one in the queue, else at its beginning; None where nothing else waits."""
    ids = [one.id for one in queue]
    place = ids.index(wanted) if wanted in ids else -1
    rest = [*ids[place + 1 :], *ids[: max(place, 0)]]
    return rest[0] if rest else None


def _undoable(services: ConsoleServices, wanted: str, reach: Reach) -> VerificationRecord | None:
    """The verification whose answer may be taken back from here."""
    if not wanted:
        return None
    record = services.sight.verification(VerificationId(wanted), reach)
    return record if record.answer is not None else None
