"""A photograph of a picture on a screen, rendered: sub-pixels, a camera a little aslant, blur, light, noise."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
_DOT_PX = 6  # rendered pixels for one dot of the screen: three stripes of two


def photographed_from_screen(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """The picture as a phone would take it from a screen, with some of the bezel or close up.

    The screen shows the picture at 320 to 480 dots along its long side; red, green and blue are stripes with dark gaps.
    The camera samples that at a pitch that is no whole number of dots, which makes the moire.
    """
    dots = int(rng.integers(320, 481))
    factor = dots / max(pixels.shape[:2])
    shown = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    lit = _lit(np.asarray(shown, np.uint8), rng)
    framed = _framed(lit, rng)
    taken = _taken(framed, max(pixels.shape[:2]), rng)
    return _sensed(taken, rng)


def _lit(shown: Pixels, rng: np.random.Generator) -> NDArray[np.float32]:
    """Linear light of the screen, `_DOT_PX` rendered pixels a dot."""
    linear = (shown.astype(np.float32) / 255) ** 2.2
    large = np.repeat(np.repeat(linear, _DOT_PX, 0), _DOT_PX, 1)
    stripes = np.full((_DOT_PX, _DOT_PX, 3), rng.uniform(0.08, 0.3), np.float32)
    for channel, column in ((2, 0), (1, 2), (0, 4)):
        stripes[:, column : column + 2, channel] = 1.0
    stripes[-1] *= rng.uniform(0.2, 0.7)
    return large * np.tile(stripes, (shown.shape[0], shown.shape[1], 1))


def _framed(lit: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """With a dark bezel and a bit of the room, or without."""
    if rng.random() < 0.5:
        return lit
    bezel = int(rng.uniform(0.01, 0.05) * lit.shape[1])
    with_bezel = cv2.copyMakeBorder(lit, *[bezel] * 4, cv2.BORDER_CONSTANT, value=(0.01, 0.01, 0.012))
    room = int(rng.uniform(0.0, 0.06) * lit.shape[1])
    colour = tuple(rng.uniform(0.05, 0.5, 3).tolist())
    return np.asarray(cv2.copyMakeBorder(with_bezel, *[room] * 4, cv2.BORDER_CONSTANT, value=colour), np.float32)


def _taken(lit: NDArray[np.float32], long_side_px: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Through the lens, aslant, onto a sensor of about the size of the original."""
    height, width = lit.shape[:2]
    factor = long_side_px * rng.uniform(0.85, 1.15) / max(height, width)
    size = (int(width * factor), int(height * factor))
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    aslant = corners + rng.uniform(-0.03, 0.03, (4, 2)).astype(np.float32) * (width, height)
    target = np.array([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]], np.float32)
    blur_px = rng.uniform(0.25, 0.5) / factor  # the lens and the area of a sensor's pixel, not enough to hide the grid
    soft = cv2.GaussianBlur(lit, (0, 0), blur_px)
    matrix = cv2.getPerspectiveTransform(aslant.astype(np.float32), target)
    return np.asarray(cv2.warpPerspective(soft, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _sensed(light: NDArray[np.float32], rng: np.random.Generator) -> Pixels:
    """Exposed, with a glow of the room on the glass, shot noise, and the camera's own curve."""
    width = light.shape[1]
    exposed = light * (0.6 / max(float(np.quantile(light, 0.97)), 1e-3))
    glow = np.linspace(0, 1, width, dtype=np.float32)[None, :, None] * np.float32(rng.uniform(0, 0.08))
    cast = rng.uniform(0.85, 1.15, 3).astype(np.float32)
    seen = np.clip((exposed + glow) * cast, 0, 1)
    noisy = seen + rng.normal(0, 1, seen.shape).astype(np.float32) * np.sqrt(seen * 2e-4 + 1e-5)
    return np.asarray(np.clip(noisy, 0, 1) ** (1 / rng.uniform(2.0, 2.4)) * 255, np.uint8)
