"""What is left of a part that was made unreadable, and of everything else."""

import cv2
import numpy as np
import pytest
from support.posting import a_picture

from detector.image import Limits, decode
from inference_server.blurring import blurred
from inference_server.domain.observation import Box
from inference_server.ports import PictureUnreadable

PART = Box(x1=320.0, y1=160.0, x2=480.0, y2=320.0)


def pixels_of(picture: bytes) -> np.ndarray:
    return decode(picture, Limits()).pixels.astype(np.int16)


def test_the_fine_grain_of_a_part_is_gone_and_the_rest_is_as_it_was() -> None:
    before, after = pixels_of(a_picture(1)), pixels_of(blurred(a_picture(1), [PART], Limits()))
    inside = (slice(168, 312), slice(328, 472))
    assert after.shape == before.shape
    fine = [np.abs(cv2.Laplacian(one[inside].astype(np.float32), cv2.CV_32F)).mean() for one in (before, after)]
    assert fine[1] < 0.1 * fine[0]
    after[152:328, 312:488] = before[152:328, 312:488]
    assert np.abs(after - before).mean() < 10.0  # JPEG once more


def test_two_pictures_that_differ_only_in_detail_of_a_part_look_alike_afterwards() -> None:
    grain = np.random.default_rng(2).integers(-60, 60, (160, 160, 3))
    faces = []
    for sign in (1, -1):
        pixels = np.full((480, 640, 3), 128, np.int16)
        pixels[160:320, 320:480] += sign * grain.astype(np.int16)
        picture = cv2.imencode(".png", pixels.astype(np.uint8))[1].tobytes()
        faces.append(pixels_of(blurred(picture, [PART], Limits())))
    assert np.abs(faces[0] - faces[1]).max() < 20


def test_a_picture_without_private_parts_keeps_its_bytes() -> None:
    assert blurred(a_picture(1), [], Limits()) == a_picture(1)


def test_a_part_at_the_edge_or_beyond_is_cut() -> None:
    parts = [
        Box(x1=-50, y1=-50, x2=20, y2=20),
        Box(x1=1270, y1=700, x2=1400, y2=800),
        Box(x1=2000, y1=0, x2=2100, y2=9),
    ]
    assert pixels_of(blurred(a_picture(1), parts, Limits())).shape == (720, 1280, 3)


def test_a_part_of_one_pixel_is_no_error() -> None:
    assert blurred(a_picture(1), [Box(x1=5, y1=5, x2=6, y2=6)], Limits())


def test_a_damaged_picture_is_refused_and_not_shown_as_it_is() -> None:
    with pytest.raises(PictureUnreadable):
        blurred(a_picture(1)[:2000], [PART], Limits())
