"""Bytes of a JPEG, PNG or WebP to upright pixels, at the scale that is needed and within limits.

What is decided here:

* Limits are checked on the headers, before a decoder sees the file.
* A truncated or damaged picture is refused whole: none of its pixels are given out, grey filling or leftovers least.
* Animated pictures are refused: a frame is one instant.
* Transparent parts become black, what a person sees on a black page. (A grey PNG's colour key is ignored.)
* 16-bit samples lose their low byte; colour profiles are not applied; CMYK is converted as Pillow does.
* All eight EXIF orientations are applied, from EXIF blocks only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from detector.jpeg_header import read_jpeg_header
from detector.picture_errors import PictureError, PictureFormatRefused, PictureTooLarge, PictureUnreadable
from detector.picture_info import (
    TURNED_ORIENTATIONS,
    Limits,
    PictureInfo,
    StoredPicture,
    demand_bytes_within,
    demand_size_within,
)
from detector.png_header import SIGNATURE, read_png_header
from detector.webp_header import read_webp_header

__all__ = [
    "Limits",
    "Picture",
    "PictureError",
    "PictureFormatRefused",
    "PictureInfo",
    "PictureTooLarge",
    "PictureUnreadable",
    "Pixels",
    "decode",
    "probe",
]

Pixels = NDArray[np.uint8]
_EIGHTHS = 8
# libjpeg decodes at any k/8 of the size, but only for these it has fast code: of a 1080p frame 4/8 takes 4.5 ms, 3/8
# 5.1, 8/8 5.6 and 7/8 12.2. 4/8 also gives boxes nearer to those of full-scale decoding than 3/8.
_FAST_EIGHTHS = (1, 2, 4, 8)
_SMALLEST_REDUCED_PX = 16  # below this two scales can give the same size
_JUNK_BEFORE_END = re.compile(r"\b(\d{1,2}) extraneous bytes before marker 0xd9")


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded picture, upright.

    pixels: `(H, W, 3)` uint8 BGR, possibly smaller than the picture.
    scale: decoded pixels per pixel of the full-size picture, 1/8 to 1, the same along both sides.
    info: the full-size picture.
    """

    pixels: Pixels
    scale: float
    info: PictureInfo


def probe(data: bytes, limits: Limits) -> PictureInfo:
    """Format and upright size of a picture, from its headers alone; raises a PictureError as `decode` would.

    Damage that only shows in the picture data is found by `decode`.
    """
    return _read_headers(data, limits).upright()


def decode(data: bytes, limits: Limits, at_least_px: tuple[int, int] | None = None) -> Picture:
    """The picture, upright, at full size or reduced.

    at_least_px: width and height of a frame, upright. A JPEG is then decoded at the smallest of 1/8, 1/4, 1/2 and 1 of
    its size that still fills the frame when fitted into it; other formats know no reduced decoding.
    Raises PictureTooLarge, PictureFormatRefused or PictureUnreadable.
    """
    stored = _read_headers(data, limits)
    info = stored.upright()
    if stored.format == "jpeg":
        eighths = _eighths(info, at_least_px)
        size_px = (_reduced(stored.width_px, eighths), _reduced(stored.height_px, eighths))
        demand_size_within(*size_px, stored.held_bytes + 3 * size_px[0] * size_px[1], limits)
        pixels = _decode_jpeg(stored.needed, size_px)
    else:
        eighths, size_px = _EIGHTHS, (stored.width_px, stored.height_px)
        pixels = _decode_whole(stored.needed)
    _demand_size((pixels.shape[1], pixels.shape[0]), size_px)
    return Picture(_turned_upright(pixels, stored.orientation), eighths / _EIGHTHS, info)


