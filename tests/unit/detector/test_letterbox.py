"""A letterbox undoes itself, and fills the frame as the tools it is compared with do."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.image import Picture, PictureInfo, Pixels
from detector.letterbox import Letterbox

FRAME = (640, 384)
SIDES = st.integers(1, 6000)
SHARES = st.floats(0, 1)


def a_picture(pixels: Pixels) -> Picture:
    height_px, width_px = pixels.shape[:2]
    return Picture(pixels, 1.0, PictureInfo(format="png", width_px=width_px, height_px=height_px))


@given(SIDES, SIDES, SHARES, SHARES, SHARES, SHARES)
def test_undoing_what_was_applied_gives_the_same_box(
    width_px: int, height_px: int, x1: float, y1: float, x2: float, y2: float
) -> None:
    letterbox = Letterbox.fit((width_px, height_px), FRAME)
    box = np.array([[x1 * width_px, y1 * height_px, x2 * width_px, y2 * height_px]], np.float32)
    back = letterbox.out_of_frame(letterbox.into_frame(box))
    # the frame's coordinates are float32: 2^-15 px there, as many picture pixels as one frame pixel covers here
    np.testing.assert_allclose(back, box, atol=max(width_px / letterbox.content_px[0], 1) * 1e-3)


@given(SIDES, SIDES)
def test_the_whole_picture_is_the_whole_content_inside_the_frame(width_px: int, height_px: int) -> None:
    letterbox = Letterbox.fit((width_px, height_px), FRAME)
    left, top, right, bottom = letterbox.into_frame(np.array([[0, 0, width_px, height_px]], np.float32))[0]
    assert (left, top) == letterbox.offset_px
    assert (right - left, bottom - top) == pytest.approx(letterbox.content_px, abs=1e-3)
    assert right <= FRAME[0]
    assert bottom <= FRAME[1]
    assert FRAME[0] == right - left or FRAME[1] == bottom - top


@pytest.mark.parametrize(
    ("picture_px", "content_px", "offset_px"),
    [
        pytest.param((1920, 1080), (640, 360), (0, 12), id="16:9 touches left and right"),
        pytest.param((1080, 1920), (216, 384), (212, 0), id="upright 9:16 touches top and bottom"),
        pytest.param((640, 384), (640, 384), (0, 0), id="the frame itself"),
        pytest.param((320, 192), (640, 384), (0, 0), id="a small picture is enlarged"),
        pytest.param((1000, 595), (640, 381), (0, 1), id="of three rows left over one is above"),
        pytest.param((5000, 1), (640, 1), (0, 191), id="a line keeps one row"),
    ],
)
def test_letterbox_of(picture_px: tuple[int, int], content_px: tuple[int, int], offset_px: tuple[int, int]) -> None:
    letterbox = Letterbox.fit(picture_px, FRAME)
    assert (letterbox.content_px, letterbox.offset_px) == (content_px, offset_px)


def test_the_input_is_rgb_in_nought_to_one_with_grey_around() -> None:
    pixels = np.zeros((1080, 1920, 3), np.uint8)
    pixels[:] = (10, 20, 30)  # blue, green, red
    tensor = Letterbox.fit((1920, 1080), FRAME).apply(a_picture(pixels))
    assert tensor.shape == (1, 3, 384, 640)
    assert tensor.dtype == np.float32
    np.testing.assert_allclose(tensor[0, :, 200, 300] * 255, [30, 20, 10], rtol=1e-6)
    np.testing.assert_allclose(tensor[0, :, 11, 300] * 255, 114, rtol=1e-6)
    np.testing.assert_allclose(tensor[0, :, 12, 300] * 255, [30, 20, 10], rtol=1e-6)
    np.testing.assert_allclose(tensor[0, :, 372, 300] * 255, 114, rtol=1e-6)


def test_a_picture_of_the_frames_size_is_passed_on_unchanged() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (384, 640, 3), np.uint8)
    tensor = Letterbox.fit(FRAME, FRAME).apply(a_picture(pixels))
    np.testing.assert_array_equal(np.rint(tensor[0] * 255).astype(np.uint8), pixels[:, :, ::-1].transpose(2, 0, 1))


def test_a_thing_in_the_picture_lies_where_its_box_says_in_the_frame() -> None:
    pixels = np.zeros((900, 1601, 3), np.uint8)
    cv2.rectangle(pixels, (400, 300), (799, 599), (255, 255, 255), cv2.FILLED)
    letterbox = Letterbox.fit((1601, 900), FRAME)
    left, top, right, bottom = letterbox.into_frame(np.array([[400, 300, 800, 600]], np.float32))[0]
    lit = letterbox.apply(a_picture(pixels), pad_value=0)[0, 0] > 0.5
    columns, rows = np.flatnonzero(lit.any(axis=0)), np.flatnonzero(lit.any(axis=1))
    assert (columns[0], columns[-1] + 1) == pytest.approx((left, right), abs=1)
    assert (rows[0], rows[-1] + 1) == pytest.approx((top, bottom), abs=1)


@given(seed=st.integers(0, 2**32 - 1))
def test_the_input_is_to_the_last_bit_what_opencv_makes_of_the_frame(seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (32, 64, 3)).astype(np.uint8)
    info = PictureInfo(format="jpeg", width_px=64, height_px=32)
    applied = Letterbox.fit((64, 32), (64, 32)).apply(Picture(pixels, 1.0, info))
    np.testing.assert_array_equal(applied, cv2.dnn.blobFromImage(pixels, 1 / 255, swapRB=True))
