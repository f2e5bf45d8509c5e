"""What people answered, as one JSON object an item, with all that says where it comes from (docs/learning.md)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from inference_server.domain.case_states import REVIEW
from inference_server.domain.report import DetectionReport
from inference_server.domain.review import Review, ReviewAnswer, ReviewState
from inference_server.learning_ports import ReviewFilter, ReviewStore
from inference_server.ports import CaseStore

FORMAT = 1
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class ReviewExport:
    """Reads the record and writes nothing."""

    reviews: ReviewStore
    store: CaseStore

    def answered(self) -> Iterator[Review]:
        """All items with an answer that stands, those in dispute too, oldest first of each."""
        for state in (ReviewState.ANSWERED, ReviewState.DISPUTED):
            wanted = ReviewFilter(state=state, limit=_AT_ONCE)
            while True:
                page = self.reviews.list_reviews(wanted)
                yield from page.reviews
                if page.cursor is None:
                    break
                wanted = replace(wanted, cursor=page.cursor)

    def document(self, review: Review, picture: str) -> dict[str, Any]:
        """The object of an item; `picture` is where its picture lies beside the file."""
        item = review.item
        return {
            "format": FORMAT,
            "id": item.id,
            "kind": item.kind.value,
            "state": review.state(REVIEW).value,
            "created_at": item.created_at.isoformat(),
            "class_name": item.class_name,
            "score": item.score,
            "probability": item.probability,
            "box": list(item.box),
            "frame": self._frame(review, picture),
            "case": self._case(review),
            "answers": [_answer(one) for one in review.answers],
        }

    def _frame(self, review: Review, picture: str) -> dict[str, Any]:
        frame, report = review.frame, self.store.report(review.frame.id)
        place = None if frame.fix is None else {"lat": frame.fix.position.lat, "lon": frame.fix.position.lon}
        return {
            "id": frame.id,
            "sha256": frame.sha256,
            "picture": picture,
            "width_px": review.width_px,
            "height_px": review.height_px,
            "device": frame.device,
            "camera": frame.camera,
            "taken_at": frame.taken_at.isoformat(),
            "position": place,
            "model_version": review.model_version,
            "policy_hash": None if report is None else report.policy_hash,
            "detections": [] if report is None else [_detection(one) for one in report.detections],
        }

    def _case(self, review: Review) -> dict[str, Any] | None:
        """The case with its history: what became of what the person answered."""
        if review.item.case_id is None or review.case_state is None:
            return None
        case = self.store.case(review.item.case_id)
        history = [
            {
                "at": move.at.isoformat(),
                "from_state": move.from_state,
                "to_state": move.to_state,
                "by": move.by,
                "reason": move.reason,
            }
            for move in self.store.history(case.id)
        ]
        return {"id": case.id, "state": case.state, "class_name": case.class_name, "history": history}


def _detection(one: DetectionReport) -> dict[str, Any]:
    found = one.detection
    return {
        "class_name": found.class_name,
        "score": found.score,
        "box": [found.box.x1, found.box.y1, found.box.x2, found.box.y2],
        "outcome": one.outcome.value,
        "drop": None if one.drop is None else one.drop.reason.value,
    }


def _answer(answer: ReviewAnswer) -> dict[str, Any]:
    return {
        "at": answer.at.isoformat(),
        "by": answer.by,
        "answer": answer.verdict.value,
        "class_name": answer.class_name,
        "box": None if answer.box is None else list(answer.box),
        "reason": answer.reason,
        "undone_at": None if answer.undone_at is None else answer.undone_at.isoformat(),
        "undone_by": answer.undone_by,
    }
