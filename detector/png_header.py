"""PNG structure: the chunks that make the picture, without the ones that only cost (PNG 3rd edition, section 11)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from detector import exif
from detector.picture_errors import PictureFormatRefused, PictureTooLarge, PictureUnreadable
from detector.picture_info import StoredPicture

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_CHUNKS = 20_000
_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}  # colour type -> channels as decoded (a palette is expanded)
_PALETTE = 3
_BGR_BYTES, _CONVERTED_BYTES = 3, 4
_NEEDED = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})


def read_png_header(data: bytes) -> StoredPicture:
    """The PNG as stored; raises a PictureError where it is damaged, cut off or animated.

    Held is the whole picture at its full depth and with its alpha, twice, and once more unless it comes out as 8-bit
    RGB (measured with OpenCV 5). Needed are only the chunks that decide the pixels: a text or colour profile chunk that
    unpacks to gigabytes never reaches the decoder.
    """
    orientation, has_key = 1, False
    kept = [SIGNATURE]
    for name, start, end in _chunks(data):
        if name == b"acTL":
            raise PictureFormatRefused("animated PNG (a frame is one still picture)")
        if name == b"eXIf":
            orientation = exif.orientation(data[start:end])
        has_key = has_key or name == b"tRNS"
        if name in _NEEDED:
            kept.append(data[start - 8 : end + 4])
    width_px, height_px, pixel_bytes = _read_ihdr(kept[1], has_key)
    return StoredPicture(
        format="png",
        width_px=width_px,
        height_px=height_px,
        orientation=orientation,
        held_bytes=width_px * height_px * (2 * pixel_bytes + (0 if pixel_bytes == _BGR_BYTES else _CONVERTED_BYTES)),
        needed=b"".join(kept),
    )


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of the content of each chunk, from IHDR to IEND."""
    at = len(SIGNATURE)
    for index in range(MAX_CHUNKS):
        length = int.from_bytes(data[at : at + 4], "big")
        name = data[at + 4 : at + 8]
        end = at + 8 + length
        if end + 4 > len(data):
            raise PictureUnreadable(f"PNG is cut off at byte {len(data)}: its chunk at byte {at} does not end")
        if (index == 0) != (name == b"IHDR"):
            raise PictureUnreadable("PNG whose header chunk is not the first and only one")
        yield name, at + 8, end
        if name == b"IEND":
            return
        at = end + 4
    raise PictureTooLarge(f"PNG of more than {MAX_CHUNKS} chunks")


def _read_ihdr(chunk: bytes, has_key: bool) -> tuple[int, int, int]:
    """Width, height and bytes of one decoded pixel."""
    if len(chunk) != 25:
        raise PictureUnreadable("PNG with a header chunk of the wrong length")
    width_px, height_px, depth, colour = struct.unpack_from(">IIBB", chunk, 8)
    if not (width_px and height_px and colour in _CHANNELS and depth in (1, 2, 4, 8, 16)):
        raise PictureUnreadable(f"PNG of {width_px} x {height_px} pixels, {depth} bits, colour type {colour}")
    channels = 4 if has_key or colour == 4 else _CHANNELS[colour]
    return width_px, height_px, channels * (2 if depth == 16 and colour != _PALETTE else 1)
