"""A copy of the photograph before is told from another photograph of the same place."""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from support.exposures import exposure
from support.pictures import encoded
from support.scenes import photo

from detector.image import Pixels
from inference_server.domain.verification import WORKING_POINT, ReasonCode
from inference_server.scene.agreement import agreement
from inference_server.scene.checks import Check
from inference_server.scene.registration import SIDE_PX, mutual, plate, register
from inference_server.scene.same_exposure import exposure_check

BEFORE = exposure(1, 0)
THING = np.s_[220:320, 260:400]


def checked(after: Pixels, before: Pixels = BEFORE) -> Check:
    """What the check says of two pictures."""
    return exposure_check(plate(photo(before)), plate(photo(after)))


def saved(pixels: Pixels, quality: int) -> Pixels:
    """The picture after a JPEG of this quality."""
    return cv2.imdecode(np.frombuffer(encoded(pixels, "JPEG", quality=quality), np.uint8), cv2.IMREAD_COLOR)


def painted_over(pixels: Pixels) -> Pixels:
    """The picture with a part inpainted."""
    mask = np.zeros(pixels.shape[:2], np.uint8)
    mask[THING] = 255
    return cv2.inpaint(pixels, mask, 5, cv2.INPAINT_TELEA)


def aslant(pixels: Pixels) -> Pixels:
    """The picture pulled a little in perspective."""
    corners = np.array([[0, 0], [640, 0], [640, 480], [0, 480]], np.float32)
    moved = corners + np.array([[9, 4], [-12, 8], [-3, -9], [10, -5]], np.float32)
    return cv2.warpPerspective(pixels, cv2.getPerspectiveTransform(moved, corners), (640, 480), flags=cv2.INTER_CUBIC)


COPIES: dict[str, Callable[[Pixels], Pixels]] = {
    "saved again": lambda pixels: saved(pixels, 60),
    "mirrored": lambda pixels: pixels[:, ::-1].copy(),
    "cropped": lambda pixels: pixels[60:420, 90:600],
    "smaller": lambda pixels: cv2.resize(pixels, (400, 300), interpolation=cv2.INTER_AREA),
    "darker and flatter": lambda pixels: cv2.convertScaleAbs(pixels, alpha=0.6, beta=40),
    "aslant": aslant,
    "noisy": lambda pixels: np.clip(pixels + np.random.default_rng(2).normal(0, 5, pixels.shape), 0, 255).astype("u1"),
}


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_a_copy_is_the_same_exposure(copied: Callable[[Pixels], Pixels]) -> None:
    found = checked(saved(copied(BEFORE), 85))
    assert found.score < WORKING_POINT
    assert not found.is_certain
    assert [reason.code for reason in found.reasons] == [ReasonCode.SAME_AS_BEFORE]


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_a_copy_with_a_part_painted_over_is_edited(copied: Callable[[Pixels], Pixels]) -> None:
    found = checked(saved(copied(painted_over(BEFORE)), 85))
    assert [reason.code for reason in found.reasons] == [ReasonCode.EDITED]
    assert 0.03 < found.measures["exposure_changed_share"] < 0.3


@pytest.mark.parametrize("moment", [1, 2, 3])
def test_another_photograph_of_the_place_is_another_exposure(moment: int) -> None:
    found = checked(exposure(1, moment))
    assert found.score >= WORKING_POINT
    assert found.reasons == ()


def test_another_place_is_no_copy() -> None:
    assert not checked(exposure(2, 0)).objects


@pytest.mark.parametrize(
    "empty", [np.full((480, 640, 3), 90, np.uint8), np.zeros((8, 8, 3), np.uint8)], ids=["even grey", "tiny"]
)
def test_an_empty_picture_is_no_copy_of_anything(empty: Pixels) -> None:
    assert not checked(empty).objects
    assert not checked(BEFORE, before=empty).objects


def test_a_mirrored_copy_is_laid_the_right_way_round() -> None:
    registration = register(plate(photo(BEFORE)), plate(photo(BEFORE[:, ::-1].copy())))
    assert registration is not None
    assert registration.is_mirrored
    inside = registration.valid
    assert np.abs(registration.laid.astype(int) - plate(photo(BEFORE)).grey)[inside].mean() < 3.0


def test_a_plate_has_one_size_whatever_came_in() -> None:
    for size in ((320, 240), (1920, 1080), (500, 1100)):
        assert max(plate(photo(np.asarray(cv2.resize(BEFORE, size)))).grey.shape) == SIDE_PX


def test_a_picture_agrees_with_itself_entirely() -> None:
    itself = plate(photo(BEFORE))
    registration = register(itself, itself)
    assert registration is not None
    found = agreement(itself, registration)
    assert (found.changed, found.scattered, found.patches) == (0.0, 0.0, 0)
    assert found.coarse == pytest.approx(1.0, abs=0.01)
    assert found.drift_px < 0.2


def test_the_patch_that_was_worked_on_does_not_lower_the_agreement_of_the_rest() -> None:
    registration = register(plate(photo(BEFORE)), plate(photo(painted_over(BEFORE))))
    assert registration is not None
    found = agreement(plate(photo(BEFORE)), registration)
    assert found.changed > 0.03
    assert found.coarse > 0.98


def test_corners_choose_each_other_as_with_the_matcher_of_opencv_also_where_many_are_equal() -> None:
    for seed in range(8):
        rng = np.random.default_rng(seed)
        few = rng.integers(0, 2, 32, dtype=np.uint8) * 3  # descriptors of few bits: equal distances everywhere
        one, other = (rng.integers(0, 256, (count, 32), dtype=np.uint8) & few for count in rng.integers(20, 300, 2))
        found = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(one, other)
        chosen, partners = mutual(one, other)
        assert chosen.tolist() == [match.queryIdx for match in found]
        assert partners.tolist() == [match.trainIdx for match in found]


def test_vehicles_that_are_elsewhere_in_a_copy_do_not_excuse_it() -> None:
    cropped = cv2.GaussianBlur(BEFORE[30:450, 40:600], (0, 0), 2.5)
    noisy = np.clip(cropped + np.random.default_rng(2).normal(0, 8, cropped.shape), 0, 255).astype("u1")
    movers = np.array([[20, 250, 200, 400], [230, 240, 420, 420], [440, 260, 600, 400]], np.float32)
    before, after = (replace(plate(photo(pixels)), movers=movers) for pixels in (BEFORE, saved(noisy, 85)))
    found = exposure_check(before, after)
    assert found.measures["moved_things"] >= 2
    assert found.objects
