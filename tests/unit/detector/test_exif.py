"""The orientation of an EXIF block, with Pillow as the oracle."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from detector.exif import orientation


def a_block(order: str, *entries: tuple[int, int, int]) -> bytes:
    """A TIFF header and one directory of (tag, type, value)."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    body = struct.pack(order + "IH", 8, len(entries))
    for tag, kind, value in entries:
        body += struct.pack(order + "HHI", tag, kind, 1)
        body += struct.pack(order + ("HH" if kind == 3 else "I"), *((value, 0) if kind == 3 else (value,)))
    return mark + body + bytes(4)


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("mark", [b"", b"Exif\0\0"])
def test_what_pillow_writes_is_read_back(value: int, mark: bytes) -> None:
    block = Image.Exif()
    block[0x010F] = "a maker"
    block[0x0112] = value
    assert orientation(mark + block.tobytes().removeprefix(b"Exif\0\0")) == value


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param([(0x0112, 3, 6)], 6, id="a short"),
        pytest.param([(0x0112, 4, 8)], 8, id="a long, as a few writers have it"),
        pytest.param([(0x010F, 4, 1), (0x0112, 3, 3)], 3, id="after another tag"),
        pytest.param([(0x0112, 3, 0)], 1, id="nought is no orientation"),
        pytest.param([(0x0112, 3, 9)], 1, id="nine is no orientation"),
        pytest.param([(0x0112, 2, 6)], 1, id="a text is no orientation"),
        pytest.param([], 1, id="an empty directory"),
    ],
)
def test_orientation_of_a_directory_with(order: str, entries: list[tuple[int, int, int]], expected: int) -> None:
    assert orientation(a_block(order, *entries)) == expected


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"II*\0", id="a mark and no more"),
        pytest.param(b"II*\0\xff\xff\xff\xff", id="a directory far outside"),
        pytest.param(a_block("<", (0x010F, 3, 1), (0x0112, 3, 6))[:20], id="a directory cut off"),
        pytest.param(b"MM*\0" + bytes(20), id="mixed byte orders"),
    ],
)
def test_a_damaged_block_leaves_the_picture_as_it_is(block: bytes) -> None:
    assert orientation(block) == 1


@given(st.binary(max_size=60), st.sampled_from([b"", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"]))
def test_no_block_is_an_error(block: bytes, start: bytes) -> None:
    assert 1 <= orientation(start + block) <= 8
