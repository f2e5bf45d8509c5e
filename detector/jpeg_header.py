"""JPEG structure: enough of the markers to know what decoding would cost (ITU-T T.81, annex B)."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from detector import exif
from detector.picture_errors import PictureFormatRefused, PictureTooLarge, PictureUnreadable
from detector.picture_info import StoredPicture

_SOF_BASELINE, _SOF_EXTENDED, _SOF_PROGRESSIVE = 0xC0, 0xC1, 0xC2
_SOF_REFUSED = frozenset({0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
_EOI, _SOS, _APP1 = 0xD9, 0xDA, 0xE1
_WITHOUT_CONTENT = frozenset(range(0xD0, 0xD9))  # restarts and start; a decoder would not skip what follows them
# Usual progressive encoders write about 10 scans and 30 segments; each scan walks the whole picture again, so a small
# file with thousands of them would keep a core busy for minutes.
MAX_SCANS = 32
MAX_SEGMENTS = 2_000
_MARKER = re.compile(rb"\xff++([^\x00\xff])")
_MARKER_AFTER_SCAN = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")


class _Frame(NamedTuple):
    kind: int
    width_px: int
    height_px: int
    samples_per_pixel: float


def read_jpeg_header(data: bytes) -> StoredPicture:
    """The JPEG as stored; raises a PictureError where it is damaged, cut off or of a kind that is not read.

    Held are the coefficients of a progressive JPEG or one of several scans. Needed is all up to the end marker: other
    things (a film, a second picture) may follow it.
    """
    frame: _Frame | None = None
    orientation = 1
    scans = 0
    for marker, start, end in _segments(data):
        if marker in (_SOF_BASELINE, _SOF_EXTENDED, _SOF_PROGRESSIVE):
            if frame is not None:
                raise PictureUnreadable("JPEG with two frame headers")
            frame = _read_frame(marker, data[start:end])
        elif marker in _SOF_REFUSED:
            raise PictureFormatRefused(f"JPEG of kind SOF{marker - 0xC0} (only baseline and progressive are read)")
        elif marker == _APP1 and orientation == 1 and data.startswith(b"Exif\0\0", start):
            orientation = exif.orientation(data[start:end])
        elif marker == _SOS:
            scans += 1
    if frame is None or scans == 0:
        raise PictureUnreadable("JPEG without a frame header or without picture data")
    if scans > MAX_SCANS:
        raise PictureTooLarge(f"JPEG of {scans} scans is over the limit of {MAX_SCANS} scans")
    is_held = frame.kind == _SOF_PROGRESSIVE or scans > 1
    held = int(2 * frame.samples_per_pixel * frame.width_px * frame.height_px) if is_held else 0
    return StoredPicture(
        format="jpeg",
        width_px=frame.width_px,
        height_px=frame.height_px,
        orientation=orientation,
        held_bytes=held,
        needed=data[: end + 2],
    )


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of the content of each segment; the last one is the end marker with its own offset."""
    at = 2
    after_scan = False
    for _ in range(MAX_SEGMENTS):
        found = _MARKER_AFTER_SCAN.search(data, at) if after_scan else _MARKER.match(data, at)
        if found is None:
            raise PictureUnreadable(f"JPEG is cut off or damaged at byte {at} of {len(data)}: no marker")
        marker = found.group(1)[0]
        if marker == _EOI:
            yield marker, found.end() - 2, found.end() - 2
            return
        if marker < 0xC0 or marker in _WITHOUT_CONTENT:
            raise PictureUnreadable(f"JPEG is damaged: marker {marker:#04x} at byte {at} has no place there")
        at = found.end()
        length = int.from_bytes(data[at : at + 2], "big")
        if length < 2 or at + length > len(data):
            raise PictureUnreadable(f"JPEG is cut off or damaged in the segment at byte {at} of {len(data)}")
        yield marker, at + 2, at + length
        at += length
        after_scan = marker == _SOS or after_scan
    raise PictureTooLarge(f"JPEG of more than {MAX_SEGMENTS} segments")


def _read_frame(kind: int, content: bytes) -> _Frame:
    try:
        precision, height_px, width_px, components = struct.unpack_from(">BHHB", content)
        factors = [struct.unpack_from(">xBx", content, 6 + 3 * i)[0] for i in range(components)]
    except struct.error:
        raise PictureUnreadable("JPEG with a frame header that is too short") from None
    if precision != 8:
        raise PictureFormatRefused(f"JPEG of {precision} bits a sample (only 8 are read)")
    blocks = [(factor >> 4, factor & 15) for factor in factors]
    if not (width_px and height_px and blocks and all(h and v for h, v in blocks)):
        raise PictureUnreadable(f"JPEG of {width_px} x {height_px} pixels and {components} components")
    whole = max(h for h, _ in blocks) * max(v for _, v in blocks)
    return _Frame(kind, width_px, height_px, sum(h * v for h, v in blocks) / whole)
