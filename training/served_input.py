"""The picture as the served network sees it, made by the detector's own decoder and letterbox."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from detector.image import Limits, decode
from detector.letterbox import PAD_VALUE, Letterbox


def served_input(picture: Path, height_px: int, width_px: int) -> np.ndarray:
    """Float32 array (1, 3, height, width), RGB in 0..1, of an encoded picture. Raises a detector PictureError."""
    frame_px = (width_px, height_px)
    decoded = decode(picture.read_bytes(), Limits(), at_least_px=frame_px)
    pixels = decoded.pixels
    letterbox = Letterbox.fit((pixels.shape[1], pixels.shape[0]), frame_px)
    return letterbox.apply(decoded, PAD_VALUE)
