"""Was a photograph taken from a screen? The stripes of a screen's dots against the pixels of a camera: moire in colour.

A natural picture has little colour at high frequencies and no peaks in it; red, green and blue stripes that are sampled
at a pitch of their own have. Peaks of the spectra of the two colour differences are measured over their surroundings;
the axes are left out, where the edges of buildings lie, and so are the multiples of 1/8, where JPEG blocks do.
"""

from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from detector.image import Pixels

Floats = NDArray[np.float32]

MOIRE_AT: Final = 1.3  # at and above it a picture is under suspicion; docs/closure.md says what that costs
_TILE_PX: Final = 256
_TILES: Final = (2, 3)  # down, across
_LOWEST, _HIGHEST = 0.08, 0.5  # cycles a pixel
_AXIS_BINS: Final = 3
_BLOCK_BINS: Final = _TILE_PX // 8
_PEAKS: Final = 2  # the strongest are averaged: one alone may be chance


def moire(pixels: Pixels) -> float:
    """How far colour peaks rise over their surroundings, natural logarithm; 0 for a picture too small to tell.

    The median over six parts of the picture, of the colour difference that shows more.
    """
    blue, green, red = (pixels[:, :, channel].astype(np.float32) for channel in range(3))
    return max(_of_difference(red - green), _of_difference(blue - green))


def _of_difference(plane: Floats) -> float:
    rises = [_peak_rise(tile) for tile in _tiles(plane)]
    return float(np.median(rises)) if rises else 0.0


def _tiles(plane: Floats) -> list[Floats]:
    height, width = plane.shape
    if min(height, width) < _TILE_PX:
        return []
    tops = np.linspace(0, height - _TILE_PX, _TILES[0]).astype(int)
    lefts = np.linspace(0, width - _TILE_PX, _TILES[1]).astype(int)
    return [plane[top : top + _TILE_PX, left : left + _TILE_PX] for top in tops for left in lefts]


def _peak_rise(tile: Floats) -> float:
    grain = (tile - cv2.blur(tile, (9, 9))) * _window()
    strength = np.log1p(np.abs(np.fft.fftshift(np.fft.rfft2(grain), axes=0))).astype(np.float32)
    around = cv2.blur(cv2.medianBlur(strength, 5), (15, 15))
    rise = (cv2.GaussianBlur(strength, (0, 0), 0.7) - around)[_searched()]
    return float(np.partition(rise, -_PEAKS)[-_PEAKS:].mean())


@cache
def _window() -> NDArray[np.float64]:
    """(256, 256) by which a tile fades out towards its rim."""
    return np.outer(np.hanning(_TILE_PX), np.hanning(_TILE_PX))


@cache
def _searched() -> NDArray[np.bool_]:
    """(256, 129) bool: the frequencies where a screen would show."""
    down = np.abs(np.arange(-_TILE_PX // 2, _TILE_PX // 2))[:, None]
    across = np.arange(_TILE_PX // 2 + 1)[None, :]
    far = np.hypot(down, across) / _TILE_PX
    off_axes = (down > _AXIS_BINS) & (across > _AXIS_BINS)
    return np.asarray(
        (far > _LOWEST) & (far < _HIGHEST) & off_axes & ~(_near_block(down) | _near_block(across)), np.bool_
    )


def _near_block(bins: NDArray[np.int64]) -> NDArray[np.bool_]:
    rest = bins % _BLOCK_BINS
    return np.asarray(np.minimum(rest, _BLOCK_BINS - rest) <= 1, np.bool_)
