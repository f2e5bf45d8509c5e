"""The review page: one picture after another, answered from the keyboard."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Query, Request, Response

from inference_server.console.languages import Messages
from inference_server.console.login import demand_own_form
from inference_server.console.replies import Replies, json_reply
from inference_server.console.services import ConsoleServices
from inference_server.console.session import Session, demand
from inference_server.console.views import city_time
from inference_server.domain.case_states import REVIEW
from inference_server.domain.errors import BadInput
from inference_server.domain.policy import Policy
from inference_server.domain.review import Corners, Review, ReviewKind, ReviewState, Verdict
from inference_server.learning_ports import ReviewFilter
from inference_server.reviewing import AnswerRequest

_AT_ONCE: Final = 20
_DIGITS: Final = "123456789"
_LETTERS: Final = "acdefghilmopqrstvwxz"  # less those that do something else: b n u y, and j k of the desk


def class_keys(policy: Policy) -> dict[str, str]:
    """Class name by key: a digit for those that can be cases, a letter for the others, as far as keys reach."""
    collected = [name for name, rules in policy.classes.items() if rules.collected]
    others = [name for name, rules in policy.classes.items() if not rules.collected]
    digits, letters = dict(zip(_DIGITS, collected, strict=False)), dict(zip(_LETTERS, others, strict=False))
    return digits | letters


def add_reviews(router: APIRouter, services: ConsoleServices, replies: Replies) -> None:
    """The page, its items, its answers and their undoing."""
    SignedIn = Annotated[Session, Depends(replies.session)]

    @router.get("/reviews")
    def page(request: Request, session: SignedIn, kind: ReviewKind | None = None) -> Response:
        demand(session.role.may_answer)
        waiting = services.reviewing.reviews.open_reviews(session.reach)
        keys = class_keys(services.reviewing.policy)
        values = {"session": session, "keys": keys, "waiting": waiting, "kind": kind, "kinds": list(ReviewKind)}
        return replies.page(request, "reviews.html", values)

    @router.get("/reviews/items.json")
    def items(
        request: Request,
        session: SignedIn,
        kind: ReviewKind | None = None,
        cursor: Annotated[str | None, Query(max_length=400)] = None,
    ) -> Response:
        wanted = ReviewFilter(kind=kind, state=ReviewState.OPEN, cursor=cursor, limit=_AT_ONCE, reach=session.reach)
        found = services.reviewing.reviews.list_reviews(wanted)
        texts = replies.language(request)
        return json_reply(request, {"items": [_shown(one, texts) for one in found.reviews], "next": found.cursor})

    @router.post("/reviews/{review_id}")
    def answer(
        request: Request,
        session: SignedIn,
        review_id: str,
        verdict: Annotated[Verdict, Form()],
        class_name: Annotated[str, Form(max_length=64)] = "",
        box: Annotated[str, Form(max_length=100)] = "",
        form_token: Annotated[str, Form()] = "",
    ) -> Response:
        demand_own_form(request, session, form_token)
        demand(session.role.may_answer)
        said = AnswerRequest(
            review_id=services.sight.review(review_id, session.reach).item.id,
            by=session.by,
            verdict=verdict,
            class_name=class_name or None,
            box=parse_box(box) if box else None,
        )
        return json_reply(request, _shown(services.reviewing.answer(said), replies.language(request)))

    @router.post("/reviews/{review_id}/undo")
    def undo(request: Request, session: SignedIn, review_id: str, form_token: Annotated[str, Form()] = "") -> Response:
        demand_own_form(request, session, form_token)
        demand(session.role.may_answer)
        review = services.sight.review(review_id, session.reach)
        return json_reply(
            request, _shown(services.reviewing.undo(review.item.id, session.by), replies.language(request))
        )


def parse_box(text: str) -> Corners:
    """Four numbers out of `x1,y1,x2,y2`; raises BadInput.

    >>> parse_box("1,2,3.5,4")
    (1.0, 2.0, 3.5, 4.0)
    """
    try:
        x1, y1, x2, y2 = (float(part) for part in text.split(","))
    except ValueError:
        raise BadInput("a box is x1,y1,x2,y2", field="box") from None
    return x1, y1, x2, y2


def _shown(review: Review, texts: Messages) -> dict[str, Any]:
    """What the page's script needs of an item."""
    item, frame = review.item, review.frame
    return {
        "id": item.id,
        "kind": item.kind,
        "kind_label": texts(f"review.{item.kind}"),
        "state": review.state(REVIEW),
        "class_name": item.class_name,
        "label": texts.named("class", item.class_name),
        "score": round(item.score, 3),
        "probability": None if item.probability is None else round(item.probability, 3),
        "box": item.box,
        "width_px": review.width_px,
        "height_px": review.height_px,
        "picture": f"/console/reviews/{item.id}/pictures/{frame.sha256}",
        "taken_at": city_time(frame.taken_at),
        "camera": frame.camera,
        "case": item.case_id,
        "case_state": review.case_state,
    }
