"""Review items and answers as rows, and back."""

from collections.abc import Iterable
from typing import Any

from inference_server.adapters.column_types import AnyRow
from inference_server.adapters.frame_rows import frame_of
from inference_server.domain.case import CaseId
from inference_server.domain.frame import FrameId
from inference_server.domain.review import Corners, Review, ReviewAnswer, ReviewItem, ReviewKind, Verdict

Values = dict[str, Any]


def review_values(item: ReviewItem) -> Values:
    """The columns of an item."""
    return {
        "id": item.id,
        "kind": item.kind.value,
        "created_at": item.created_at,
        "frame_id": item.frame_id,
        "class_name": item.class_name,
        "score": item.score,
        "probability": item.probability,
        "box": list(item.box),
        "candidate_id": item.candidate_id,
        "case_id": item.case_id,
    }


def answer_values(answer: ReviewAnswer) -> Values:
    """The columns of an answer, less its number, which the record gives."""
    return {
        "review_id": answer.review_id,
        "at": answer.at,
        "by": answer.by,
        "verdict": answer.verdict.value,
        "class_name": answer.class_name,
        "box": None if answer.box is None else list(answer.box),
        "reason": answer.reason,
        "moved_to": answer.moved_to,
        "undone_at": answer.undone_at,
        "undone_by": answer.undone_by,
    }


def review_of(row: AnyRow, item: AnyRow, answers: Iterable[ReviewAnswer]) -> Review:
    """The review of a frame's row, and of an item's row with the state of its case."""
    return Review(
        item=_item_of(item),
        frame=frame_of(row),
        model_version=row.model_version,
        width_px=row.width_px,
        height_px=row.height_px,
        case_state=item.case_state,
        answers=tuple(answers),
    )


def answer_of(row: AnyRow) -> ReviewAnswer:
    """The answer of a row."""
    return ReviewAnswer(
        sequence=row.sequence,
        review_id=row.review_id,
        at=row.at,
        by=row.by,
        verdict=Verdict(row.verdict),
        class_name=row.class_name,
        box=None if row.box is None else _corners(row.box),
        reason=row.reason,
        moved_to=row.moved_to,
        undone_at=row.undone_at,
        undone_by=row.undone_by,
    )


def _item_of(row: AnyRow) -> ReviewItem:
    return ReviewItem(
        id=row.id,
        kind=ReviewKind(row.kind),
        created_at=row.created_at,
        frame_id=FrameId(row.frame_id),
        class_name=row.class_name,
        score=row.score,
        probability=row.probability,
        box=_corners(row.box),
        candidate_id=row.candidate_id,
        case_id=None if row.case_id is None else CaseId(row.case_id),
    )


def _corners(numbers: list[float]) -> Corners:
    x1, y1, x2, y2 = numbers
    return x1, y1, x2, y2