def _read_headers(data: bytes, limits: Limits) -> StoredPicture:
    demand_bytes_within(len(data), limits)
    if data.startswith(b"\xff\xd8\xff"):
        stored = read_jpeg_header(data)
    elif data.startswith(SIGNATURE):
        stored = read_png_header(data)
    elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        stored = read_webp_header(data)
    else:
        raise PictureFormatRefused("not a JPEG, PNG or WebP by its first bytes")
    demand_size_within(stored.width_px, stored.height_px, stored.held_bytes, limits)
    return stored


def _eighths(info: PictureInfo, at_least_px: tuple[int, int] | None) -> int:
    """The least fast k for which k/8 of the picture, fitted into the frame, need not be enlarged; 8 for no frame."""
    if at_least_px is None or max(info.width_px, info.height_px) < _SMALLEST_REDUCED_PX:
        return _EIGHTHS
    needed = min(at_least_px[0] / info.width_px, at_least_px[1] / info.height_px) * _EIGHTHS
    return next((eighths for eighths in _FAST_EIGHTHS if eighths >= needed), _EIGHTHS)


def _reduced(side_px: int, eighths: int) -> int:
    return -(-side_px * eighths // _EIGHTHS)


def _decode_jpeg(data: bytes, size_px: tuple[int, int], is_mended: bool = False) -> Pixels:
    least = {"min_width": size_px[0], "min_height": size_px[1], "strict": True}
    try:
        height_px, width_px, *_ = simplejpeg.decode_jpeg_header(data, **least)
        _demand_size((width_px, height_px), size_px)
        pixels: Pixels = simplejpeg.decode_jpeg(data, "BGR", **least)
        return pixels
    except ValueError as error:
        # Cheap cameras leave a few bytes before the end mark. Only the first fault is told, so without those bytes the
        # picture is read again, as strictly as before.
        junk = None if is_mended else _JUNK_BEFORE_END.search(str(error))
        if junk is None:
            raise PictureUnreadable(f"JPEG is cut off or damaged: {error}") from None
    end_at = len(data) - 2
    return _decode_jpeg(data[: end_at - int(junk.group(1))] + data[end_at:], size_px, is_mended=True)


def _demand_size(found_px: tuple[int, int], allowed_px: tuple[int, int]) -> None:
    # A file may be built so that two readers of its headers disagree; the size that was allowed is the one that counts.
    if found_px != allowed_px:
        raise PictureUnreadable(f"the decoder finds {found_px} pixels, the header states {allowed_px}")


def _decode_whole(data: bytes) -> Pixels:
    try:
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise PictureUnreadable(f"the picture is damaged: {error.err}") from None
    if decoded is None:
        raise PictureUnreadable("the picture is cut off or damaged")
    return _as_bgr(decoded)


def _as_bgr(decoded: NDArray[Any]) -> Pixels:
    """`(H, W, 3)` uint8 of `(H, W)`, `(H, W, 3)` or `(H, W, 4)` samples of 8 or 16 bits."""
    samples = (decoded >> 8).astype(np.uint8) if decoded.dtype == np.uint16 else decoded.astype(np.uint8, copy=False)
    if samples.ndim == 2:
        return np.asarray(cv2.cvtColor(samples, cv2.COLOR_GRAY2BGR), np.uint8)
    if samples.shape[2] == 3:
        return samples
    colours = np.ascontiguousarray(samples[:, :, :3])
    alpha = cv2.cvtColor(np.ascontiguousarray(samples[:, :, 3]), cv2.COLOR_GRAY2BGR)
    return np.asarray(cv2.multiply(colours, alpha, dst=colours, scale=1 / 255), np.uint8)


def _turned_upright(pixels: Pixels, orientation: int) -> Pixels:
    """The picture after undoing what EXIF 2.3 calls orientation 1..8."""
    if orientation in TURNED_ORIENTATIONS:
        pixels = np.asarray(cv2.transpose(pixels), np.uint8)
    # after the transpose, what is left of each orientation is a mirroring
    flip_code = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(orientation)
    return pixels if flip_code is None else np.asarray(cv2.flip(pixels, flip_code), np.uint8)
