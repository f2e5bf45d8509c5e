"""Pictures made for tests, and Pillow's reading of them as the oracle."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

Pixels = NDArray[np.uint8]
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def a_scene(width_px: int, height_px: int, seed: int = 0) -> Pixels:
    """Soft coloured blobs, uint8 HWC BGR, different in every corner."""
    noise = np.random.default_rng(seed).random((height_px, width_px, 3), np.float32)
    soft = np.asarray(cv2.GaussianBlur(noise, (0, 0), max(width_px, height_px) / 20))
    stretched: Pixels = ((soft - soft.min()) / np.ptp(soft) * 255).astype(np.uint8)
    return stretched


def encoded(pixels: NDArray[Any], kind: str, mode: str | None = None, **options: Any) -> bytes:
    """The pixels, BGR, as Pillow writes them in this format and mode."""
    picture = Image.fromarray(np.ascontiguousarray(pixels[:, :, ::-1]))
    stream = io.BytesIO()
    (picture.convert(mode) if mode else picture).save(stream, kind, **options)
    return stream.getvalue()


def with_orientation(orientation: int) -> bytes:
    """An EXIF block that says how to turn the picture."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def read_by_pillow(data: bytes) -> Pixels:
    """The upright picture, uint8 HWC BGR, transparent parts on black."""
    with Image.open(io.BytesIO(data)) as opened:
        opened.load()
        for name in ("XML:com.adobe.xmp", "xmp"):  # browsers do not turn pictures by it either
            opened.info.pop(name, None)
        has_alpha = opened.has_transparency_data and opened.mode != "L"
        upright = ImageOps.exif_transpose(opened)
    if has_alpha:
        whole = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", whole.size, (0, 0, 0, 255)), whole)
    return np.asarray(upright.convert("RGB"))[:, :, ::-1]


def png_chunk(name: bytes, content: bytes) -> bytes:
    """One PNG chunk with its length and check sum."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def a_png(width_px: int, height_px: int, *, depth: int = 8, colour: int = 2, packed: bytes | None = None) -> bytes:
    """A black PNG of this header whose packed rows may be replaced by others."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colour, 3)
    row = bytes(1 + -(-width_px * channels * depth // 8))
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width_px, height_px, depth, colour, 0, 0, 0))
    rows = zlib.compress(row * height_px) if packed is None else packed
    return PNG_SIGNATURE + header + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")
