"""Weekly counts, on every database."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from support.builders import a_detection, a_frame, a_report, a_review, an_answer

from inference_server.adapters.opening import Adapters
from inference_server.domain.drift import WeekKey
from inference_server.domain.report import DetectionReport, Outcome
from inference_server.domain.review import Verdict

FIRST, SECOND = date(2026, 11, 16), date(2026, 11, 23)


def see(record: Adapters, number: int, taken_at: datetime, *scores: float, device: str = "car-1") -> str:
    """One frame with boxes of these scores; its id."""
    frame = a_frame(number, device=device, taken_at=taken_at)
    boxes = tuple(
        DetectionReport(detection=a_detection(index, score=score), outcome=Outcome.TRACKED)
        for index, score in enumerate(scores)
    )
    with record.store.work(()) as work:
        work.finish(frame, a_report(frame, detections=boxes))
    return frame.id


def test_boxes_are_counted_by_week_of_the_city_device_and_model(record: Adapters) -> None:
    see(record, 0, datetime(2026, 11, 15, 15, 59, 59, tzinfo=UTC), 0.5)  # still Sunday in Hangzhou
    see(record, 1, datetime(2026, 11, 15, 16, 0, tzinfo=UTC), 0.05, 0.1, 0.95)  # Monday
    see(record, 2, datetime(2026, 11, 22, 15, 59, tzinfo=UTC), 0.1, 1.0, device="car-2")
    see(record, 3, datetime(2026, 11, 22, 16, 0, tzinfo=UTC), 0.35)
    found = record.drift.weeks(FIRST, SECOND)
    shown = {(key.week, key.device, key.model_version): counts.by_bin for key, counts in found.items()}
    assert shown == {
        (FIRST, "car-1", "drawn 1"): [1, 1, 0, 0, 0, 0, 0, 0, 0, 1],
        (FIRST, "car-2", "drawn 1"): [0, 1, 0, 0, 0, 0, 0, 0, 0, 1],
        (SECOND, "car-1", "drawn 1"): [0, 0, 0, 1, 0, 0, 0, 0, 0, 0],
    }
    assert found[WeekKey(week=FIRST, device="car-1", model_version="drawn 1")].by_class == {"garbage": 3}


@pytest.mark.parametrize(("verdict", "rejected"), [(Verdict.REJECT, 1), (Verdict.CONFIRM, 0)])
def test_standing_answers_count_in_the_week_of_the_picture(record: Adapters, verdict: Verdict, rejected: int) -> None:
    frame = see(record, 0, datetime(2026, 11, 18, tzinfo=UTC), 0.5)
    with record.store.work(()) as work:
        work.add_review(replace(a_review(), frame_id=frame))  # type: ignore[arg-type]
        work.add_answer(an_answer(verdict=verdict))
        work.add_answer(an_answer(verdict=Verdict.REJECT, by="operator:li"))
    taken_back = record.reviews.review("review-1").standing_of("operator:li")
    assert taken_back is not None
    with record.store.work(()) as work:
        work.undo_answer(taken_back, datetime(2026, 12, 1, tzinfo=UTC), "operator:li")
    (counts,) = record.drift.weeks(FIRST, SECOND).values()
    assert (counts.answers, counts.rejected) == (1, rejected)
