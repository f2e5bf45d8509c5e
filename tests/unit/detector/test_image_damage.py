"""Of a truncated or damaged picture no pixel is given out."""

from __future__ import annotations

import math
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pictures import PNG_SIGNATURE, a_png, a_scene, encoded, png_chunk

from detector import image
from detector.image import Limits, PictureError, PictureUnreadable, decode, probe

LIMITS = Limits()
SCENE = a_scene(160, 120)
WHOLE = {
    "JPEG": encoded(SCENE, "JPEG"),
    "progressive JPEG": encoded(SCENE, "JPEG", progressive=True),
    "PNG": encoded(SCENE, "PNG"),
    "lossy WebP": encoded(SCENE, "WEBP", quality=90),
    "lossless WebP": encoded(SCENE, "WEBP", lossless=True),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_a_picture_cut_off_anywhere_is_refused(kind: str) -> None:
    data = WHOLE[kind]
    for length in range(16, len(data), max(1, len(data) // 100)):
        with pytest.raises(PictureUnreadable) as caught:
            decode(data[:length], LIMITS)
        assert caught.value.code == "picture_unreadable"


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("kind", ["JPEG", "progressive JPEG"])
@pytest.mark.parametrize("frame_px", [None, (20, 20)])
def test_a_jpeg_cut_off_and_closed_again_is_refused(kind: str, share: float, frame_px: tuple[int, int] | None) -> None:
    data = WHOLE[kind]
    start = data.index(b"\xff\xda") + 20
    cut = data[: start + int((len(data) - start) * share)] + b"\xff\xd9"
    with pytest.raises(PictureUnreadable):
        decode(cut, LIMITS, at_least_px=frame_px)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("kind", ["lossy WebP", "lossless WebP"])
def test_a_webp_cut_off_with_its_lengths_made_to_fit_is_refused(kind: str, share: float) -> None:
    body = bytearray(WHOLE[kind][: 20 + int(len(WHOLE[kind][20:]) * share) // 2 * 2])
    body[4:8] = struct.pack("<I", len(body) - 8)
    body[16:20] = struct.pack("<I", len(body) - 20)
    with pytest.raises(PictureUnreadable, match="cut off or damaged"):
        decode(bytes(body), LIMITS)


ROWS = zlib.compress(bytes(31) * 10)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(a_png(10, 10, packed=zlib.compress(bytes(31) * 4)), id="too few rows"),
        pytest.param(a_png(10, 10, packed=ROWS[: len(ROWS) // 2]), id="half a zlib stream"),
        pytest.param(a_png(10, 10, packed=ROWS[:-4] + bytes(4)), id="a wrong check sum of the rows"),
        pytest.param(a_png(10, 10, packed=zlib.compress((b"\x09" + bytes(30)) * 10)), id="an unknown row filter"),
        pytest.param(a_png(10, 10)[:-14] + b"\0\0" + a_png(10, 10)[-12:], id="a wrong check sum of a chunk"),
        pytest.param(a_png(10, 10).replace(b"IDAT", b"iDAT"), id="no picture data"),
        pytest.param(a_png(0, 10), id="no width"),
        pytest.param(a_png(10, 10, colour=5), id="an unknown colour type"),
        pytest.param(a_png(10, 10, colour=2, depth=7), id="an unknown depth"),
        pytest.param(a_png(10, 10)[:8] + a_png(10, 10)[33:], id="no header chunk"),
        pytest.param(a_png(10, 10)[:33] + a_png(10, 10)[8:], id="two header chunks"),
        pytest.param(PNG_SIGNATURE + png_chunk(b"IHDR", b"") + png_chunk(b"IEND", b""), id="an empty header chunk"),
    ],
)
def test_a_damaged_png_is_refused(data: bytes) -> None:
    with pytest.raises(PictureUnreadable):
        decode(data, LIMITS)


SMALL_JPEG = encoded(a_scene(16, 16), "JPEG")
FRAME_AT = SMALL_JPEG.index(b"\xff\xc0")
FRAME = SMALL_JPEG[FRAME_AT : FRAME_AT + 19]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(SMALL_JPEG.replace(FRAME, b""), "without a frame header", id="no frame header"),
        pytest.param(SMALL_JPEG.replace(FRAME, FRAME * 2), "two frame headers", id="two frame headers"),
        pytest.param(SMALL_JPEG.replace(FRAME, b"\xff\xc0\x00\x04\x08\x00"), "too short", id="a short frame header"),
        pytest.param(SMALL_JPEG.replace(b"\0\x10\0\x10", b"\0\0\0\x10"), "16 x 0 pixels", id="no height"),
        pytest.param(SMALL_JPEG.replace(b"\x01\x22\0", b"\x01\x02\0"), "16 x 16 pixels and 3", id="no sampling"),
        pytest.param(SMALL_JPEG.replace(FRAME, FRAME + b"abc"), "no marker", id="bytes between segments"),
        pytest.param(SMALL_JPEG.replace(FRAME, b"\xff\x01" + FRAME), "marker 0x01", id="a marker without content"),
        pytest.param(SMALL_JPEG.replace(FRAME, b"\xff\xd3" + FRAME), "marker 0xd3", id="a restart before the scan"),
        pytest.param(SMALL_JPEG[:FRAME_AT] + b"\xff\xd9", "without a frame header", id="an end at once"),
        pytest.param(SMALL_JPEG[:FRAME_AT] + b"\xff\xe0\x00\x01", "in the segment", id="an impossible length"),
        pytest.param(b"\xff\xd8" + FRAME + SMALL_JPEG[2:].replace(FRAME, b""), "", id="another order is fine"),
    ],
)
def test_a_damaged_jpeg_is_refused_with_what_is_wrong(data: bytes, message: str) -> None:
    if not message:
        assert decode(data, LIMITS).pixels.shape == (16, 16, 3)
        return
    with pytest.raises(PictureUnreadable, match=message):
        decode(data, LIMITS)


def test_a_jpeg_without_its_quantisation_table_is_refused_by_the_decoder() -> None:
    at = SMALL_JPEG.index(b"\xff\xdb")
    length = int.from_bytes(SMALL_JPEG[at + 2 : at + 4], "big")
    with pytest.raises(PictureUnreadable, match="JPEG is cut off or damaged"):
        decode(SMALL_JPEG[:at] + SMALL_JPEG[at + 2 + length :], LIMITS)


def with_junk_before_the_end(data: bytes, count: int) -> bytes:
    return data[:-2] + bytes(1 + i % 99 for i in range(count)) + data[-2:]


@pytest.mark.parametrize("count", [1, 5, 30])
@pytest.mark.parametrize("frame_px", [None, (20, 20)])
def test_a_few_bytes_before_the_end_mark_as_cheap_cameras_leave_them_do_no_harm(
    count: int, frame_px: tuple[int, int] | None
) -> None:
    data = WHOLE["JPEG"]
    clean = decode(data, LIMITS, at_least_px=frame_px)
    np.testing.assert_array_equal(
        decode(with_junk_before_the_end(data, count), LIMITS, at_least_px=frame_px).pixels, clean.pixels
    )


def test_many_bytes_before_the_end_mark_are_damage() -> None:
    with pytest.raises(PictureUnreadable, match="extraneous bytes"):
        decode(with_junk_before_the_end(WHOLE["JPEG"], 200), LIMITS)


def test_a_few_bytes_before_the_end_mark_do_not_hide_another_fault() -> None:
    data = bytearray(WHOLE["JPEG"])
    half = len(data) // 2
    data[half : half + 2] = b"\xff\xd3"
    with pytest.raises(PictureUnreadable):
        decode(with_junk_before_the_end(bytes(data), 30), LIMITS)


def test_a_decoder_that_reads_another_size_than_was_allowed_is_stopped_before_it_decodes() -> None:
    with pytest.raises(PictureUnreadable, match="the decoder finds"):
        image._decode_jpeg(SMALL_JPEG, (17, 17))


def test_an_error_inside_the_decoder_is_a_refusal() -> None:
    with pytest.raises(PictureUnreadable, match="the picture is damaged"):
        image._decode_whole(b"")


@pytest.mark.parametrize("kind", WHOLE)
def test_what_follows_a_whole_picture_is_ignored(kind: str) -> None:
    data = WHOLE[kind]
    followed = data + b"\xff\xd8\xff\xda a film" * 100
    np.testing.assert_array_equal(decode(followed, LIMITS).pixels, decode(data, LIMITS).pixels)


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"WEBP"
    for name, content in chunks:
        body += name + struct.pack("<I", len(content)) + content + bytes(len(content) & 1)
    return b"RIFF" + struct.pack("<I", len(body)) + body


LOSSY, LOSSLESS = WHOLE["lossy WebP"][20:], WHOLE["lossless WebP"][20:]
HUGE_CANVAS = bytes(4) + b"\xff\x3f\0\xff\x3f\0"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(riff((b"VP8 ", b"\x01" + LOSSY[1:])), "no VP8 key frame", id="no key frame"),
        pytest.param(riff((b"VP8 ", LOSSY[:4])), "no VP8 key frame", id="four bytes of a lossy one"),
        pytest.param(riff((b"VP8L", b"\x00" + LOSSLESS[1:])), "no VP8L stream", id="no lossless stream"),
        pytest.param(riff((b"VP8L", LOSSLESS[:3])), "no VP8L stream", id="three bytes of a lossless one"),
        pytest.param(riff((b"EXIF", b"")), "without picture data", id="no picture at all"),
        pytest.param(riff((b"VP8 ", LOSSY[:6] + bytes(4) + LOSSY[10:])), "without picture data", id="no size"),
        pytest.param(riff((b"VP8X", HUGE_CANVAS), (b"VP8 ", LOSSY)), "canvas of", id="a canvas that is no picture"),
        pytest.param(riff((b"VP8 ", LOSSY))[:16] + b"\xff" * 4 + LOSSY, "does not end", id="a chunk without an end"),
    ],
)
def test_a_damaged_webp_is_refused_with_what_is_wrong(data: bytes, message: str) -> None:
    for read in (probe, decode):
        with pytest.raises(PictureUnreadable, match=message):
            read(data, LIMITS)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(WHOLE)), st.integers(0, 10**6), st.integers(1, 255), st.integers(0, 10**6))
def test_a_changed_byte_gives_a_refusal_or_a_picture_of_the_stated_size(
    kind: str, place: int, change: int, other_place: int
) -> None:
    data = bytearray(WHOLE[kind])
    data[place % len(data)] ^= change
    data[other_place % len(data)] ^= 0x55
    try:
        picture = decode(bytes(data), LIMITS, at_least_px=(40, 40))
    except PictureError:
        return
    sides_px = (picture.info.height_px, picture.info.width_px)
    assert picture.pixels.shape == (*(math.ceil(side_px * picture.scale) for side_px in sides_px), 3)
