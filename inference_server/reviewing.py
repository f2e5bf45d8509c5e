"""A person answers: the answer is kept for learning, and moves the case that waited for it, in one transaction."""

from dataclasses import dataclass, replace

from inference_server.casework import Casework, MoveRequest
from inference_server.domain.audit import AuditAction, AuditNote
from inference_server.domain.case import CaseId, Subject
from inference_server.domain.case_states import FILED, REJECTED, REVIEW
from inference_server.domain.catalogue import Catalogue
from inference_server.domain.errors import BadInput, Conflict
from inference_server.domain.policy import Policy
from inference_server.domain.review import Corners, Review, ReviewAnswer, Verdict
from inference_server.learning_ports import ReviewStore
from inference_server.ports import CaseStore, Clock, Work

_LEAST_SIDE_PX = 2.0
_TAKES_BACK = "system"  # who may move a filed case back into review: only this, never a person by hand


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRequest:
    """What a person says of an item: `class_name` and `box` as the verdict wants them."""

    review_id: str
    by: str
    verdict: Verdict
    class_name: str | None = None
    box: Corners | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewing:
    """The use case behind the review page and its API."""

    reviews: ReviewStore
    store: CaseStore
    casework: Casework
    catalogue: Catalogue
    policy: Policy
    clock: Clock

    def answer(self, request: AnswerRequest) -> Review:
        """The item with the answer. The very same answer again changes nothing, so it may be repeated.

        A case that waits in review is filed (confirm, redraw, reclassify to a class that is collected) or rejected. A
        case that has gone on stays where it is: a second opinion is kept and moves nothing. Raises NotFound, BadInput,
        or Conflict where the same person has answered otherwise before and not taken it back.
        """
        review = self.reviews.review(request.review_id)
        answer = self._checked(review, request)
        mine = review.standing_of(request.by)
        if mine is not None:
            if (mine.verdict, mine.class_name, mine.box) == (answer.verdict, answer.class_name, answer.box):
                return review
            raise Conflict(
                f"{request.by} has answered {mine.verdict.value} before: take it back first", field="verdict"
            )
        if review.case_state == REVIEW and self._moved_case(review, answer):
            return self.reviews.review(request.review_id)
        with self.store.work(()) as work:
            _keep(work, answer)
        return self.reviews.review(request.review_id)

    def undo(self, review_id: str, by: str) -> Review:
        """The item without this person's answer, which stays in the record as taken back.

        The case goes back into review if it is still where the answer brought it and nobody else has answered. Raises
        NotFound, or Conflict where there is nothing to take back.
        """
        review = self.reviews.review(review_id)
        mine = review.standing_of(by)
        if mine is None:
            raise Conflict(f"{by} has no answer here to take back", field="id")
        is_last = len(review.standing) == 1
        if not (is_last and mine.moved_to is not None and mine.moved_to == review.case_state):
            with self.store.work(()) as work:
                self._take_back(work, mine, by)
            return self.reviews.review(review_id)
        self.casework.move(
            MoveRequest(
                case_id=_case_id(review),
                by=_TAKES_BACK if mine.moved_to == FILED else by,
                state=REVIEW,
                reason=f"{by} took back the answer {mine.verdict.value}",
                expected_state=mine.moved_to,
                subject=self._subject(review.item.class_name) if mine.class_name is not None else None,
            ),
            also=lambda work: self._take_back(work, mine, by),
        )
        return self.reviews.review(review_id)

    def _take_back(self, work: Work, mine: ReviewAnswer, by: str) -> None:
        if work.undo_answer(mine, self.clock.now(), by):
            said = mine.verdict.value
            work.add_note(AuditNote.by(by, AuditAction.REVIEW_UNDONE, f"review:{mine.review_id}", said=said))

    def _moved_case(self, review: Review, answer: ReviewAnswer) -> bool:
        """Whether the case was moved, and the answer kept with it; False where the case had gone on meanwhile."""
        name = answer.class_name
        is_case = answer.verdict is not Verdict.REJECT and (name is None or self._is_collected(name))
        answer = replace(answer, moved_to=FILED if is_case else REJECTED)
        request = MoveRequest(
            case_id=_case_id(review),
            by=answer.by,
            state=answer.moved_to,
            reason=answer.reason or _default_reason(review, answer),
            expected_state=REVIEW,
            subject=self._subject(name) if is_case and name is not None else None,
        )
        try:
            self.casework.move(request, also=lambda work: _keep(work, answer))
        except Conflict:
            if self.reviews.review(review.item.id).case_state == REVIEW:
                raise
            return False
        return True

    def _checked(self, review: Review, request: AnswerRequest) -> ReviewAnswer:
        """The answer, if it says what its verdict needs and nothing else; raises BadInput."""
        verdict, name, box = request.verdict, request.class_name, request.box
        if name is not None and name not in self.policy.classes:
            raise BadInput(f"no class {name!r} in the city's rules", field="class_name")
        if verdict is Verdict.RECLASSIFY and name in (None, review.item.class_name):
            raise BadInput("reclassify needs another class", field="class_name")
        if verdict in (Verdict.CONFIRM, Verdict.REJECT) and name is not None:
            raise BadInput(f"{verdict.value} takes no class", field="class_name")
        if (verdict is Verdict.REDRAW) != (box is not None):
            raise BadInput("a new box belongs to redraw, and redraw needs one", field="box")
        if box is not None:
            _demand_inside(box, review)
        return ReviewAnswer(
            sequence=0,
            review_id=review.item.id,
            at=self.clock.now(),
            by=request.by,
            verdict=verdict,
            class_name=None if name == review.item.class_name else name,
            box=box,
            reason=request.reason,
        )

    def _is_collected(self, class_name: str) -> bool:
        rules = self.policy.classes[class_name]
        return rules.collected and rules.code is not None

    def _subject(self, class_name: str) -> Subject:
        """What a case of this class is about, by the standard."""
        rules = self.policy.classes[class_name]
        assert rules.code is not None, f"policy: collected class {class_name} has no code"
        entry = self.catalogue.entry(self.policy.standard, rules.kind, rules.code)
        return Subject(class_name=class_name, kind=rules.kind, code=rules.code, name=entry.name_zh)


def _keep(work: Work, answer: ReviewAnswer) -> None:
    work.add_answer(answer)
    thing, says = f"review:{answer.review_id}", answer.verdict.value
    work.add_note(AuditNote.by(answer.by, AuditAction.REVIEW_ANSWERED, thing, says=says, class_name=answer.class_name))


def _case_id(review: Review) -> CaseId:
    assert review.item.case_id is not None, "a case state comes from a case"
    return review.item.case_id


def _default_reason(review: Review, answer: ReviewAnswer) -> str:
    what = answer.class_name or review.item.class_name
    return f"reviewed: {answer.verdict.value} {what}"


def _demand_inside(box: Corners, review: Review) -> None:
    x1, y1, x2, y2 = box
    wide, high = review.width_px or float("inf"), review.height_px or float("inf")
    is_inside = x1 >= 0 and y1 >= 0 and x2 <= wide and y2 <= high
    if not is_inside or x2 - x1 < _LEAST_SIDE_PX or y2 - y1 < _LEAST_SIDE_PX:
        message = f"a box is x1 y1 x2 y2 within {wide:g} x {high:g} px and at least {_LEAST_SIDE_PX:g} px wide and high"
        raise BadInput(message, field="box")
