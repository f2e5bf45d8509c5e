"""What may not speak for a place."""

import cv2
import numpy as np
import pytest
from support.scenes import photo, place

from detector.image import Pixels
from inference_server.domain.verification import Answer
from inference_server.scene.bars import bars
from inference_server.scene.burned_in import burned_in_text
from inference_server.scene.masks import sky, usable
from inference_server.scene.same_scene import same_scene

WHITE, BLACK, ORANGE = (255, 255, 255), (0, 0, 0), (0, 150, 255)


def written(pixels: Pixels, text: str, at: tuple[int, int], size: float, colour: tuple[int, int, int]) -> Pixels:
    """The picture with a text over it."""
    return np.asarray(
        cv2.putText(pixels.copy(), text, at, cv2.FONT_HERSHEY_SIMPLEX, size, colour, 3, cv2.LINE_AA), np.uint8
    )


@pytest.mark.parametrize("colour", [WHITE, BLACK, ORANGE])
def test_a_time_stamp_is_masked_and_little_else(colour: tuple[int, int, int]) -> None:
    found = burned_in_text(written(place(40), "2026-11-22 10:03:54", (30, 450), 1.2, colour))
    assert found[425:450, 60:380].mean() > 0.9
    assert found.mean() < 0.15


def test_a_place_without_words_is_not_masked() -> None:
    assert np.mean([burned_in_text(place(seed)).mean() for seed in range(41, 46)]) < 0.01


def test_a_word_on_two_places_is_no_evidence() -> None:
    before, after = (written(place(seed), "BEFORE 2026", (20, 100), 3.0, WHITE) for seed in (46, 47))
    assert same_scene(photo(before), photo(after)).result.answer is not Answer.PASS


def test_the_sky_is_masked_down_to_the_houses() -> None:
    street = place(48)
    street[:200] = np.linspace(235, 215, 200, dtype=np.uint8)[:, None, None]
    found = sky(street)
    assert found[:190].mean() > 0.95
    assert found[215:].mean() < 0.02


def test_a_bright_wall_below_is_no_sky() -> None:
    street = place(49)
    street[200:320] = 230
    assert not sky(street)[200:320].any()


def test_a_white_frame_and_a_strip_with_words_are_masked() -> None:
    framed = cv2.copyMakeBorder(place(51), 30, 60, 30, 30, cv2.BORDER_CONSTANT, value=WHITE)
    framed = np.asarray(
        cv2.putText(framed, "stock 1234567", (200, 550), cv2.FONT_HERSHEY_SIMPLEX, 1.0, BLACK, 2), np.uint8
    )
    found = bars(framed)
    assert found[515:, :].mean() > 0.95
    assert found[60:480, 60:640].mean() < 0.02


def test_the_lines_of_a_collage_are_masked() -> None:
    turned = cv2.getRotationMatrix2D((320, 240), 8, 1.0)
    collage = cv2.line(place(52), (-100, 240), (740, 240), WHITE, 5)
    found = bars(np.asarray(cv2.warpAffine(collage, turned, (640, 480), borderMode=cv2.BORDER_REFLECT), np.uint8))
    assert found[240, 315:325].all()
    assert 0.01 < found.mean() < 0.1


def test_bins_are_masked_where_they_are_sure() -> None:
    box = (10.0, 310.0, 60.0, 360.0)
    assert not usable(photo(place(50), ("bin", 0.6, box)))[315:355, 15:55].any()
    assert usable(photo(place(50), ("bin", 0.3, box)))[315:355, 15:55].mean() > 0.95


def test_vehicles_and_persons_are_masked_and_garbage_is_not() -> None:
    boxes = (("car", 0.9, (10.0, 310.0, 60.0, 360.0)), ("garbage", 0.9, (100.0, 310.0, 160.0, 360.0)))
    kept = usable(photo(place(50), *boxes))
    assert not kept[315:355, 15:55].any()
    assert kept[315:355, 105:155].mean() > 0.95
