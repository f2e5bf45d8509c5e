"""The one EXIF tag that changes where things are in a picture.

Read here in a few lines instead of by Pillow, whose reader may decode the whole picture first (PNG), warns through a
filter that is not safe between threads, and follows every pointer of a hostile block.
Only EXIF blocks count, as in browsers: an orientation in XMP or in a PNG text chunk is ignored.
"""

from __future__ import annotations

import struct
from typing import Literal

_ORIENTATION_TAG = 0x0112
_SHORT, _LONG = 3, 4
_ENTRY_BYTES = 12


def orientation(block: bytes) -> int:
    """The orientation 1..8 of an EXIF block; 1 where the block has none, a wrong one, or is damaged.

    The block is a TIFF header and its first directory, with or without the `Exif` mark of JPEG before it
    (EXIF 2.3, section 4.6.4 tag 274).

    >>> orientation(b"II*\\0\\x08\\0\\0\\0" + b"\\x01\\0" + b"\\x12\\x01\\x03\\0\\x01\\0\\0\\0\\x06\\0\\0\\0")
    6
    >>> orientation(b"nonsense")
    1
    """
    tiff = block.removeprefix(b"Exif\0\0")
    order: Literal["<", ">"]
    if tiff[:4] == b"II*\0":
        order = "<"
    elif tiff[:4] == b"MM\0*":
        order = ">"
    else:
        return 1
    try:
        value = _tag_value(tiff, order)
    except struct.error:  # a directory that points or runs past the end of the block
        return 1
    return value if 1 <= value <= 8 else 1


def _tag_value(tiff: bytes, order: Literal["<", ">"]) -> int:
    (directory_at,) = struct.unpack_from(order + "I", tiff, 4)
    (count,) = struct.unpack_from(order + "H", tiff, directory_at)
    for index in range(count):
        entry_at = directory_at + 2 + index * _ENTRY_BYTES
        tag, kind = struct.unpack_from(order + "HH", tiff, entry_at)
        if tag == _ORIENTATION_TAG and kind in (_SHORT, _LONG):
            (value,) = struct.unpack_from(order + ("H" if kind == _SHORT else "I"), tiff, entry_at + 8)
            return int(value)
    return 1
