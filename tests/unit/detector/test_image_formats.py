"""Every kind of picture that is read comes out as Pillow reads it."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from support.pictures import a_scene, encoded, png_chunk, read_by_pillow, with_orientation

from detector.image import Limits, PictureFormatRefused, PictureInfo, decode, probe

LIMITS = Limits()
SCENE = a_scene(60, 40)
# libjpeg's roundings differ by a step or two between CMYK conversions; lossless formats must agree to the bit
EXACT, CLOSE = 0, 2


@pytest.mark.parametrize(
    ("kind", "mode", "options", "tolerance"),
    [
        pytest.param("JPEG", None, {}, EXACT, id="JPEG"),
        pytest.param("JPEG", None, {"subsampling": 0}, EXACT, id="JPEG of full colour"),
        pytest.param("JPEG", None, {"progressive": True}, EXACT, id="progressive JPEG"),
        pytest.param("JPEG", "L", {}, EXACT, id="grey JPEG"),
        pytest.param("JPEG", "CMYK", {}, CLOSE, id="CMYK JPEG"),
        pytest.param("PNG", None, {}, EXACT, id="PNG"),
        pytest.param("PNG", "L", {}, EXACT, id="grey PNG"),
        pytest.param("PNG", "1", {}, EXACT, id="PNG of one bit"),
        pytest.param("PNG", "P", {}, EXACT, id="PNG with a palette"),
        pytest.param("PNG", "P", {"transparency": 3}, EXACT, id="PNG with a transparent palette entry"),
        pytest.param("PNG", "RGB", {"transparency": (0, 0, 0)}, EXACT, id="PNG with a colour key"),
        pytest.param("WEBP", None, {"quality": 80}, EXACT, id="lossy WebP"),
        pytest.param("WEBP", None, {"lossless": True}, EXACT, id="lossless WebP"),
    ],
)
def test_it_comes_out_as_pillow_reads_it(kind: str, mode: str | None, options: dict[str, Any], tolerance: int) -> None:
    data = encoded(SCENE, kind, mode, **options)
    picture = decode(data, LIMITS)
    oracle = read_by_pillow(data)
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.flags.c_contiguous
    assert np.abs(picture.pixels.astype(int) - oracle).max() <= tolerance
    assert picture.info == PictureInfo(format=kind.lower(), width_px=60, height_px=40)  # type: ignore[arg-type]
    assert picture.scale == 1


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_transparent_parts_are_black(kind: str) -> None:
    pixels = np.dstack([SCENE, np.full((40, 60), 255, np.uint8)])
    pixels[:, :30, 3] = 0
    pixels[:, 30:40, 3] = 128
    data = cv2.imencode(f".{kind}", pixels, [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes()
    found = decode(data, LIMITS).pixels
    assert not found[:, :30].any()
    assert np.abs(found[:, 30:40].astype(int) - SCENE[:, 30:40] * (128 / 255)).max() <= 1
    np.testing.assert_array_equal(found[:, 40:], SCENE[:, 40:])


def test_the_colour_key_of_a_grey_png_is_ignored() -> None:
    plain = encoded(SCENE, "PNG", "L")
    keyed = encoded(SCENE, "PNG", "L", transparency=int(decode(plain, LIMITS).pixels[20, 20, 0]))
    assert b"tRNS" in keyed
    np.testing.assert_array_equal(decode(keyed, LIMITS).pixels, decode(plain, LIMITS).pixels)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_samples_of_16_bits_keep_their_high_byte(channels: int) -> None:
    samples = np.random.default_rng(0).integers(0, 65536, (40, 60, channels), np.uint16)
    if channels == 4:
        samples[:, :, 3] = 65535
    data = cv2.imencode(".png", samples)[1].tobytes()
    expected = np.broadcast_to(samples[:, :, :3] >> 8, (40, 60, 3))
    np.testing.assert_array_equal(decode(data, LIMITS).pixels, expected)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_each_orientation_is_turned_upright(kind: str, orientation: int) -> None:
    data = encoded(SCENE, kind, exif=with_orientation(orientation))
    picture = decode(data, LIMITS)
    np.testing.assert_array_equal(picture.pixels, read_by_pillow(data))
    upright_px = (40, 60) if orientation >= 5 else (60, 40)
    assert (picture.info.width_px, picture.info.height_px) == upright_px
    assert picture.info.orientation == orientation
    assert probe(data, LIMITS) == picture.info


def test_a_turned_jpeg_is_reduced_for_the_upright_frame() -> None:
    data = encoded(a_scene(400, 800), "JPEG", exif=with_orientation(6))
    picture = decode(data, LIMITS, at_least_px=(200, 100))
    assert picture.info.width_px == 800
    assert picture.pixels.shape == (100, 200, 3)
    assert picture.scale == 1 / 4


@pytest.mark.parametrize(
    ("picture_px", "frame_px", "eighths"),
    [
        pytest.param((1920, 1080), (640, 384), 4, id="1080p for the network"),
        pytest.param((1280, 720), (640, 384), 4, id="exactly half"),
        pytest.param((2561, 1440), (640, 384), 2, id="a little under a quarter"),
        pytest.param((3840, 2160), (640, 384), 2, id="4K for the network"),
        pytest.param((1279, 720), (640, 384), 8, id="a little over half needs all"),
        pytest.param((640, 384), (640, 384), 8, id="the frame's size"),
        pytest.param((320, 200), (640, 384), 8, id="smaller than the frame"),
        pytest.param((3000, 500), (640, 384), 2, id="a wide one is bound by its width"),
        pytest.param((500, 3000), (640, 384), 2, id="a tall one is bound by its height"),
        pytest.param((6000, 4000), (64, 64), 1, id="never under an eighth"),
        pytest.param((15, 9), (2, 2), 8, id="a tiny one is not reduced"),
        pytest.param((17, 3), (2, 2), 1, id="a small one is"),
    ],
)
def test_a_jpeg_is_decoded_at_the_smallest_scale_that_fills_the_frame(
    picture_px: tuple[int, int], frame_px: tuple[int, int], eighths: int
) -> None:
    data = encoded(np.full((picture_px[1], picture_px[0], 3), 99, np.uint8), "JPEG")
    picture = decode(data, LIMITS, at_least_px=frame_px)
    assert picture.scale == eighths / 8
    expected = tuple(-(-side * eighths // 8) for side in picture_px)
    assert (picture.pixels.shape[1], picture.pixels.shape[0]) == expected


def test_a_reduced_jpeg_shows_the_same_scene_in_the_same_place() -> None:
    scene = a_scene(800, 480)
    picture = decode(encoded(scene, "JPEG", quality=95), LIMITS, at_least_px=(300, 180))
    assert picture.pixels.shape == (240, 400, 3)
    shrunk = cv2.resize(scene, (400, 240), interpolation=cv2.INTER_AREA)
    assert np.abs(picture.pixels.astype(int) - shrunk).mean() < 1.5


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_other_formats_come_at_full_size(kind: str) -> None:
    picture = decode(encoded(SCENE, kind), LIMITS, at_least_px=(6, 4))
    assert (picture.pixels.shape, picture.scale) == ((40, 60, 3), 1)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animated_picture_is_refused(kind: str) -> None:
    from PIL import Image

    others = [Image.fromarray(a_scene(60, 40, seed)) for seed in (1, 2)]
    data = encoded(SCENE, kind, save_all=True, append_images=others)
    for read in (probe, decode):
        with pytest.raises(PictureFormatRefused, match="animated"):
            read(data, LIMITS)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GIF89a" + bytes(100), id="a GIF"),
        pytest.param(b"BM" + bytes(100), id="a BMP"),
        pytest.param(b"II*\0" + bytes(100), id="a TIFF"),
        pytest.param(b"<svg></svg>", id="an SVG"),
        pytest.param(b"RIFF\x10\0\0\0WAVE" + bytes(100), id="a sound"),
        pytest.param(b"\xff\xd8", id="two bytes of a JPEG"),
    ],
)
def test_other_formats_are_refused_by_their_first_bytes(data: bytes) -> None:
    with pytest.raises(PictureFormatRefused, match="not a JPEG, PNG or WebP") as caught:
        probe(data, LIMITS)
    assert caught.value.code == "picture_format_refused"


def test_chunks_that_do_not_decide_the_pixels_never_reach_the_png_decoder() -> None:
    data = encoded(SCENE, "PNG")
    at = data.index(b"IDAT") - 4
    broken_profile = png_chunk(b"iCCP", b"x\0\0" + b"no zlib stream")
    np.testing.assert_array_equal(decode(data[:at] + broken_profile + data[at:], LIMITS).pixels, SCENE)
