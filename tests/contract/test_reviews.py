"""Review items and their answers, on every database."""

from __future__ import annotations

import pytest
from support.builders import a_candidate, a_case, a_frame, a_report, a_review, an_answer, at
from support.records import CELLS

from inference_server.adapters.opening import Adapters
from inference_server.domain.case import CaseId
from inference_server.domain.errors import BadInput, Conflict, NotFound
from inference_server.domain.review import ReviewKind, ReviewState, Verdict
from inference_server.learning_ports import ReviewFilter
from inference_server.ports import Work


def ask(record: Adapters, number: int, **changes: object) -> str:
    """An item about a frame of its own, `number` seconds after noon."""
    frame = a_frame(number)
    name = f"review-{number}"
    with record.store.work(()) as work:
        work.finish(frame, a_report(frame))
        work.add_review(a_review(id=name, frame_id=frame.id, created_at=at(number), **changes))
    return name


def answer(record: Adapters, name: str, by: str = "operator:wang", **changes: object) -> None:
    with record.store.work(()) as work:
        work.add_answer(an_answer(review_id=name, by=by, **changes))


def undo(record: Adapters, name: str, by: str = "operator:wang") -> bool:
    mine = record.reviews.review(name).standing_of(by)
    assert mine is not None
    with record.store.work(()) as work:
        return work.undo_answer(mine, at(300), by)


def names(record: Adapters, **wanted: object) -> list[str]:
    return [one.item.id for one in record.reviews.list_reviews(ReviewFilter(**wanted)).reviews]  # type: ignore[arg-type]


def test_an_item_comes_back_with_its_frame_and_all_its_answers(record: Adapters) -> None:
    name = ask(record, 0, case_id=CaseId("case-9"), candidate_id="candidate-9")
    box = (1.5, 2.0, 30.25, 40.0)
    answer(record, name, verdict=Verdict.REDRAW, class_name="soil_heap", box=box, reason="一堆渣土", moved_to="filed")
    found = record.reviews.review(name)
    expected = a_review(
        id=name, frame_id=a_frame(0).id, created_at=at(0), case_id=CaseId("case-9"), candidate_id="candidate-9"
    )
    assert (found.item, found.frame, found.model_version) == (expected, a_frame(0), "drawn 1")
    assert (found.width_px, found.height_px) == (1920, 1080)
    (said,) = found.answers
    assert (said.verdict, said.class_name, said.box) == (Verdict.REDRAW, "soil_heap", box)
    assert (said.by, said.at, said.reason, said.moved_to) == ("operator:wang", at(200), "一堆渣土", "filed")


def test_an_unknown_item_is_not_found(record: Adapters) -> None:
    with pytest.raises(NotFound):
        record.reviews.review("review-7")


def test_answers_are_added_never_changed_and_taking_back_is_noted_beside(record: Adapters) -> None:
    name = ask(record, 0)
    answer(record, name)
    assert undo(record, name)
    answer(record, name, verdict=Verdict.REJECT)
    found = record.reviews.review(name)
    assert [one.verdict for one in found.answers] == [Verdict.CONFIRM, Verdict.REJECT]
    assert (found.answers[0].undone_at, found.answers[0].undone_by) == (at(300), "operator:wang")
    assert [one.verdict for one in found.standing] == [Verdict.REJECT]


def test_an_answer_is_taken_back_once(record: Adapters) -> None:
    name = ask(record, 0)
    answer(record, name)
    (mine,) = record.reviews.review(name).answers
    assert undo(record, name)
    with record.store.work(()) as work:
        assert not work.undo_answer(mine, at(400), "operator:li")
    assert record.reviews.review(name).answers[0].undone_by == "operator:wang"


def test_a_person_has_one_answer_that_stands(record: Adapters) -> None:
    name = ask(record, 0)
    answer(record, name)
    with pytest.raises(Conflict):
        answer(record, name, verdict=Verdict.REJECT)
    answer(record, name, by="operator:li")
    assert len(record.reviews.review(name).standing) == 2


