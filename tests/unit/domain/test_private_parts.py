"""Which part of what tells who it is."""

import pytest

from inference_server.domain.observation import Box, Detection
from inference_server.domain.private_parts import face_parts, private_part, private_parts

UPRIGHT = Box(x1=100, y1=100, x2=140, y2=200)
WIDE = Box(x1=100, y1=100, x2=200, y2=150)


def test_of_a_standing_person_the_head_is_hidden_and_the_legs_are_not() -> None:
    part = private_part("person", UPRIGHT)
    assert part is not None
    assert part.holds(120, 101)
    assert not part.holds(120, 160)


def test_a_person_who_does_not_stand_is_hidden_whole() -> None:
    part = private_part("person", WIDE)
    assert part is not None
    assert part.share_inside(WIDE) == 1.0
    assert part.holds(199, 149)


@pytest.mark.parametrize("name", ["car", "truck", "bus"])
def test_of_a_vehicle_the_lower_part_is_hidden(name: str) -> None:
    part = private_part(name, WIDE)
    assert part is not None
    assert part.holds(150, 149)
    assert not part.holds(150, 104)


@pytest.mark.parametrize("name", ["motorcycle", "bicycle"])
def test_of_a_two_wheeler_rider_and_plate_are_hidden(name: str) -> None:
    part = private_part(name, UPRIGHT)
    assert part is not None
    assert part.holds(120, 101)
    assert part.holds(120, 199)


@pytest.mark.parametrize("name", ["garbage", "pothole", "bin", "a class of tomorrow"])
def test_things_of_the_city_have_no_private_part(name: str) -> None:
    assert private_part(name, UPRIGHT) is None


def test_unsure_detections_count_as_well() -> None:
    people = [Detection(index=n, class_name="person", score=0.05, box=UPRIGHT) for n in range(3)]
    assert len(private_parts([*people, Detection(index=3, class_name="bin", score=0.9, box=WIDE)])) == 3


@pytest.mark.parametrize(("score", "hidden"), [(0.3, 0), (0.02, 1)], ids=["surer to be a heap", "surer to be a car"])
def test_what_is_surer_to_be_a_thing_of_the_city_stays_visible(score: float, hidden: int) -> None:
    car = Detection(index=0, class_name="car", score=0.05, box=WIDE)
    heap = Detection(index=1, class_name="garbage", score=score, box=WIDE)
    assert len(private_parts([car, heap])) == hidden


def test_a_sure_heap_beside_a_car_does_not_show_its_plate() -> None:
    car = Detection(index=0, class_name="car", score=0.05, box=WIDE)
    heap = Detection(index=1, class_name="garbage", score=0.9, box=Box(x1=90, y1=130, x2=130, y2=160))
    assert len(private_parts([car, heap])) == 1


def test_a_face_is_hidden_with_a_rim_whatever_else_is_seen_there() -> None:
    (part,) = face_parts([UPRIGHT])
    assert part.holds(93, 90)
    assert part.holds(147, 210)
    assert not part.holds(120, 225)
    assert face_parts([]) == ()


def test_a_vehicle_counts_at_half_the_score_of_a_person_for_plates_have_no_detector_of_their_own() -> None:
    unsure = [
        Detection(index=index, class_name=name, score=score, box=box)
        for index, (name, score, box) in enumerate(
            [("car", 0.01, WIDE), ("person", 0.019, UPRIGHT), ("motorcycle", 0.009, UPRIGHT)]
        )
    ]
    assert private_parts(unsure) == (private_part("car", WIDE),)
