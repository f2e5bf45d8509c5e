"""The third gate on a made-up place photographed twice, in another light and from another viewpoint."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from support.two_looks import BOX, from_there, ground, known_alignment, photo, shifted, with_thing

from inference_server.domain.errors import BadPolicy
from inference_server.domain.observation import Box
from inference_server.domain.verification import Answer, GateResult, ReasonCode
from inference_server.scene.alignment import Alignment
from inference_server.scene.gone import measured, problem_gone
from inference_server.scene.gone_rules import SHIPPED, WEIGHABLE, read_gone_rules
from inference_server.scene.photo import ScenePhoto

RULES = read_gone_rules(low_scores={"garbage": 0.05, "car": 0.05})
SEEDS = range(4)


def asked(before: ScenePhoto, after: ScenePhoto, alignment: Alignment | None = None) -> GateResult:
    return problem_gone(before, after, alignment or known_alignment(), BOX, "garbage", RULES)


def codes(result: GateResult) -> list[ReasonCode]:
    return [reason.code for reason in result.reasons]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_heap_that_is_no_longer_there_is_gone(seed: int) -> None:
    place = ground(seed)
    result = asked(photo(with_thing(place, BOX)), photo(from_there(place)))
    assert result.answer is Answer.PASS, result


def test_a_large_mark_on_the_ground_that_the_heap_had_covered_is_for_a_person() -> None:
    place = ground(0)  # its mark fills a third of the region
    assert asked(photo(with_thing(place, BOX)), photo(from_there(place))).answer is Answer.CANNOT_TELL


@pytest.mark.parametrize("seed", SEEDS)
def test_a_heap_that_still_lies_there_remains(seed: int) -> None:
    place = with_thing(ground(seed), BOX)
    result = asked(photo(place), photo(from_there(place)))
    assert result.answer is Answer.FAIL
    assert codes(result) == [ReasonCode.PROBLEM_REMAINS]


@pytest.mark.parametrize("seed", SEEDS)
def test_half_a_heap_is_not_gone(seed: int) -> None:
    place = ground(seed)
    result = asked(photo(with_thing(place, BOX)), photo(from_there(with_thing(place, BOX, share=0.6))))
    assert codes(result) == [ReasonCode.PROBLEM_PARTLY_REMAINS]
    assert result.answer is Answer.FAIL


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_heap_a_little_further_on_was_moved(seed: int) -> None:
    place = ground(seed)
    result = asked(photo(with_thing(place, BOX)), photo(from_there(with_thing(place, shifted(BOX, 130)))))
    assert codes(result) == [ReasonCode.PROBLEM_MOVED]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_heap_moved_to_where_the_photograph_before_does_not_reach_was_moved(seed: int) -> None:
    place = ground(seed)
    before = np.ascontiguousarray(with_thing(place, BOX)[:, :400])
    result = asked(photo(before), photo(from_there(with_thing(place, shifted(BOX, 130)))))
    assert codes(result) == [ReasonCode.PROBLEM_MOVED]


def test_where_pixels_and_detector_contradict_each_other_nobody_can_tell() -> None:
    place = ground(1)
    after = photo(from_there(place), ("garbage", 0.3, shifted(BOX, 10)))
    result = asked(photo(with_thing(place, BOX)), after)
    assert result.answer is Answer.CANNOT_TELL
    assert codes(result) == [ReasonCode.PROBLEM_REMAINS]


@pytest.mark.parametrize(("score", "answer"), [(0.6, Answer.PASS), (0.4, Answer.CANNOT_TELL)])
def test_what_is_clearly_surer_something_else_is_not_the_thing(score: float, answer: Answer) -> None:
    place = ground(1)
    after = photo(from_there(place), ("pothole", score, shifted(BOX, 12)), ("garbage", 0.3, shifted(BOX, 10)))
    assert asked(photo(with_thing(place, BOX)), after).answer is answer


def test_something_else_elsewhere_does_not_speak_against_the_thing() -> None:
    place = ground(1)
    after = photo(from_there(place), ("pothole", 0.9, shifted(BOX, 60)), ("garbage", 0.3, shifted(BOX, 10)))
    assert codes(asked(photo(with_thing(place, BOX)), after)) == [ReasonCode.PROBLEM_REMAINS]


def test_a_half_seen_place_with_a_detection_in_it_remains() -> None:
    place = with_thing(ground(0), BOX, share=0.45)
    after = photo(from_there(place), ("garbage", 0.3, shifted(BOX, 10)))
    result = asked(photo(with_thing(ground(0), BOX)), after)
    assert result.answer is Answer.FAIL
    assert codes(result) == [ReasonCode.PROBLEM_REMAINS]


def test_a_like_thing_next_door_that_was_not_there_before_was_moved_there() -> None:
    place = ground(0)
    after = photo(from_there(place), ("garbage", 0.3, shifted(BOX, 130)))
    result = asked(photo(with_thing(place, BOX)), after)
    assert result.answer is Answer.FAIL
    assert codes(result) == [ReasonCode.PROBLEM_MOVED]


def test_a_like_thing_next_door_that_was_there_before_says_nothing() -> None:
    place = ground(1)
    before = photo(with_thing(place, BOX), ("garbage", 0.2, shifted(BOX, 120)))
    after = photo(from_there(place), ("garbage", 0.3, shifted(BOX, 130)))
    assert asked(before, after).answer is Answer.PASS


def test_something_new_larger_than_the_region_hides_it() -> None:
    place = ground(0)
    covered = from_there(place)
    covered[190:340, 250:400] = ground(50)[190:340, 250:400] // 2
    result = asked(photo(with_thing(place, BOX)), photo(covered))
    assert result.answer is Answer.CANNOT_TELL
    assert codes(result) == [ReasonCode.PROBLEM_HIDDEN]


def test_a_detection_below_the_low_score_of_its_class_says_nothing() -> None:
    place = ground(1)
    after = photo(from_there(place), ("garbage", 0.03, shifted(BOX, 10)))
    assert asked(photo(with_thing(place, BOX)), after).answer is Answer.PASS


def test_a_car_before_the_region_hides_it() -> None:
    place = ground(0)
    after = photo(from_there(place), ("car", 0.6, Box(x1=240, y1=180, x2=420, y2=330)))
    result = asked(photo(with_thing(place, BOX)), after)
    assert result.answer is Answer.CANNOT_TELL
    assert codes(result) == [ReasonCode.PROBLEM_HIDDEN]


def test_another_place_is_never_gone() -> None:
    for seed in SEEDS:
        result = asked(photo(with_thing(ground(seed), BOX)), photo(from_there(ground(seed + 100))))
        assert result.answer is not Answer.PASS


def test_nothing_to_be_seen_before_is_no_proof() -> None:
    place = ground(1)
    result = asked(photo(place), photo(from_there(place)))
    assert result.answer is Answer.CANNOT_TELL
    assert codes(result) == [ReasonCode.NOT_VISIBLE_IN_BEFORE]


def test_a_region_outside_the_photograph_after_cannot_be_judged() -> None:
    place = ground(1)
    away = Alignment(np.array([[1, 0, -320.0], [0, 1, 0], [0, 0, 1]]), *([np.zeros((0, 2), np.float32)] * 2))
    result = asked(photo(with_thing(place, BOX)), photo(place), away)
    assert codes(result) == [ReasonCode.PLACE_NOT_VISIBLE]


def test_without_an_alignment_the_place_is_not_visible() -> None:
    place = ground(1)
    result = asked(photo(place), photo(place), Alignment(None, *([np.zeros((0, 2), np.float32)] * 2)))
    assert result.answer is Answer.CANNOT_TELL
    assert codes(result) == [ReasonCode.PLACE_NOT_VISIBLE]


def test_a_blurred_photograph_after_cannot_be_judged() -> None:
    place = ground(2)
    after = np.asarray(cv2.GaussianBlur(from_there(place), (0, 0), 4), np.uint8)
    assert codes(asked(photo(with_thing(place, BOX)), photo(after))) == [ReasonCode.BLUR]


def test_a_region_smeared_over_cannot_be_judged() -> None:
    place = ground(2)
    after = from_there(place)
    after[215:305, 270:365] = cv2.GaussianBlur(after, (0, 0), 9)[215:305, 270:365]
    result = asked(photo(with_thing(place, BOX)), photo(after))
    assert result.answer is Answer.CANNOT_TELL


def test_a_photograph_in_the_dark_cannot_be_judged() -> None:
    place = ground(3)
    result = asked(photo(with_thing(place, BOX)), photo(from_there(place, gain=0.08)))
    assert codes(result) == [ReasonCode.DARK]


def test_bare_ground_where_a_vehicle_has_left_is_not_the_thing_moved_there() -> None:
    place = ground(1)
    before, flat = with_thing(place, BOX), shifted(BOX, 110)
    before[round(flat.y1) : round(flat.y2), round(flat.x1) : round(flat.x2)] = (30, 20, 90)
    assert asked(photo(before), photo(from_there(place))).answer is Answer.PASS


def test_half_hidden_by_something_new_nobody_can_tell() -> None:
    place = ground(1)
    covered = place.copy()
    covered[150:262, 240:400] = (230, 225, 220)
    result = asked(photo(with_thing(place, BOX)), photo(from_there(covered)))
    assert result.answer is Answer.CANNOT_TELL
    assert codes(result) == [ReasonCode.PROBLEM_HIDDEN]


@pytest.mark.parametrize(
    ("was", "is_now", "field"),
    [
        ("pass_at = ", "pass_at = 1", "not_left.pass_at"),
        ("remains_at = ", "remains_at = 0.99", "not_left.pass_at"),
        ("bias = ", 'bias = "high"', "bias"),
        ("[not_moved]", "[not_there]", "bias"),
        ("pattern_beside = ", "moved = -13.5", "not_moved.weights.moved"),
    ],
)
def test_rules_that_make_no_sense_are_refused_by_field(tmp_path: Path, was: str, is_now: str, field: str) -> None:
    lines = SHIPPED.read_text(encoding="utf-8").splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith(was))
    path = tmp_path / "gone.toml"
    path.write_text("\n".join([*lines[:at], is_now, *lines[at + 1 :]]), encoding="utf-8")
    with pytest.raises(BadPolicy, match=r"gone\.toml") as refused:
        read_gone_rules(path)
    assert refused.value.field == field


def test_all_that_may_be_weighed_is_measured() -> None:
    before, after = photo(with_thing(ground(1), BOX)), photo(from_there(ground(1)))
    assert set(measured(before, after, known_alignment(), BOX, "garbage", RULES)) >= WEIGHABLE


def test_a_limit_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gone.toml"
    path.write_text(SHIPPED.read_text(encoding="utf-8") + "\n[limits]\nmost_blue = 1.0\n", encoding="utf-8")
    with pytest.raises(BadPolicy, match="most_blue"):
        read_gone_rules(path)
