"""Review items and answers on the wire."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from inference_server.domain.case_states import REVIEW
from inference_server.domain.reach import Reach
from inference_server.domain.review import Corners, Review, ReviewAnswer, ReviewKind, ReviewState, Verdict
from inference_server.learning_ports import ReviewFilter
from inference_server.web.frame_schema import PositionOut
from inference_server.web.schema import In, Line

ClassName = Annotated[Line, Field(min_length=1, max_length=64)]


class ReviewQuery(BaseModel):
    """Which items; an absent filter means any."""

    model_config = ConfigDict(extra="forbid")

    kind: ReviewKind | None = None
    class_name: ClassName | None = None
    state: ReviewState | None = Field(None, description="open, answered, disputed, or settled without an answer")
    cursor: Line | None = Field(None, min_length=1, max_length=400, description="`next` of the page before")
    limit: int = Field(100, ge=1, le=500)

    def wanted(self, reach: Reach) -> ReviewFilter:
        """The filter of the store."""
        return ReviewFilter(
            kind=self.kind,
            class_name=self.class_name,
            state=self.state,
            cursor=self.cursor,
            limit=self.limit,
            reach=reach,
        )


class ReviewAnswerIn(In):
    """What a person says: something is there (`confirm`), nothing is (`reject`), it is of another class (`reclassify`
    with `class_name`), or it lies in another box (`redraw` with `box`, perhaps with `class_name`)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"answer": "reclassify", "class_name": "soil_heap"}]})

    answer: Literal["confirm", "reject", "reclassify", "redraw"]
    class_name: ClassName | None = None
    box: Annotated[list[float], Field(min_length=4, max_length=4)] | None = Field(
        None, description="x1 y1 x2 y2 in pixels of the upright picture"
    )
    reason: Line | None = Field(None, min_length=1, max_length=500, description="kept with the answer and the case")

    def corners(self) -> Corners | None:
        """The box as four numbers."""
        if self.box is None:
            return None
        x1, y1, x2, y2 = self.box
        return x1, y1, x2, y2


class ReviewAnswerOut(BaseModel):
    """One answer; `undone_at` says that it was taken back."""

    at: datetime
    by: str
    answer: Verdict
    class_name: str | None
    box: Corners | None
    reason: str | None
    moved_to: str | None = Field(description="the state that the case got by it")
    undone_at: datetime | None
    undone_by: str | None

    @classmethod
    def of(cls, answer: ReviewAnswer) -> "ReviewAnswerOut":
        """The answer without our own numbers."""
        return cls(
            at=answer.at,
            by=answer.by,
            answer=answer.verdict,
            class_name=answer.class_name,
            box=answer.box,
            reason=answer.reason,
            moved_to=answer.moved_to,
            undone_at=answer.undone_at,
            undone_by=answer.undone_by,
        )


class ReviewOut(BaseModel):
    """One item with all its answers, oldest first."""

    id: str
    kind: ReviewKind
    state: ReviewState
    created_at: datetime
    class_name: str
    score: float = Field(description="raw, of the model that saw it")
    probability: float | None = Field(description="calibrated; null where the model was not, or the item is older")
    box: Corners = Field(description="x1 y1 x2 y2 in pixels of the upright picture")
    width_px: int | None
    height_px: int | None
    frame: str
    taken_at: datetime
    device: str
    camera: str
    position: PositionOut | None
    model_version: str | None
    case: str | None
    case_state: str | None
    picture: str
    answers: list[ReviewAnswerOut]

    @classmethod
    def of(cls, review: Review) -> "ReviewOut":
        """The item as the world sees it."""
        item, frame = review.item, review.frame
        return cls(
            id=item.id,
            kind=item.kind,
            state=review.state(REVIEW),
            created_at=item.created_at,
            class_name=item.class_name,
            score=item.score,
            probability=item.probability,
            box=item.box,
            width_px=review.width_px,
            height_px=review.height_px,
            frame=frame.id,
            taken_at=frame.taken_at,
            device=frame.device,
            camera=frame.camera,
            position=None if frame.fix is None else PositionOut.of(frame.fix.position),
            model_version=review.model_version,
            case=item.case_id,
            case_state=review.case_state,
            picture=f"/v1/reviews/{item.id}/picture",
            answers=[ReviewAnswerOut.of(one) for one in review.answers],
        )


class ReviewsOut(BaseModel):
    """One page of items, oldest first. `next` continues after it; null on the last."""

    reviews: list[ReviewOut]
    next: str | None
