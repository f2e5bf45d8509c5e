"""Every awkward or malicious file of the shared collection: a clear refusal or the right picture, at once."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import psutil  # type: ignore[import-untyped]
import pytest
from support.pictures import read_by_pillow

from detector.image import Limits, Picture, PictureError, decode

pytestmark = [pytest.mark.shared, pytest.mark.filterwarnings("ignore::UserWarning")]
LIMITS = Limits()
NETWORK_PX = (640, 384)


def decode_or_refusal(data: bytes, at_least_px: tuple[int, int] | None = None) -> Picture | PictureError:
    try:
        return decode(data, LIMITS, at_least_px)
    except PictureError as refusal:
        return refusal


@pytest.fixture
def hostile(shared: Path) -> list[Path]:
    files = sorted(path for path in (shared / "hostile").iterdir() if path.is_file())
    assert len(files) > 150
    return files


def test_each_is_refused_clearly_or_read_within_a_second(hostile: list[Path]) -> None:
    slow, codes = [], set()
    for path in hostile:
        data = path.read_bytes()
        for at_least_px in (None, NETWORK_PX):
            started = time.thread_time()
            found = decode_or_refusal(data, at_least_px)
            if time.thread_time() - started >= 1:
                slow.append(path.name)
            if isinstance(found, PictureError):
                assert found.message
                codes.add(found.code)
    assert slow == []
    assert codes == {"picture_too_large", "picture_format_refused", "picture_unreadable"}


def test_each_one_that_is_read_is_the_upright_picture_that_pillow_reads(hostile: list[Path]) -> None:
    read, wrong = 0, []
    for path in hostile:
        data = path.read_bytes()
        found = decode_or_refusal(data)
        if isinstance(found, PictureError) or path.name == "python_png_decompression_dos.png":  # Pillow refuses it
            continue
        read += 1
        oracle = read_by_pillow(data)
        # CMYK is converted with other roundings, all else must agree to the bit
        if found.pixels.shape != oracle.shape or np.abs(found.pixels.astype(int) - oracle).max() > 2:
            wrong.append(path.name)
    assert wrong == []
    assert read > 100


def test_each_one_that_pillow_finds_truncated_is_refused(hostile: list[Path]) -> None:
    truncated = [path for path in hostile if "truncated" in path.name]
    still_read = []
    for path in truncated:
        data = path.read_bytes()
        try:
            read_by_pillow(data)
        except (OSError, SyntaxError):
            if isinstance(decode_or_refusal(data), Picture):
                still_read.append(path.name)
    assert len(truncated) >= 6
    assert still_read == []


def test_none_shows_what_lay_in_memory_before_it(hostile: list[Path]) -> None:
    for path in hostile:
        first = decode_or_refusal(path.read_bytes(), NETWORK_PX)
        if isinstance(first, PictureError):
            continue
        dirt = [np.full_like(first.pixels, 201) for _ in range(3)]  # what a careless decoder would give out
        del dirt
        again = decode_or_refusal(path.read_bytes(), NETWORK_PX)
        assert isinstance(again, Picture)
        np.testing.assert_array_equal(again.pixels, first.pixels)


def test_memory_stays_bounded_over_all_of_them(hostile: list[Path]) -> None:
    process = psutil.Process()
    before_bytes = process.memory_info().rss
    for path in hostile:
        decode_or_refusal(path.read_bytes(), NETWORK_PX)
    assert process.memory_info().rss - before_bytes < 100_000_000
