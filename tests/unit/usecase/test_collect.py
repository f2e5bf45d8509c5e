"""The main job over a real record: frames of a street become cases, once each."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from support.builders import a_case
from support.drive import START
from support.street import Going, Standing, a_street, frames_of, shipped_policy
from support.truth import TruthDetects, TruthLook

from inference_server.domain.observation import DropReason
from inference_server.domain.policy import ReviewRules
from inference_server.domain.report import Outcome
from inference_server.filing import case_event
from inference_server.learning_ports import ReviewFilter

HEAP = Standing(place=(5.0, 40.0))
SOUTH = Going(starts_s=600.0, southwards=True)


def test_a_thing_seen_often_enough_becomes_one_case_at_its_place(tmp_path):
    with a_street(tmp_path, [HEAP]) as street:
        reports = street.goes(Going())
        case = street.case()
        assert np.linalg.norm(street.places()[0] - HEAP.place) < 0.6
        assert (case.state, case.code, case.name, case.grid) == ("filed", "06010", "暴露垃圾", "330102001001002")
        assert case.source == "车载智能采集"
        assert case.deadline_at is not None
        outcomes = [d.outcome for r in reports for d in r.detections if d.drop is None]
        assert outcomes.count(Outcome.FILED) == 1
        assert outcomes[:2] == [Outcome.NEW, Outcome.TRACKED]
        assert street.record.store.evidence(case.id)


def test_every_detection_of_every_frame_is_accounted_for(tmp_path):
    things = [HEAP, Standing(place=(-4.0, 35.0), class_name="bin"), Standing(place=(6.0, 30.0), score=0.05)]
    with a_street(tmp_path, things) as street:
        for (frame, picture), report in zip(frames_of(Going(), things), street.goes(Going()), strict=True):
            seen = street.collection.detects.open(picture).detect()
            assert [d.detection.index for d in report.detections] == [d.index for d in seen]
            assert all((d.drop is not None) == (d.outcome is Outcome.DROPPED) for d in report.detections)
            assert street.record.store.report(frame.id) is not None
        dropped = {d.drop.reason for r in street.goes(Going(starts_s=100)) for d in r.detections if d.drop}
        assert {DropReason.CONTEXT_CLASS, DropReason.LOW_SCORE} <= dropped


class Swapped:
    """A detector whose model has gone as soon as it has opened a picture: nobody may ask it for anything else."""

    model_version = property(lambda self: pytest.fail("the model of the moment was asked, not that of the picture"))
    network_px = thresholds = model_version

    def open(self, picture: bytes) -> TruthLook:
        return TruthDetects(model_version="opened it").open(picture)


def test_all_that_is_said_of_a_frame_comes_from_the_model_that_opened_its_picture(tmp_path):
    with a_street(tmp_path, [HEAP]) as street:
        street.collection = replace(street.collection, detects=Swapped())
        assert {report.model_version for report in street.goes(Going())} == {"opened it"}
        assert street.case().model_version == "opened it"


class Halved(TruthDetects):
    """A detector whose boxes are right half as often as their score says."""

    def probability(self, class_name: str, score: float) -> float:
        return score / 2

    def open(self, picture: bytes) -> TruthLook:
        look = super().open(picture)
        detections = tuple(replace(d, probability=d.score / 2) for d in look.detections)
        return replace(look, detections=detections, model=self)


def test_a_calibrated_model_files_what_its_scores_would_and_the_case_tells_the_probability(tmp_path):
    things = [HEAP, Standing(place=(-4.0, 35.0), score=0.45), Standing(place=(6.0, 70.0), score=0.15)]
    states = {}
    for name, detects in (("raw", TruthDetects()), ("calibrated", Halved())):
        with a_street(tmp_path / name, things) as street:
            street.collection = replace(street.collection, detects=detects)
            street.goes(Going())
            states[name] = {(c.state, c.score): c.probability for c in street.cases()}
    assert set(states["calibrated"]) == set(states["raw"])
    assert len(states["raw"]) >= 2
    assert set(states["raw"].values()) == {None}
    assert all(probability == pytest.approx(score / 2) for (_, score), probability in states["calibrated"].items())


def test_the_same_drive_sent_twice_changes_nothing(tmp_path):
    with a_street(tmp_path, [HEAP]) as street:
        first = street.goes(Going())
        before = street.cases()
        assert street.goes(Going()) == first
        assert street.cases() == before


def test_a_later_pass_is_a_sighting_and_improves_the_position(tmp_path):
    with a_street(tmp_path, [HEAP]) as street:
        street.goes(Going(error_m=(2.5, -1.0)))
        far_off = np.linalg.norm(street.places()[0] - HEAP.place)
        reports = street.goes(replace(SOUTH, error_m=(-2.0, 1.5), metres=range(0, 75, 3)))
        case = street.case()
        assert case.sightings == 1
        assert np.linalg.norm(street.places()[0] - HEAP.place) < far_off / 2
        assert {d.outcome for r in reports for d in r.detections if d.case_id} == {Outcome.SIGHTING}


def test_two_like_things_four_metres_apart_stay_two_over_passes_with_errors(tmp_path):
    pair = [Standing(place=(5.0, 40.0)), Standing(place=(5.0, 44.0))]
    with a_street(tmp_path, pair) as street:
        for number, error in enumerate([(0.0, 0.0), (1.0, 3.5), (-2.0, -3.0), (0.5, 2.0)]):
            street.goes(Going(starts_s=600.0 * number, error_m=error, southwards=number % 2 == 1))
        assert len(street.cases()) == 2
        norths = sorted(place[1] for place in street.places())
        assert norths[1] - norths[0] == pytest.approx(4.0, abs=0.7)


def test_a_middling_thing_goes_to_a_person_and_a_weak_one_nowhere(tmp_path):
    things = [Standing(place=(5.0, 40.0), score=0.42), Standing(place=(-5.0, 30.0), score=0.25)]
    with a_street(tmp_path, things) as street:
        street.goes(Going())
        assert street.case().state == "review"
        assert street.record.outbox.due(START + timedelta(days=99), 10) == []


def test_a_case_that_nobody_reported_fixed_only_collects_the_absence(tmp_path):
    gone = replace(HEAP, until=100.0)
    with a_street(tmp_path, [gone]) as street:
        street.goes(Going())
        street.goes(Going(starts_s=600.0))
        assert (street.case().state, street.case().absences) == ("filed", 1)


def test_a_thing_hidden_behind_a_bus_is_not_absent(tmp_path):
    gone = replace(HEAP, until=100.0)
    with a_street(tmp_path, [gone]) as street:
        street.goes(Going())
        buses = [Standing(place=(4.8, y), class_name="bus", since=500.0) for y in np.arange(32.0, 42.0, 0.5)]
        street.things += buses
        street.goes(Going(starts_s=600.0))
        assert street.case().absences == 0


def test_a_closed_case_seen_again_is_reopened(tmp_path):
    with a_street(tmp_path, [HEAP]) as street:
        street.goes(Going())
        street.moves("closed", 300.0)
        street.goes(Going(starts_s=600.0))
        case = street.case()
        assert (case.state, case.reopened) == ("filed", 1)
        assert [m.to_state for m in street.record.store.history(case.id)] == ["filed", "closed", "filed"]


def test_a_thing_that_is_back_after_months_is_a_new_case(tmp_path):
    with a_street(tmp_path, [HEAP]) as street:
        street.goes(Going())
        street.moves("closed", 300.0)
        street.goes(Going(starts_s=86400.0 * 90))
        assert sorted(case.state for case in street.cases()) == ["closed", "filed"]


@pytest.mark.parametrize("state", ["dispatched", "closed", "void", "suspended"])
def test_an_upload_older_than_the_last_change_is_a_sighting_at_its_own_time_and_moves_nothing(tmp_path, state):
    with a_street(tmp_path, [HEAP], cameras=("car-1", "car-2")) as street:
        street.goes(Going())
        street.moves(state, 3000.0)
        before = street.case()
        street.goes(Going(starts_s=1200.0, device="car-2", error_m=(1.0, 1.0)))
        after = street.case()
        assert replace(after, sightings=0) == replace(before, sightings=0)
        (late,) = street.record.store.sightings(after.id)
        assert not late.moved_case
        assert late.taken_at < START + timedelta(seconds=1300)


def test_a_camera_without_a_mount_gives_bearing_only_observations_and_no_case(tmp_path):
    with a_street(tmp_path, [HEAP]) as street:
        street.record.registry.save_device("car-9", "car-9")
        reports = street.goes(Going(device="car-9"))
        assert {d.outcome for r in reports for d in r.detections} == {Outcome.KEPT}
        assert street.cases() == []


def test_frames_of_two_cameras_shuffled_give_the_same_cases(tmp_path):
    things = [HEAP, Standing(place=(5.0, 44.5)), Standing(place=(-6.0, 30.0), class_name="soil_heap")]
    one = Going(error_m=(1.0, 2.0))
    two = Going(device="car-2", starts_s=3.0, error_m=(-1.5, -1.0))

    def filed(folder, order):
        with a_street(folder, things, cameras=("car-1", "car-2")) as street:
            waiting = {1: list(frames_of(one, things)), 2: list(frames_of(two, things))}
            for number in order:
                frame, picture = waiting[number].pop(0)
                street.inspect(frame, picture)
            return sorted(((c.class_name, c.grid, *p) for c, p in zip(street.cases(), street.places(), strict=True)))

    count = len(list(frames_of(one, things)))
    rng = np.random.default_rng(3)
    straight = filed(tmp_path / "a", [1] * count + [2] * count)
    for number in range(4):
        order = rng.permutation([1] * count + [2] * count).tolist()
        shuffled = filed(tmp_path / f"s{number}", order)
        assert [row[:2] for row in shuffled] == [row[:2] for row in straight]
        for mine, theirs in zip(shuffled, straight, strict=True):
            assert np.hypot(mine[2] - theirs[2], mine[3] - theirs[3]) <= 0.5


def test_a_picture_that_cannot_be_decoded_is_a_drop_with_its_reason(tmp_path):
    with a_street(tmp_path) as street:
        frame, _ = next(iter(frames_of(Going(), [])))
        report = street.inspect(frame, b"\xff\xd8 no picture")
        assert report.drop is not None
        assert report.drop.reason is DropReason.PICTURE_UNREADABLE


def test_the_sample_of_weak_detections_waits_for_a_person(tmp_path):
    policy = shipped_policy()
    policy = replace(policy, review=replace(policy.review, sample_share=1.0))
    weak = Standing(place=(5.0, 40.0), score=0.05)
    with a_street(tmp_path, [weak], policy=policy) as street:
        reports = street.goes(Going())
        assert all(d.sampled_for_review for r in reports for d in r.detections)
        assert any(r.detections for r in reports)


def test_what_was_still_to_be_linked_when_the_vehicle_stopped_is_linked_when_it_goes_on(tmp_path):
    far_off = Going(starts_s=600.0, error_m=(0.0, 7.8), metres=range(0, 36, 3))
    with a_street(tmp_path, [HEAP]) as street:
        street.goes(Going())
        street.goes(far_off)  # stops before the heap is left behind: not clear yet whether it is the same one
        assert (len(street.cases()), street.case().sightings) == (1, 0)
        street.goes(replace(far_off, starts_s=640.0, metres=range(36, 75, 3)))
        assert (len(street.cases()), street.case().sightings) == (1, 1)


def test_a_new_thing_beside_a_case_that_its_pass_did_not_meet_is_filed_on_the_second_pass(tmp_path):
    marks = [Standing(place=(-3.0, north), class_name="pothole") for north in (30.0, 38.0, 46.0)]  # tell the shift
    things = [replace(HEAP, until=100.0), Standing(place=(5.0, 49.0), since=500.0), *marks]

    def heaps(street):
        return [case.state for case in street.cases() if case.class_name == "garbage"]

    with a_street(tmp_path, things) as street:
        for starts_s, found in ((0.0, 1), (600.0, 1), (1200.0, 2)):
            street.goes(Going(starts_s=starts_s, metres=range(0, 75, 3)))
            assert heaps(street) == ["filed"] * found


def test_a_case_takes_the_name_that_most_looks_give_it_until_somebody_acts_on_it(tmp_path):
    bin_first = [replace(HEAP, class_name="overflowing_bin", until=100.0), replace(HEAP, since=100.0)]
    with a_street(tmp_path, bin_first) as street:
        street.goes(Going())
        assert street.case().class_name == "overflowing_bin"
        street.goes(Going(starts_s=600.0))
        assert street.case().class_name == "overflowing_bin"  # level: nothing has outgrown anything
        street.goes(Going(starts_s=1200.0))
        case = street.case()
        assert (case.class_name, case.code, case.name, case.state) == ("garbage", "06010", "暴露垃圾", "filed")
        told = [item.event for item in street.record.outbox.due(START + timedelta(days=99), 50)]
        assert told[0].type == "xuncheng.case.filed.v1"


def test_an_event_has_an_id_of_its_own_though_two_cases_of_a_kind_bear_the_same_moment():
    case = a_case()
    one, two = (case_event(case, "moved", START, None, cause) for cause in ("frame-1", "frame-2"))
    assert one.id != two.id
    assert case_event(case, "moved", START, None, "frame-1").id == one.id


def test_a_second_case_of_one_thing_is_taken_back_and_the_case_system_hears_of_it(tmp_path):
    policy = shipped_policy()
    policy = replace(policy, match=replace(policy.match, merge_within_m=15.0, merge_gate_sigmas=6.0))
    with a_street(tmp_path, [HEAP], policy=policy) as street:
        street.goes(Going())
        street.goes(Going(starts_s=600.0, error_m=(0.0, 12.0)))
        assert [case.state for case in street.cases()] == ["filed", "filed"]  # 12 m off: taken for another thing
        street.goes(Going(starts_s=1200.0))
        first, second = street.cases()
        assert (first.state, second.state) == ("filed", "void")
        assert street.record.store.history(second.id)[-1].reason == f"the same thing as case {first.id}"
        told = [item.event for item in street.record.outbox.due(START + timedelta(days=99), 50)]
        assert [event.data["state"] for event in told if event.subject == second.id] == ["filed"]  # the next waits
        street.goes(Going(starts_s=1800.0))
        assert len(street.cases()) == 2


def test_the_picture_of_a_sampled_drop_is_kept_and_a_person_is_asked(tmp_path):
    weak = Standing(place=(5.0, 40.0), score=0.05)
    asking = replace(shipped_policy(), review=ReviewRules(sample_share=1.0))
    for name, policy, kept in (
        ("asking", asking, True),
        ("silent", replace(asking, review=ReviewRules(sample_share=0.0)), False),
    ):
        with a_street(tmp_path / name, [weak], policy=policy) as street:
            seen = [(frame, picture) for frame, picture in frames_of(Going(), [weak])]
            reports = [street.inspect(frame, picture) for frame, picture in seen]
            sampled = [r.frame_id for r in reports if any(d.sampled_for_review for d in r.detections)]
            asked = street.record.reviews.list_reviews(ReviewFilter(limit=500)).reviews
            assert [one.frame.id for one in asked] == sampled
            assert bool(sampled) is kept
            for review in asked:
                assert street.record.evidence.get(review.frame.sha256) in [picture for _, picture in seen]
            stored = list((tmp_path / name / "evidence").rglob("*"))
            assert any(path.is_file() for path in stored) is kept
