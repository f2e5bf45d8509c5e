"""The gate on drawn places: what is accepted, what is refused, and for which reason."""

import cv2
import numpy as np
import pytest
from support.scenes import photo, place, seen_from

from inference_server.domain.observation import Box
from inference_server.domain.verification import Answer, ReasonCode
from inference_server.scene.matching import Matches
from inference_server.scene.same_scene import near, same_scene

MOVED = np.array([[0.96, 0.05, 14.0], [-0.04, 0.98, 9.0], [4e-5, -3e-5, 1.0]])


def test_the_same_place_from_another_spot_passes_and_its_geometry_is_found() -> None:
    before = place(1)
    found = same_scene(photo(before), photo(seen_from(before, MOVED)))
    assert found.result.answer is Answer.PASS
    assert found.result.score > 0.9
    assert found.alignment.homography is not None
    corners = np.array([[[80.0, 60.0], [560.0, 60.0], [560.0, 420.0], [80.0, 420.0]]])
    error_px = cv2.perspectiveTransform(corners, found.alignment.homography) - cv2.perspectiveTransform(corners, MOVED)
    assert np.abs(error_px).max() < 1.5


def test_a_picture_of_another_place_is_refused() -> None:
    found = same_scene(photo(place(1)), photo(place(20)))
    assert found.result.answer is not Answer.PASS
    codes = {reason.code for reason in found.result.reasons}
    assert codes <= {ReasonCode.SCENE_MISMATCH, ReasonCode.VIEW_TOO_DIFFERENT}
    assert codes


def test_the_answer_is_the_same_every_time() -> None:
    before, after = photo(place(3)), photo(seen_from(place(3), MOVED))
    first, second = same_scene(before, after), same_scene(before, after)
    assert first.result == second.result
    assert np.array_equal(first.alignment.homography, second.alignment.homography)


def test_a_mirrored_picture_is_not_the_same_place() -> None:
    before = place(4)
    assert same_scene(photo(before), photo(np.ascontiguousarray(before[:, ::-1]))).result.answer is not Answer.PASS


def test_one_poster_that_hangs_in_two_places_proves_nothing() -> None:
    before, after, poster = place(5), place(6), place(7, (90, 60))
    before[50:110, 70:160] = poster
    after[310:370, 410:500] = poster
    found = same_scene(photo(before), photo(after))
    assert found.result.measures["agree_planar"] >= 12
    assert found.result.answer is not Answer.PASS


def test_the_reported_problem_does_not_speak_for_the_place() -> None:
    before, after = place(8), place(9)
    after[100:400, 150:550] = before[100:400, 150:550]
    everything = same_scene(photo(before), photo(after))
    without = same_scene(photo(before), photo(after), Box(x1=140, y1=90, x2=560, y2=410))
    assert everything.result.answer is Answer.PASS
    assert without.result.answer is not Answer.PASS


def test_a_parked_car_does_not_speak_for_the_place() -> None:
    before, after = place(8), place(9)
    after[100:400, 150:550] = before[100:400, 150:550]
    car = ("car", 0.8, (140.0, 90.0, 560.0, 410.0))
    assert same_scene(photo(before, car), photo(after, car)).result.answer is not Answer.PASS


def test_a_blurred_photograph_asks_for_a_better_one() -> None:
    before = place(10)
    found = same_scene(photo(before), photo(np.asarray(cv2.GaussianBlur(before, (0, 0), 25), np.uint8)))
    assert found.result.answer is Answer.CANNOT_TELL
    assert ReasonCode.BLUR in {reason.code for reason in found.result.reasons}


def test_a_black_photograph_asks_for_a_better_one() -> None:
    before = place(11)
    found = same_scene(photo(before), photo(np.zeros_like(before)))
    assert found.result.answer is Answer.CANNOT_TELL
    assert ReasonCode.DARK in {reason.code for reason in found.result.reasons}


@pytest.mark.parametrize("size_px", [(1, 1), (1, 900), (900, 1), (12, 9)])
def test_a_picture_too_small_to_hold_anything_is_no_error(size_px: tuple[int, int]) -> None:
    tiny = np.full((size_px[1], size_px[0], 3), 120, np.uint8)
    assert same_scene(photo(tiny), photo(place(12))).result.answer is Answer.CANNOT_TELL
    assert same_scene(photo(place(12)), photo(tiny)).result.answer is Answer.CANNOT_TELL


def test_the_geometry_near_the_problem_is_the_one_of_its_own_plane() -> None:
    before = place(13)
    after = seen_from(before, np.array([[1.0, 0.0, 30.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]))
    after[260:] = seen_from(before, np.array([[1.0, 0.0, 4.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]))[260:]
    found = same_scene(photo(before), photo(after), Box(x1=260, y1=340, x2=380, y2=420))
    assert found.alignment.homography is not None
    middle = cv2.perspectiveTransform(np.array([[[320.0, 380.0]]]), found.alignment.homography)
    assert np.allclose(middle, [[[324.0, 380.0]]], atol=1.0)


HOLE = Box(x1=300, y1=400, x2=340, y2=420)


def lattice(columns: range, rows: range) -> Matches:
    """Points of a plane and where MOVED takes them, 60 px apart."""
    points = np.array([(x, y) for x in columns for y in rows], np.float32)
    there = cv2.perspectiveTransform(points[:, None].astype(np.float64), MOVED)[:, 0]
    return Matches(points, there.astype(np.float32))


@pytest.mark.parametrize(
    ("rows", "holds"), [(range(20, 350, 60), False), (range(20, 490, 230), True)], ids=["above", "round it"]
)
def test_a_plane_tells_of_a_place_far_from_its_points_only_where_they_lie_round_it(rows: range, holds: bool) -> None:
    found = near(lattice(range(20, 640, 60), rows), MOVED, HOLE)
    assert (found is not None) == holds


def test_many_points_round_the_place_need_no_others() -> None:
    found = near(lattice(range(290, 360, 10), range(390, 440, 10)), None, HOLE)
    assert found is not None
    assert np.allclose(found, MOVED, atol=0.05)