def test_a_better_look_replaces_an_item_until_somebody_answers(record: Adapters) -> None:
    name = ask(record, 0)

    def look(score: float) -> None:
        with record.store.work(()) as work:
            work.add_review(a_review(id=name, frame_id=a_frame(0).id, created_at=at(99), score=score))

    look(0.3)
    found = record.reviews.review(name).item
    assert (found.score, found.created_at) == (0.3, at(0))
    answer(record, name)
    look(0.4)
    assert record.reviews.review(name).item.score == 0.3


def test_items_are_found_by_kind_class_and_state(record: Adapters) -> None:
    first = ask(record, 0)
    second = ask(record, 1, class_name="pothole")
    third = ask(record, 2, kind=ReviewKind.MIDDLE_BAND)
    for name in (second, third):
        answer(record, name)
    answer(record, third, by="operator:li", verdict=Verdict.REJECT)
    assert names(record) == [first, second, third]
    assert names(record, kind=ReviewKind.MIDDLE_BAND) == [third]
    assert names(record, class_name="pothole") == [second]
    assert names(record, state=ReviewState.OPEN) == [first]
    assert names(record, state=ReviewState.ANSWERED) == [second]
    assert names(record, state=ReviewState.DISPUTED) == [third]
    assert record.reviews.open_reviews() == {"sampled_drop": 1}
    for one in record.reviews.list_reviews(ReviewFilter()).reviews:
        assert names(record, state=one.state("review")).count(one.item.id) == 1, "the list and the item must agree"


@pytest.mark.parametrize(
    ("said", "disputed"),
    [
        pytest.param({"verdict": Verdict.CONFIRM}, False, id="the same"),
        pytest.param({"verdict": Verdict.REDRAW, "box": (1.0, 1.0, 2.0, 2.0)}, False, id="only another box"),
        pytest.param({"verdict": Verdict.RECLASSIFY, "class_name": "bin"}, True, id="another class"),
        pytest.param({"verdict": Verdict.REJECT}, True, id="nothing there"),
    ],
)
def test_two_people_disagree_about_what_is_there(record: Adapters, said: dict[str, object], disputed: bool) -> None:
    name = ask(record, 0)
    answer(record, name)
    answer(record, name, by="operator:li", **said)
    expected = ReviewState.DISPUTED if disputed else ReviewState.ANSWERED
    assert record.reviews.review(name).state("review") is expected
    assert names(record, state=expected) == [name]
    undo(record, name, by="operator:li")
    assert names(record, state=ReviewState.ANSWERED) == [name]


def test_an_item_whose_case_went_on_without_an_answer_is_settled(record: Adapters) -> None:
    def save(work: Work, state: str) -> None:
        work.save_candidate(a_candidate())
        work.save_case(a_case(state=state))

    with record.store.work(CELLS) as work:
        save(work, "review")
    name = ask(record, 0, kind=ReviewKind.MIDDLE_BAND, case_id=CaseId("case-1"))
    assert names(record, state=ReviewState.OPEN) == [name]
    assert record.reviews.review(name).case_state == "review"
    with record.store.work(CELLS) as work:
        save(work, "filed")
    assert (names(record, state=ReviewState.OPEN), names(record, state=ReviewState.SETTLED)) == ([], [name])
    assert record.reviews.review(name).state("review") is ReviewState.SETTLED


def test_pages_follow_each_other_without_a_gap(record: Adapters) -> None:
    asked = [ask(record, number) for number in range(5)]
    seen: list[str] = []
    cursor = None
    for _ in range(3):
        page = record.reviews.list_reviews(ReviewFilter(limit=2, cursor=cursor))
        seen += [one.item.id for one in page.reviews]
        cursor = page.cursor
    assert (seen, cursor) == (asked, None)
    with pytest.raises(BadInput):
        record.reviews.list_reviews(ReviewFilter(cursor="bm9uZQ=="))
