"""Bars, borders and lines that an editor put around, under or between photographs.

They are alike in all pictures of one maker, and so are the words in them. What gives them away: pure white or black,
and long straight edges.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from detector.image import Pixels

Flags = NDArray[np.bool_]

_WHITE, _BLACK = 240, 10
_LEAST_LENGTH_SHARE = 0.3  # of the picture's shorter side: the least length of an edge
_LEAST_BAR_SHARE = 0.6  # of the side it runs along: the least length of a bar
_THICK_SHARE = 0.02  # of the longer side: the least thickness of a bar
_MARGIN_SHARE = 0.015  # of the longer side, on both sides of an edge
_LETTER_SHARE = 0.03


def bars(pixels: Pixels) -> Flags:
    """(H, W) bool: true on bars of (H, W, 3) uint8 BGR pixels and around long straight edges of pure white or black."""
    grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)
    found = np.zeros(grey.shape, np.uint8)
    margin = max(3, round(_MARGIN_SHARE * max(grey.shape)))
    for tone in (grey >= _WHITE, grey <= _BLACK):
        pure = cv2.morphologyEx(tone.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
        if pure.any():
            _draw_edges(np.asarray(pure, np.uint8), found, margin)
            _draw_bars(np.asarray(pure, np.uint8), found, margin)
    return np.asarray(found > 0, np.bool_)


def _draw_edges(pure: Pixels, found: Pixels, margin: int) -> None:
    rim = cv2.morphologyEx(pure, cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8)) * 255
    least = round(_LEAST_LENGTH_SHARE * min(pure.shape))
    lines = cv2.HoughLinesP(rim, 1, np.pi / 180, max(10, least // 2), minLineLength=max(12, least), maxLineGap=6)
    for x1, y1, x2, y2 in [] if lines is None else np.asarray(lines).reshape(-1, 4).tolist():
        cv2.line(found, (int(x1), int(y1)), (int(x2), int(y2)), 1, 2 * margin)


def _draw_bars(pure: Pixels, found: Pixels, margin: int) -> None:
    """Upright and level bars along most of a side, with all that is written in them."""
    high, wide = pure.shape
    letter, thick = max(3, round(_LETTER_SHARE * max(pure.shape))), max(3, round(_THICK_SHARE * max(pure.shape)))
    filled = cv2.morphologyEx(pure, cv2.MORPH_CLOSE, np.ones((letter, letter), np.uint8))
    around = np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)
    for along, length in ((1, round(_LEAST_BAR_SHARE * wide)), (0, round(_LEAST_BAR_SHARE * high))):
        if int(filled.sum(axis=along, dtype=np.uint32).max()) < length // 2:
            continue  # beyond its edge a picture counts as filled, but half of a bar lies inside
        shape = (thick, length) if along else (length, thick)
        bar = cv2.morphologyEx(filled, cv2.MORPH_OPEN, np.ones((max(1, shape[0]), max(1, shape[1])), np.uint8))
        np.maximum(found, cv2.dilate(bar, around), out=found)
