"""What people tell of things on the street, and what vehicles see of the same things, before and after."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import shapely
from support.clocks import SetClock
from support.drive import START, at
from support.street import Going, Standing, Street, a_street, frames_of, shipped_policy, two_grids

from inference_server.domain.case import CaseId
from inference_server.domain.errors import BadInput, Conflict
from inference_server.domain.geo import distance_m
from inference_server.domain.grid import grid_id
from inference_server.domain.policy import Policy
from inference_server.domain.reach import Reach
from inference_server.domain.review import Review
from inference_server.domain.tip import TIP_SOURCE, Words
from inference_server.learning_ports import ReviewFilter
from inference_server.ports import Event
from inference_server.tipping import Caller, Tipping

HEAP = Standing(place=(5.0, 40.0))
APP = Caller("token-1", "the app", Reach())


@contextmanager
def told_street(folder: Path, *things: Standing, policy: Policy | None = None) -> Iterator[tuple[Street, Tipping]]:
    """A street with two grids, and the use case of tips over the same record; its clock stands at the start."""
    with a_street(folder, list(things), policy=policy) as street:
        clock = SetClock(START)
        tipping = Tipping(
            store=street.record.store, tips=street.record.tips, filing=street.collection.filing, clock=clock
        )
        yield street, tipping


def set_clock(tipping: Tipping, after: timedelta) -> None:
    """It is so long after the start."""
    assert isinstance(tipping.clock, SetClock)
    tipping.clock.moment = START + after


def events(street: Street) -> list[Event]:
    """All that the case system hears, in order."""
    found = []
    while due := street.record.outbox.due(START + timedelta(days=1), 10):
        for item in due:
            street.record.outbox.mark_sent(item, START)
            found.append(item.event)
    return found


def words(east_m: float = 5.0, north_m: float = 40.0, class_name: str = "garbage", **more: object) -> Words:
    place = Words(class_name=class_name, position=at(east_m, north_m), sigma_m=10.0, description="三袋旧衣服")
    return replace(place, **more)  # type: ignore[arg-type]


def test_a_tip_of_something_unknown_becomes_a_case_that_people_look_at_first(tmp_path: Path) -> None:
    with told_street(tmp_path) as (street, tipping):
        tip = tipping.take(words(), APP)
        case = street.case()
        assert (case.id, case.state, case.source, case.code) == (tip.id, "review", TIP_SOURCE, "06010")
        assert case.grid == "330102001001002"
        assert case.deadline_at is None
        assert (case.observations, case.score, case.probability) == (0, 0.0, None)
        (line,) = street.record.store.history(case.id)
        assert (line.by, line.to_state) == ("citizen", "review")
        assert "旧衣服" not in str(line)
        assert street.record.tips.of_case(case.id) == [tip]


def test_a_vehicle_that_sees_the_thing_files_that_very_case_and_puts_it_where_it_is(tmp_path: Path) -> None:
    with told_street(tmp_path, HEAP) as (street, tipping):
        tip = tipping.take(words(14.0, 48.0), APP)
        street.goes(Going(starts_s=60.0))
        case = street.case()
        assert (case.id, case.state) == (tip.id, "filed")
        assert distance_m(case.position, at(*HEAP.place)) < 2.5
        assert case.deadline_at is not None
        assert [item.kind for item in street.record.store.evidence(case.id)] == ["far", "near"]
        candidate = street.record.store.candidate(case.candidate_id)
        assert all(seen.observations for seen in candidate.passes)
        assert distance_m(candidate.anchor, at(*HEAP.place)) < 2.5


def test_a_buffered_frame_from_before_the_tip_files_it_too(tmp_path: Path) -> None:
    with told_street(tmp_path, HEAP) as (street, tipping):
        set_clock(tipping, timedelta(minutes=10))
        tipping.take(words(8.0, 44.0), APP)
        street.goes(Going())
        assert street.case().state == "filed"


def test_a_tip_of_a_case_that_a_vehicle_has_filed_belongs_to_it(tmp_path: Path) -> None:
    with told_street(tmp_path, HEAP) as (street, tipping):
        street.goes(Going())
        case = street.case()
        tip = tipping.take(words(12.0, 50.0), APP)
        assert tip.case_id == case.id
        assert tip.id != case.id
        assert street.case() == case, "a tip moves nothing"
        told = events(street)
        assert [event.type for event in told] == ["xuncheng.case.filed.v1", "xuncheng.case.told.v1"]
        assert "旧衣服" not in str(told)


def test_two_people_who_tell_of_one_thing_make_one_case(tmp_path: Path) -> None:
    with told_street(tmp_path) as (street, tipping):
        first = tipping.take(words(), APP)
        second = tipping.take(words(12.0, 46.0, description="a heap of bags"), replace(APP, id="token-2"))
        assert first.case_id == second.case_id == street.case().id
        assert [tip.id for tip in street.record.tips.of_case(street.case().id)] == [first.id, second.id]


def test_another_code_and_another_place_are_other_things(tmp_path: Path) -> None:
    with told_street(tmp_path) as (street, tipping):
        tipping.take(words(), APP)
        tipping.take(words(class_name="overflowing_bin"), APP)
        tipping.take(words(5.0, 80.0), APP)
        assert len(street.cases()) == 3


def test_a_class_of_the_same_code_is_the_same_thing(tmp_path: Path) -> None:
    with told_street(tmp_path) as (street, tipping):
        tipping.take(words(class_name="pothole"), APP)
        tipping.take(words(class_name="crack"), APP)
        assert street.case().code == "06013"


def test_a_tip_vouches_for_what_a_vehicle_has_seen_too_rarely_to_file(tmp_path: Path) -> None:
    policy = shipped_policy()
    slow = replace(policy, classes={**policy.classes, "garbage": replace(policy.classes["garbage"], observations=90)})
    with told_street(tmp_path, HEAP, policy=slow) as (street, tipping):
        street.goes(Going())
        assert street.cases() == []
        tip = tipping.take(words(10.0, 45.0), APP)
        case = street.case()
        assert (case.id, case.state) == (tip.id, "review")
        assert distance_m(case.position, at(*HEAP.place)) < 2.5
        assert [review.item.case_id for review in _asked(street)] == [case.id]


def _asked(street: Street) -> tuple[Review, ...]:
    return street.record.reviews.list_reviews(ReviewFilter()).reviews


def test_clear_passes_say_nothing_about_a_place_that_nobody_has_measured(tmp_path: Path) -> None:
    with told_street(tmp_path) as (street, tipping):
        tipping.take(words(), APP)
        street.moves("filed", 10.0)
        street.moves("dispatched", 20.0)
        street.moves("reported_fixed", 30.0)
        for number in range(1, 5):
            street.goes(Going(starts_s=600.0 * number))
        assert (street.case().state, street.case().absences) == ("reported_fixed", 0)


def test_a_rejected_tip_does_not_swallow_what_vehicles_see_around_it(tmp_path: Path) -> None:
    with told_street(tmp_path, HEAP) as (street, tipping):
        tipping.take(words(20.0, 55.0), APP)
        street.moves("rejected", 10.0)
        street.goes(Going(starts_s=600.0))
        assert sorted(case.state for case in street.cases()) == ["filed", "rejected"]


def test_a_thing_told_of_after_its_case_was_closed_is_a_new_case(tmp_path: Path) -> None:
    with told_street(tmp_path, replace(HEAP, until=100.0)) as (street, tipping):
        street.goes(Going())
        street.moves("closed", 200.0)
        set_clock(tipping, timedelta(seconds=300))
        tip = tipping.take(words(), APP)
        old, new = street.cases()
        assert (old.state, new.state, new.id) == ("closed", "review", tip.id)
        assert new.candidate_id == old.candidate_id


def test_two_like_things_are_two_cases_although_one_was_told_of(tmp_path: Path) -> None:
    with told_street(tmp_path, HEAP, replace(HEAP, place=(-5.0, 30.0))) as (street, tipping):
        tipping.take(words(9.0, 44.0), APP)
        for number in range(3):
            street.goes(Going(starts_s=600.0 * (number + 1)))
        assert [case.state for case in street.cases()] == ["filed", "filed"]
        assert sorted(round(float(place[0])) // 5 for place in street.places()) in ([-1, 1], [-2, 1], [-1, 0], [-2, 0])


def test_the_same_words_again_are_the_same_tip_within_an_hour_and_another_one_after_it(tmp_path: Path) -> None:
    with told_street(tmp_path) as (street, tipping):
        first = tipping.take(words(), APP)
        set_clock(tipping, timedelta(minutes=59))
        assert tipping.take(words(), APP) == first
        set_clock(tipping, timedelta(minutes=61))
        again = tipping.take(words(), APP)
        assert (again.id != first.id, again.case_id) == (True, first.case_id)
        assert len(street.cases()) == 1


def test_a_key_names_one_tip_for_ever_and_takes_no_other_words(tmp_path: Path) -> None:
    with told_street(tmp_path) as (street, tipping):
        keyed = replace(APP, key="phone-7/12")
        first = tipping.take(words(), keyed)
        set_clock(tipping, timedelta(days=9))
        assert tipping.take(words(), keyed) == first
        with pytest.raises(Conflict):
            tipping.take(words(5.0, 90.0), keyed)
        assert tipping.take(words(5.0, 90.0), replace(keyed, id="token-2")).id != first.id
        assert len(street.cases()) == 2


def test_a_place_in_words_waits_for_a_person_who_knows_it(tmp_path: Path) -> None:
    with told_street(tmp_path, HEAP) as (street, tipping):
        street.goes(Going())
        told = words(position=None, address="解放路12号门口")
        tip = tipping.take(told, APP)
        assert tip.case_id is None
        assert street.record.tips.unplaced(10) == [tip]
        placed = tipping.place(tip.id, at(8.0, 44.0), "operator:wang")
        assert placed.case_id == street.case().id
        assert (placed.received_at, street.record.tips.tip(tip.id)) == (tip.received_at, placed)
        assert street.record.tips.unplaced(10) == []
        assert tipping.take(told, APP) == placed, "sent again after somebody has placed it"
        with pytest.raises(Conflict):
            tipping.place(tip.id, at(8.0, 44.0), "operator:wang")


def test_places_that_are_not_served_are_refused_and_nothing_is_kept(tmp_path: Path) -> None:
    with told_street(tmp_path) as (street, tipping):
        policy = shipped_policy()
        ring = ((29.0, 119.0), (31.0, 119.0), (31.0, 122.0))
        inside = replace(policy, gate=replace(policy.gate, only_inside_grids=True))
        masked = replace(policy, gate=replace(policy.gate, masked_zones=(ring,)))
        for refusing, place, reach in (
            (inside, (900.0, 0.0), Reach()),
            (policy, (5.0, 40.0), Reach(("330106",))),
            (masked, (5.0, 40.0), Reach()),
        ):
            strict = replace(tipping, filing=replace(tipping.filing, policy=refusing))
            with pytest.raises(BadInput):
                strict.take(words(*place), replace(APP, reach=reach))
        assert street.cases() == []


def test_a_tip_follows_its_case_into_the_one_that_stays(tmp_path: Path) -> None:
    with told_street(tmp_path) as (street, tipping):
        kept, gone = tipping.take(words(), APP), tipping.take(words(5.0, 90.0), APP)
        store, filing = street.record.store, street.collection.filing
        case = store.case(CaseId(gone.id))
        frame, _ = next(frames_of(Going(starts_s=60.0), []))
        with store.work(()) as work:
            filing.merge(work, case, store.candidate(store.case(CaseId(kept.id)).candidate_id), frame)
        assert (store.case(case.id).state, street.record.tips.tip(gone.id).case_id) == ("rejected", kept.id)


def test_a_vehicle_takes_over_what_was_told_under_its_code_only(tmp_path: Path) -> None:
    near = Standing(place=(5.0, 40.0), class_name="open_manhole")
    with told_street(tmp_path, near) as (street, tipping):
        tip = tipping.take(words(7.0, 42.0, class_name="pothole"), APP)
        for number in range(3):
            street.goes(Going(starts_s=600.0 * (number + 1)))
        states = {case.class_name: (case.state, case.id == tip.id) for case in street.cases()}
        assert states == {"pothole": ("review", True), "open_manhole": ("filed", False)}


def test_a_vehicle_takes_over_another_class_of_the_code_that_was_told(tmp_path: Path) -> None:
    with told_street(tmp_path, Standing(place=(5.0, 40.0), class_name="crack")) as (street, tipping):
        tip = tipping.take(words(7.0, 42.0, class_name="pothole"), APP)
        for number in range(2):
            street.goes(Going(starts_s=600.0 * (number + 1)))
        assert (street.case().id, street.case().code) == (tip.id, "06013")
        assert street.case().observations > 0


def test_a_tip_holds_up_nothing_that_vehicles_find_around_it(tmp_path: Path) -> None:
    with told_street(tmp_path, HEAP) as (street, tipping):
        tipping.take(words(5.0, 76.0), APP)
        street.goes(Going(starts_s=60.0))
        assert sorted(case.state for case in street.cases()) == ["filed", "review"]


def test_a_unit_grid_stands_for_a_point_in_it(tmp_path: Path) -> None:
    with told_street(tmp_path) as (_, tipping):
        east = two_grids()[1]
        middle = tipping.middle_of(east.id)
        assert east.polygon.covers(shapely.Point(middle.lon, middle.lat))
        with pytest.raises(BadInput):
            tipping.middle_of(grid_id("330102001001999"))
