"""Seamless random textures."""

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Plane = NDArray[np.float32]


def smooth(rng: Generator, size_px: tuple[int, int], cells: tuple[int, int]) -> Plane:
    """Smooth noise `(height, width)` of mean 0 and deviation about 1 that repeats seamlessly; `cells` random knots."""
    knots = rng.normal(0, 1.3, cells).astype(np.float32)
    wrapped = np.pad(knots, 2, mode="wrap")
    fy, fx = size_px[0] / cells[0], size_px[1] / cells[1]
    whole = cv2.resize(wrapped, (round((cells[1] + 4) * fx), round((cells[0] + 4) * fy)), interpolation=cv2.INTER_CUBIC)
    y, x = round(2 * fy), round(2 * fx)
    return np.asarray(whole[y : y + size_px[0], x : x + size_px[1]], dtype=np.float32)


def layered(rng: Generator, size_px: tuple[int, int], first_cells: int, octaves: int) -> Plane:
    """Seamless noise `(height, width)` of several scales, each half as strong as the one before."""
    total = np.zeros(size_px, dtype=np.float32)
    for octave in range(octaves):
        cells = min(first_cells * 2**octave, min(size_px))
        total += smooth(rng, size_px, (cells, cells)) * 0.5**octave
    return total


def tinted(plane: Plane, colour: tuple[float, float, float] | NDArray[np.float64]) -> NDArray[np.uint8]:
    """A picture (uint8 HWC BGR) of a colour made brighter and darker by a plane of shares (1 = as is)."""
    rows = plane[:, :, None] * np.asarray(colour, dtype=np.float32)
    return np.asarray(np.clip(rows, 0, 255), dtype=np.uint8)
