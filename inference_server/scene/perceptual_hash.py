"""A 256-bit hash of what a picture looks like: PDQ, written after its specification.

"The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", Facebook, 2019, sections "PDQ algorithm
description" and "Quality metric": luminance; two passes of a box filter along each side (a tent, after Jarosz); 64 x 64
samples; the 16 x 16 lowest frequencies of their cosine transform without the constant; one bit for each that is above
the median of all. Quality is the sum of the coarse gradients of the 64 x 64 samples. Turned and mirrored pictures have
the same coefficients in other places or with other signs, so all eight hashes cost little more than one.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from detector.image import Pixels

Floats = NDArray[np.float64]

_SAMPLES: Final = 64
_WAVES: Final = 16
_LUMINANCE: Final = np.array([0.114, 0.587, 0.299], np.float32)  # of blue, green, red
_QUALITY_STEPS: Final = 100.0 / 255.0  # gradients count in hundredths of the whole range, cut to whole numbers
_QUALITY_DIVISOR: Final = 90
_BEST_QUALITY: Final = 100


class Turn(StrEnum):
    """The eight ways to lay a picture; a quarter turn is counter-clockwise."""

    UPRIGHT = "upright"
    QUARTER = "quarter"
    HALF = "half"
    THREE_QUARTERS = "three_quarters"
    UPSIDE_DOWN = "upside_down"  # mirrored at the horizontal middle line
    MIRRORED = "mirrored"  # left and right exchanged
    TRANSPOSED = "transposed"
    ANTI_TRANSPOSED = "anti_transposed"


@dataclass(frozen=True, slots=True)
class PerceptualHash:
    """`value` has 32 bytes, the bit of the lowest frequencies last; `quality` lies in 0..100."""

    value: bytes
    quality: int


def perceptual_hash(pixels: Pixels) -> PerceptualHash:
    """The hash of a picture, `(H, W, 3)` uint8 BGR."""
    samples = _samples(pixels)
    return PerceptualHash(_hash(_waves(samples)), _quality(samples))


def turned_hashes(pixels: Pixels) -> dict[Turn, PerceptualHash]:
    """The hashes of the picture laid in all eight ways."""
    samples = _samples(pixels)
    waves, quality = _waves(samples), _quality(samples)
    return {turn: PerceptualHash(_hash(laid), quality) for turn, laid in _laid(waves).items()}


def _samples(pixels: Pixels) -> Floats:
    """`(64, 64)` luminances, each a smooth mean around its place."""
    luminance = cv2.transform(pixels.astype(np.float32), _LUMINANCE[None])
    samples: Floats = _smoothing(luminance.shape[0]) @ luminance @ _smoothing(luminance.shape[1]).T
    return samples


@lru_cache(maxsize=16)
def _smoothing(length: int) -> Floats:
    """`(64, length)` weights that take 64 samples along a side of a picture, after two passes of the box filter.

    The window of a place is half as wide as samples are apart; it holds the place itself, and one more ahead where it
    cannot be centred; there is less of it at the ends.
    """
    width = -(-length // (2 * _SAMPLES))
    ahead = (width + 2) // 2
    places = np.arange(length)
    first, after_last = np.maximum(places + ahead - width, 0), np.minimum(places + ahead, length)
    held = (first <= places[:, None]) & (places[:, None] < after_last)
    sums = np.zeros((length, length + 1))
    np.cumsum(np.where(held, 1.0 / (after_last - first), 0.0), axis=1, out=sums[:, 1:])
    sampled = ((np.arange(_SAMPLES) + 0.5) * length / _SAMPLES).astype(np.int64)
    first, after_last = first[sampled], after_last[sampled]
    return np.ascontiguousarray(((sums[:, after_last] - sums[:, first]) / (after_last - first)).T)


def _waves(samples: Floats) -> Floats:
    """`(16, 16)` of the cosine transform of type II: vertical frequencies 1..16 by horizontal ones."""
    frequencies, places = np.arange(1, _WAVES + 1)[:, None], np.arange(_SAMPLES)[None, :]
    basis = np.sqrt(2.0 / _SAMPLES) * np.cos(np.pi / (2 * _SAMPLES) * frequencies * (2 * places + 1))
    waves: Floats = basis @ samples @ basis.T
    return waves


def _hash(waves: Floats) -> bytes:
    values = waves.ravel()
    median = np.partition(values, values.size // 2 - 1)[values.size // 2 - 1]  # the lower of the two in the middle
    return np.packbits((values > median)[::-1]).tobytes()


def _quality(samples: Floats) -> int:
    gradients = sum(
        np.abs(np.trunc(np.diff(samples, axis=axis) * _QUALITY_STEPS)).sum() for axis in range(samples.ndim)
    )
    return min(int(gradients / _QUALITY_DIVISOR), _BEST_QUALITY)


def _laid(waves: Floats) -> dict[Turn, Floats]:
    """The coefficients of the picture laid in all eight ways: a mirroring turns the signs of the odd frequencies."""
    signs = np.where(np.arange(1, _WAVES + 1) % 2, -1.0, 1.0)
    across, down = waves * signs, waves * signs[:, None]
    both = across * signs[:, None]
    return {
        Turn.UPRIGHT: waves,
        Turn.QUARTER: across.T,
        Turn.HALF: both,
        Turn.THREE_QUARTERS: down.T,
        Turn.UPSIDE_DOWN: down,
        Turn.MIRRORED: across,
        Turn.TRANSPOSED: waves.T,
        Turn.ANTI_TRANSPOSED: both.T,
    }
