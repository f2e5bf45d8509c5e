"""GET /v1/reviews, one item with its picture, answering it and taking an answer back."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from inference_server.domain.review import Verdict
from inference_server.reviewing import AnswerRequest
from inference_server.web.deps import FromReader, FromWriter, Given, operator, reach
from inference_server.web.pictures import WantsOriginal, evidence_response
from inference_server.web.responses import answers
from inference_server.web.review_schema import ReviewAnswerIn, ReviewOut, ReviewQuery, ReviewsOut

router = APIRouter(prefix="/v1/reviews", tags=["reviews"])

ReviewIdPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9_\-]{1,128}$")]


@router.get("", response_model=ReviewsOut, responses=answers(401, 403, 422))
def list_reviews(services: Given, token: FromReader, query: Annotated[ReviewQuery, Query()]) -> ReviewsOut:
    """What people are asked, by filters, oldest first. `next` of a page is the `cursor` of the one after it."""
    page = services.reviews.list_reviews(query.wanted(reach(token)))
    return ReviewsOut(reviews=[ReviewOut.of(review) for review in page.reviews], next=page.cursor)


@router.get("/{review_id}", response_model=ReviewOut, responses=answers(401, 403, 404, 422))
def get_review(services: Given, token: FromReader, review_id: ReviewIdPath) -> ReviewOut:
    """One item with all its answers."""
    return ReviewOut.of(services.sight.review(review_id, reach(token)))


@router.get(
    "/{review_id}/picture",
    response_class=Response,
    responses=answers(401, 403, 404, 410, 422)
    | {200: {"description": "The picture", "content": {"image/jpeg": {}, "image/png": {}, "image/webp": {}}}},
)
def get_review_picture(
    services: Given, token: FromReader, review_id: ReviewIdPath, original: WantsOriginal = False
) -> Response:
    """The picture of an item's frame, faces and number plates made unreadable."""
    sha256 = services.sight.review(review_id, reach(token)).frame.sha256
    return evidence_response(services, token, sha256, f"review:{review_id}", original=original)


@router.post("/{review_id}", response_model=ReviewOut, responses=answers(400, 401, 403, 404, 409, 413, 422))
def answer_review(services: Given, token: FromWriter, review_id: ReviewIdPath, said: ReviewAnswerIn) -> ReviewOut:
    """Answer. A case that waits in review is filed or rejected by it; one that has gone on is not moved, and the answer
    is kept as a second opinion. Repeating the same answer changes nothing; another one must be taken back first."""
    request = AnswerRequest(
        review_id=services.sight.review(review_id, reach(token)).item.id,
        by=operator(token),
        verdict=Verdict(said.answer),
        class_name=said.class_name,
        box=said.corners(),
        reason=said.reason,
    )
    return ReviewOut.of(services.reviewing.answer(request))


@router.delete("/{review_id}/answer", response_model=ReviewOut, responses=answers(401, 403, 404, 409, 422))
def undo_answer(services: Given, token: FromWriter, review_id: ReviewIdPath) -> ReviewOut:
    """Take back the token's own answer. It stays in the history; the case goes back into review if it is still where
    the answer brought it and nobody else has answered."""
    review = services.sight.review(review_id, reach(token))
    return ReviewOut.of(services.reviewing.undo(review.item.id, operator(token)))
