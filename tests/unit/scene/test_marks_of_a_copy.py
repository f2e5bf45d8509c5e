"""Pictures from a screen, and files that say themselves what they are."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image
from support.exposures import exposure
from support.pictures import encoded

from detector.image import Pixels
from inference_server.scene.declared import Mark, declared_mark
from inference_server.scene.recapture import MOIRE_AT, moire


def with_moire(pixels: Pixels, cycles_a_pixel: float, strength: float) -> Pixels:
    """The picture under coloured stripes, aslant, as a screen's dots leave them."""
    y, x = np.mgrid[0 : pixels.shape[0], 0 : pixels.shape[1]]
    phase = 2 * np.pi * cycles_a_pixel * (0.8 * x + 0.6 * y)
    stripes = np.stack([np.cos(phase + turn) for turn in (0.0, 2.1, 4.2)], -1) * strength
    return np.clip(pixels + stripes, 0, 255).astype(np.uint8)


def test_a_photograph_of_the_street_shows_no_moire() -> None:
    assert moire(exposure(1, 0)) < MOIRE_AT


@pytest.mark.parametrize("cycles", [0.17, 0.31, 0.42])
def test_coloured_stripes_of_a_screen_show(cycles: float) -> None:
    assert moire(with_moire(exposure(1, 0), cycles, 12.0)) > MOIRE_AT


def test_blocks_of_a_rough_jpeg_are_no_screen() -> None:
    rough = cv2.imdecode(np.frombuffer(encoded(exposure(1, 0), "JPEG", quality=20), np.uint8), cv2.IMREAD_COLOR)
    assert moire(rough) < MOIRE_AT


def test_a_picture_too_small_to_tell_shows_nothing() -> None:
    assert moire(exposure(1, 0)[:200, :200]) == 0.0


def test_an_editor_that_signs_is_known() -> None:
    exif = Image.Exif()
    exif[0x0131] = "Adobe Photoshop 27.0 (Windows)"
    stream = io.BytesIO()
    Image.fromarray(exposure(1, 0)).save(stream, "JPEG", exif=exif.tobytes())
    assert declared_mark(stream.getvalue()) is Mark.EDITOR


def test_a_program_that_makes_pictures_and_says_so_is_known() -> None:
    xmp = b"<Iptc4xmpExt:DigitalSourceType>http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia</x>"
    assert declared_mark(encoded(exposure(1, 0), "JPEG") + xmp) is Mark.GENERATED


def test_a_camera_is_no_editor() -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0131] = "HUAWEI", "NOH-AN00 4.2.0.135"
    stream = io.BytesIO()
    Image.fromarray(exposure(1, 0)).save(stream, "JPEG", exif=exif.tobytes())
    assert declared_mark(stream.getvalue()) is None
