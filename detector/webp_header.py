"""WebP structure: RIFF chunks and the size in the first bytes of the bit stream (RFC 9649)."""

from __future__ import annotations

from collections.abc import Iterator

from detector import exif
from detector.picture_errors import PictureFormatRefused, PictureTooLarge, PictureUnreadable
from detector.picture_info import StoredPicture

MAX_CHUNKS = 1_000
HELD_BYTES_PER_PIXEL = 11
_LOSSY, _LOSSLESS = b"VP8 ", b"VP8L"
_LOSSY_START = b"\x9d\x01\x2a"
_LOSSLESS_START = 0x2F


def read_webp_header(data: bytes) -> StoredPicture:
    """The WebP as stored; raises a PictureError where it is damaged, cut off or animated.

    Held is the whole picture with its alpha, in the decoder and while the alpha is applied (measured with OpenCV 5).
    """
    orientation = 1
    size: tuple[int, int] | None = None
    canvas: tuple[int, int] | None = None
    for name, start, end in _chunks(data):
        if name in (b"ANIM", b"ANMF"):
            raise PictureFormatRefused("animated WebP (a frame is one still picture)")
        if name == b"VP8X":
            canvas = _canvas_size(data[start:end])
        elif name == b"EXIF":
            orientation = exif.orientation(data[start:end])
        elif name in (_LOSSY, _LOSSLESS) and size is None:
            size = (_lossless_size if name == _LOSSLESS else _lossy_size)(data[start : min(end, start + 10)])
    if size is None or not (size[0] and size[1]):
        raise PictureUnreadable("WebP without picture data")
    if canvas is not None and canvas != size:
        raise PictureUnreadable(f"WebP whose canvas of {canvas} pixels is not the picture of {size}")
    return StoredPicture(
        format="webp",
        width_px=size[0],
        height_px=size[1],
        orientation=orientation,
        held_bytes=HELD_BYTES_PER_PIXEL * size[0] * size[1],
        needed=data,
    )


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of the content of each chunk."""
    file_end = 8 + int.from_bytes(data[4:8], "little")
    if file_end > len(data):
        raise PictureUnreadable(f"WebP is cut off: {len(data)} of {file_end} bytes")
    at = 12
    for _ in range(MAX_CHUNKS):
        if at + 8 > file_end:
            return
        end = at + 8 + int.from_bytes(data[at + 4 : at + 8], "little")
        if end > file_end:
            raise PictureUnreadable(f"WebP is damaged: its chunk at byte {at} does not end")
        yield data[at : at + 4], at + 8, end
        at = end + (end & 1)  # chunks start at even offsets
    raise PictureTooLarge(f"WebP of more than {MAX_CHUNKS} chunks")


def _canvas_size(content: bytes) -> tuple[int, int]:
    return int.from_bytes(content[4:7], "little") + 1, int.from_bytes(content[7:10], "little") + 1


def _lossy_size(start: bytes) -> tuple[int, int]:
    if start[3:6] != _LOSSY_START or start[0] & 1:
        raise PictureUnreadable("WebP whose picture data are no VP8 key frame")
    return int.from_bytes(start[6:8], "little") & 0x3FFF, int.from_bytes(start[8:10], "little") & 0x3FFF


def _lossless_size(start: bytes) -> tuple[int, int]:
    if len(start) < 5 or start[0] != _LOSSLESS_START:
        raise PictureUnreadable("WebP whose picture data are no VP8L stream")
    bits = int.from_bytes(start[1:5], "little")
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
