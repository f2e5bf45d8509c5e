"""What may be decoded, and what a picture's headers say before anything is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from detector.picture_errors import PictureTooLarge

Format = Literal["jpeg", "png", "webp"]
TURNED_ORIENTATIONS = frozenset({5, 6, 7, 8})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The largest picture that is decoded; everything here is checked before decoding.

    max_decode_bytes bounds the decoder's own memory: a JPEG at reduced scale needs little, but a progressive JPEG, a
    PNG or a WebP of the same size is held whole. The JPEG of most pixels still fits at full scale.
    """

    max_bytes: int = 25_000_000
    max_pixels: int = 50_000_000
    max_side_px: int = 16_384
    max_decode_bytes: int = 160_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureInfo:
    """A picture as a viewer sees it: width and height are those of the upright picture.

    orientation: the EXIF value 1..8 that was applied to make it upright.
    """

    format: Format
    width_px: int
    height_px: int
    orientation: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPicture:
    """A picture as its file stores it, before it is turned upright.

    held_bytes: what the decoder must hold even when only a reduced picture is asked for.
    needed: the part of the file that decides the pixels, the only part that a decoder is given.
    """

    format: Format
    width_px: int
    height_px: int
    orientation: int
    held_bytes: int
    needed: bytes = field(repr=False)

    def upright(self) -> PictureInfo:
        """What a viewer sees.

        >>> size = {"width_px": 640, "height_px": 480}
        >>> StoredPicture(format="jpeg", **size, orientation=6, held_bytes=0, needed=b"").upright().width_px
        480
        """
        width_px, height_px = self.width_px, self.height_px
        if self.orientation in TURNED_ORIENTATIONS:
            width_px, height_px = height_px, width_px
        return PictureInfo(format=self.format, width_px=width_px, height_px=height_px, orientation=self.orientation)


def demand_bytes_within(count: int, limits: Limits) -> None:
    """Nothing; raises PictureTooLarge for a file of `count` bytes over the limit."""
    if count > limits.max_bytes:
        raise PictureTooLarge(f"{count} bytes are over max_bytes = {limits.max_bytes}")


def demand_size_within(width_px: int, height_px: int, held_bytes: int, limits: Limits) -> None:
    """Nothing; raises PictureTooLarge for a picture whose side, area or memory is over a limit."""
    size = f"a picture of {width_px} x {height_px} pixels"
    if max(width_px, height_px) > limits.max_side_px:
        raise PictureTooLarge(f"{size} is over max_side_px = {limits.max_side_px}")
    if width_px * height_px > limits.max_pixels:
        raise PictureTooLarge(f"{size} is over max_pixels = {limits.max_pixels}")
    if held_bytes > limits.max_decode_bytes:
        need = f"needs {held_bytes} bytes to decode"
        raise PictureTooLarge(f"{size} {need}, over max_decode_bytes = {limits.max_decode_bytes}")
