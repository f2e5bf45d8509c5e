"""Limits hold before anything is decoded."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pytest
from support.pictures import PNG_SIGNATURE, a_png, a_scene, encoded, png_chunk

from detector import jpeg_header, png_header, webp_header
from detector.image import Limits, PictureError, PictureFormatRefused, PictureTooLarge, decode, probe

DEFAULT = Limits()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("limits", "message"),
    [
        pytest.param(Limits(max_bytes=100), r"\d+ bytes are over max_bytes = 100", id="bytes"),
        pytest.param(Limits(max_side_px=59), "60 x 40 pixels is over max_side_px = 59", id="side"),
        pytest.param(Limits(max_pixels=2399), "60 x 40 pixels is over max_pixels = 2399", id="pixels"),
    ],
)
def test_a_picture_one_over_a_limit_is_refused_by_name(kind: str, limits: Limits, message: str) -> None:
    data = encoded(a_scene(60, 40), kind)
    for read in (probe, decode):
        with pytest.raises(PictureTooLarge, match=message) as caught:
            read(data, limits)
        assert caught.value.code == "picture_too_large"
        assert caught.value.message == str(caught.value)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_exactly_at_its_limits_is_read(kind: str) -> None:
    data = encoded(a_scene(60, 40), kind)
    limits = Limits(max_bytes=len(data), max_side_px=60, max_pixels=2400)
    assert decode(data, limits).pixels.shape == (40, 60, 3)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(encoded(a_scene(60, 40), "PNG"), id="PNG"),
        pytest.param(encoded(a_scene(60, 40), "WEBP"), id="WebP"),
        pytest.param(encoded(a_scene(60, 40), "JPEG", progressive=True), id="progressive JPEG"),
    ],
)
def test_a_picture_that_must_be_held_whole_needs_memory_for_it(data: bytes) -> None:
    for read in (probe, decode):
        with pytest.raises(PictureTooLarge, match=r"needs \d+ bytes to decode, over max_decode_bytes = 7000"):
            read(data, Limits(max_decode_bytes=7000))


def test_a_baseline_jpeg_over_the_memory_limit_is_still_read_at_reduced_scale() -> None:
    data = encoded(a_scene(400, 400), "JPEG")
    limits = Limits(max_decode_bytes=100_000)
    assert decode(data, limits, at_least_px=(100, 100)).pixels.shape == (100, 100, 3)
    with pytest.raises(PictureTooLarge, match="max_decode_bytes"):
        decode(data, limits)


def test_a_bomb_of_400_megapixels_is_refused_without_memory_or_time() -> None:
    bombs = [
        a_png(16_000, 16_000, depth=1, colour=0),
        encoded(np.zeros((20, 20, 3), np.uint8), "JPEG").replace(b"\x08\x00\x14\x00\x14", b"\x08\xfe\xff\xfe\xff"),
    ]
    for bomb in bombs:
        tracemalloc.start()
        started = time.thread_time()
        with pytest.raises(PictureTooLarge):
            decode(bomb, DEFAULT)
        took_s = time.thread_time() - started
        assert took_s < 0.2
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
        tracemalloc.stop()


def test_a_jpeg_of_very_many_scans_is_refused() -> None:
    data = encoded(a_scene(64, 64), "JPEG", progressive=True)
    scans = [segment for segment in jpeg_header._segments(data) if segment[0] == 0xDA]
    last_scan = data[scans[-1][1] - 4 : -2]
    more = data[:-2] + last_scan * (jpeg_header.MAX_SCANS + 1 - len(scans)) + data[-2:]
    with pytest.raises(PictureTooLarge, match="33 scans is over the limit of 32 scans"):
        probe(more, DEFAULT)


def test_a_jpeg_of_very_many_segments_is_refused() -> None:
    data = encoded(a_scene(64, 64), "JPEG")
    with pytest.raises(PictureTooLarge, match="more than 2000 segments"):
        probe(data[:2] + b"\xff\xfe\x00\x02" * jpeg_header.MAX_SEGMENTS + data[2:], DEFAULT)


def test_a_png_of_very_many_chunks_is_refused() -> None:
    with pytest.raises(PictureTooLarge, match="more than 20000 chunks"):
        probe(a_png(4, 4)[:33] + png_chunk(b"tEXt", b"") * png_header.MAX_CHUNKS, DEFAULT)


def test_a_webp_of_very_many_chunks_is_refused() -> None:
    chunks = b"JUNK\0\0\0\0" * webp_header.MAX_CHUNKS
    data = b"RIFF" + (len(chunks) + 4).to_bytes(4, "little") + b"WEBP" + chunks
    with pytest.raises(PictureTooLarge, match="more than 1000 chunks"):
        probe(data, DEFAULT)


@pytest.mark.parametrize("fill", [b"\xff", b"\xff\x00", b"\x00"])
@pytest.mark.parametrize("start", [encoded(a_scene(16, 16), "JPEG")[:-2], b"\xff\xd8\xff", PNG_SIGNATURE])
def test_25_megabytes_of_filling_take_no_time(start: bytes, fill: bytes) -> None:
    data = start + fill * (24_000_000 // len(fill))
    started = time.thread_time()
    with pytest.raises(PictureError):
        decode(data, DEFAULT)
    assert time.thread_time() - started < 1


@pytest.mark.parametrize("kind", [0xC3, 0xC5, 0xC9, 0xCA])
def test_jpegs_of_rare_kinds_are_refused(kind: int) -> None:
    data = encoded(a_scene(16, 16), "JPEG").replace(b"\xff\xc0", bytes([0xFF, kind]))
    with pytest.raises(PictureFormatRefused, match=rf"SOF{kind - 0xC0} "):
        probe(data, DEFAULT)


def test_a_jpeg_of_12_bits_is_refused() -> None:
    data = encoded(a_scene(16, 16), "JPEG").replace(b"\x08\x00\x10\x00\x10", b"\x0c\x00\x10\x00\x10")
    with pytest.raises(PictureFormatRefused, match="12 bits a sample"):
        probe(data, DEFAULT)
