"""Cases and what hangs on them, on every database."""

import pytest
from support.builders import (
    a_candidate,
    a_case,
    a_frame,
    a_move,
    a_report,
    a_sighting,
    at,
)
from support.records import CELLS, Place, file_cases

from inference_server.adapters.opening import OpeningOptions
from inference_server.domain.case import CaseId
from inference_server.domain.errors import Conflict, IllegalMove, NotFound
from inference_server.ports import CaseFilter, CaseStore, EvidenceItem


def test_a_case_comes_back_as_it_was_last_saved(store: CaseStore) -> None:
    file_cases(store, "1")
    assert store.case(CaseId("case-1")) == a_case()
    changed = a_case(
        state="closed",
        grid=None,
        grid_candidates=(),
        deadline_at=None,
        probability=None,
        external_number=None,
        campaign=None,
    )
    with store.work(CELLS) as work:
        work.save_case(changed)
    assert store.case(CaseId("case-1")) == changed


def test_an_unknown_case_or_candidate_is_not_found(store: CaseStore) -> None:
    with pytest.raises(NotFound):
        store.case(CaseId("nobody"))
    with pytest.raises(NotFound):
        store.candidate(a_candidate("nobody").id)


def test_a_second_open_case_of_one_candidate_is_refused_by_the_database(store: CaseStore) -> None:
    file_cases(store, "1")
    with pytest.raises(Conflict), store.work(CELLS) as work:
        work.save_case(a_case("case-2", "candidate-1"))
    assert [case.id for case in store.list_cases(CaseFilter()).cases] == ["case-1"]


def test_a_closed_case_leaves_room_for_another(store: CaseStore) -> None:
    file_cases(store, "1")
    with store.work(CELLS) as work:
        work.save_case(a_case(state="void"))
        second = a_case("case-2", "candidate-1", filed_at=at(20))
        work.save_case(second)
        assert work.cases([a_candidate().id]) == {a_candidate().id: second}
        assert work.cases([]) == {}
    with pytest.raises(Conflict), store.work(CELLS) as work:
        work.save_case(a_case(state="filed"))


def test_an_open_case_may_be_saved_again_and_again(store: CaseStore) -> None:
    file_cases(store, "1")
    for sightings in range(3):
        with store.work(CELLS) as work:
            work.save_case(a_case(sightings=sightings))
    assert store.case(CaseId("case-1")).sightings == 2


def test_history_keeps_the_order_of_the_moves(store: CaseStore) -> None:
    file_cases(store, "1", "2")
    moves = [a_move(), a_move(from_state="filed", to_state="closed", by="operator:wang", reason="清理完毕", at=at(20))]
    with store.work(CELLS) as work:
        for move in moves:
            work.add_move(move)
        work.add_move(a_move(case_id=CaseId("case-2")))
    assert store.history(CaseId("case-1")) == moves


def test_one_pass_gives_one_sighting_however_many_frames_saw_it(store: CaseStore) -> None:
    file_cases(store, "1")
    first, second = a_frame(0), a_frame(1)
    with store.work(CELLS) as work:
        for frame in (first, second):
            work.finish(frame, a_report(frame))
        assert work.add_sighting(a_sighting())
        assert not work.add_sighting(a_sighting(frame_id=second.id, taken_at=at(1), score=0.9))
        assert work.add_sighting(a_sighting(track_id="track-0", position=None, taken_at=at(-5), moved_case=False))
    assert store.sightings(CaseId("case-1")) == [
        a_sighting(track_id="track-0", position=None, taken_at=at(-5), moved_case=False),
        a_sighting(frame_id=second.id, taken_at=at(1), score=0.9),
    ]


def test_a_better_picture_of_a_kind_replaces_the_old_one(store: CaseStore) -> None:
    file_cases(store, "1")
    frames = [a_frame(0), a_frame(1)]
    with store.work(CELLS) as work:
        for frame in frames:
            work.finish(frame, a_report(frame))
            work.add_evidence(CaseId("case-1"), frame.id, frame.sha256, "near", (1.0, 2.0, 3.0, 4.5))
        work.add_evidence(CaseId("case-1"), frames[0].id, frames[0].sha256, "far", (5.0, 6.0, 7.0, 8.0))

    def item(frame: int, kind: str, box: tuple[float, ...]) -> EvidenceItem:
        one = frames[frame]
        return EvidenceItem(
            case_id=CaseId("case-1"), frame_id=one.id, kind=kind, sha256=one.sha256, box=box, taken_at=one.taken_at
        )

    expected = [item(0, "far", (5.0, 6.0, 7.0, 8.0)), item(1, "near", (1.0, 2.0, 3.0, 4.5))]
    assert store.evidence(CaseId("case-1")) == expected
    near = next(item.sha256 for item in expected if item.kind == "near")
    assert store.near_pictures([CaseId("case-1"), CaseId("case-9")]) == {"case-1": near}
    assert store.near_pictures([]) == {}


def test_a_case_that_stands_on_nothing_is_refused(store: CaseStore) -> None:
    with pytest.raises(Exception, match=r"(?i)foreign key"), store.work(CELLS) as work:
        work.save_case(a_case(candidate="no such candidate"))
    assert store.list_cases(CaseFilter()).cases == ()


def test_a_city_may_change_which_states_are_open(lasting: Place) -> None:
    with lasting.opened() as record:
        file_cases(record.store, "1")
        with record.store.work(CELLS) as work:
            work.save_case(a_case(state="suspended"))
    with (
        lasting.opened(OpeningOptions(is_open=lambda state: state != "suspended")) as record,
        record.store.work(CELLS) as work,
    ):
        work.save_case(a_case("case-2", "candidate-1"))
    with pytest.raises(Conflict), lasting.opened():
        pass
    with lasting.opened(OpeningOptions(is_open=lambda state: state == "suspended")) as record:
        assert record.store.case(CaseId("case-2")).state == "filed"
        with record.store.work(CELLS) as work:
            work.save_case(a_case("case-3", "candidate-1", state="filed"))


def test_a_state_that_the_table_does_not_know_any_more_is_named_at_the_start(lasting: Place) -> None:
    with lasting.opened(OpeningOptions(is_open=lambda state: True)) as record:
        file_cases(record.store, "1")
        with record.store.work(CELLS) as work:
            work.save_case(a_case(state="dreaming"))
    with pytest.raises(IllegalMove, match="dreaming"), lasting.opened():
        pass
