"""What lies in place pixel for pixel, and how a camera on a mast is told from an edited picture."""

import cv2
import numpy as np
import pytest
from support.exposures import exposure
from support.scenes import photo

from detector.image import Pixels
from inference_server.domain.verification import ReasonCode
from inference_server.scene.in_place import NOT_IN_PLACE, in_place
from inference_server.scene.photo import ScenePhoto
from inference_server.scene.registration import plate
from inference_server.scene.same_exposure import exposure_check

BEFORE = exposure(1, 0)
Corner = tuple[int, int]
CAR_PX = (70, 44)


def drawn_anew(pixels: Pixels, seed: int = 3) -> Pixels:
    """The shapes where they were, all grain another, and the left third something else: as a generator does it."""
    smooth = cv2.bilateralFilter(cv2.GaussianBlur(pixels, (0, 0), 1.6), 9, 40, 7)
    anew = np.clip(smooth + np.random.default_rng(seed).normal(0, 6, pixels.shape), 0, 255).astype(np.uint8)
    anew[:, :210] = exposure(9, 0)[:, :210]
    return anew


def from_mast(moment: int, *cars: Corner) -> ScenePhoto:
    """The place as a fixed camera sees it, with cars here and there; each moment has its own noise and light."""
    rng = np.random.default_rng(moment)
    pixels = BEFORE.astype(np.float32)
    for x, y in cars:
        body = cv2.resize(rng.uniform(20, 230, (6, 9, 3)).astype(np.float32), CAR_PX, interpolation=cv2.INTER_NEAREST)
        pixels[y : y + CAR_PX[1], x : x + CAR_PX[0]] = body
    noisy = cv2.GaussianBlur(pixels, (0, 0), 0.6) * rng.uniform(0.9, 1.0) + rng.normal(0, 28, pixels.shape)
    boxes = [("car", 0.6, (x, y, x + CAR_PX[0], y + CAR_PX[1])) for x, y in cars]
    return photo(np.clip(noisy, 0, 255).astype(np.uint8), *boxes)


def test_a_picture_drawn_anew_by_a_generator_is_edited_though_its_grain_is_another() -> None:
    found = exposure_check(plate(photo(BEFORE)), plate(photo(drawn_anew(BEFORE))))
    assert [reason.code for reason in found.reasons] == [ReasonCode.EDITED]
    assert found.measures["in_place_share"] > 0.3


@pytest.mark.parametrize("moment", [1, 2, 3])
def test_another_photograph_by_hand_does_not_lie_in_place(moment: int) -> None:
    assert in_place(plate(photo(BEFORE)), plate(photo(exposure(1, moment)))).share < 0.15


def test_size_does_not_matter_but_shape_does() -> None:
    smaller, cut = cv2.resize(BEFORE, (480, 360)), BEFORE[:, :500]
    assert in_place(plate(photo(BEFORE)), plate(photo(smaller))).share > 0.95
    assert in_place(plate(photo(BEFORE)), plate(photo(cut))) == NOT_IN_PLACE


def test_straight_edges_alone_prove_nothing() -> None:
    road = np.full((480, 640, 3), 90, np.uint8)
    for x in (120, 300, 480):
        cv2.line(road, (x, 479), (310 + (x - 300) // 4, 60), (230, 230, 230), 9)
    assert in_place(plate(photo(road)), plate(photo(road.copy()))).share == 0.0


def test_cars_that_came_and_went_tell_two_moments_of_a_fixed_camera() -> None:
    one, other = from_mast(1, (80, 300), (420, 340)), from_mast(2, (250, 380))
    found = in_place(plate(one), plate(other))
    assert found.share > 0.5
    assert found.moved == 3
    assert not exposure_check(plate(one), plate(other)).objects


def test_a_fixed_camera_before_which_nothing_moved_is_under_suspicion() -> None:
    one, other = from_mast(1, (80, 300)), from_mast(1, (80, 300))
    assert in_place(plate(one), plate(other)).moved == 0
    assert exposure_check(plate(one), plate(other)).objects


def test_cars_excuse_no_exact_copy() -> None:
    copied = BEFORE.copy()
    copied[300:380, 60:500] = 128
    boxes = [("car", 0.9, (70.0, 310.0, 140.0, 350.0)), ("car", 0.9, (300.0, 310.0, 380.0, 350.0))]
    found = exposure_check(plate(photo(BEFORE, *boxes)), plate(photo(copied)))
    assert found.measures["moved_things"] == 2
    assert found.objects
