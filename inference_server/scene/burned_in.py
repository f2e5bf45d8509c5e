"""Words and time stamps that a camera or an editor wrote over a photograph.

They match themselves between any two pictures, so they may not speak for a place. What gives them away: flat letters of
one saturated tone, sharp at their rim, of like height, in a row.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detector.image import Pixels

Flags = NDArray[np.bool_]
Columns = NDArray[np.int64]

_WHITE, _BLACK = 235, 20  # letters are burned in at the end of the scale
_STAMP_LOW, _STAMP_HIGH = (8, 140, 170), (35, 255, 255)  # HSV of the orange and yellow of camera time stamps
_LEAST_HEIGHT_PX, _MOST_HEIGHT_SHARE = 8, 0.25
_LEAST_LETTERS = 4
_MOST_STROKE_SHARE = 0.32  # of a letter's height
_LEAST_RIM = 45.0  # levels of any colour between a letter and what is right beside it


@dataclass(frozen=True, slots=True)
class _Letters:
    """Components that may be letters: columns of left, top, width, height."""

    boxes: Columns

    def rows(self) -> list[Columns]:
        """Groups of boxes in a row: like heights, overlapping in height, near each other."""
        left_over, rows = list(self.boxes[np.argsort(self.boxes[:, 0])]), []
        while left_over:
            row: list[Columns] = [left_over[0]]
            rest: list[Columns] = []
            for box in left_over[1:]:
                (row if _continues(row[-1], box) else rest).append(box)
            rows.append(np.array(row))
            left_over = rest
        return [row for row in rows if len(row) >= _LEAST_LETTERS]


def burned_in_text(pixels: Pixels) -> Flags:
    """(H, W) bool: true on and closely around burned-in letters of (H, W, 3) uint8 BGR pixels."""
    grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)
    found = np.zeros(grey.shape, np.bool_)
    coloured = cv2.inRange(cv2.cvtColor(pixels, cv2.COLOR_BGR2HSV), np.array(_STAMP_LOW), np.array(_STAMP_HIGH))
    for tone in (grey >= _WHITE, grey <= _BLACK, coloured > 0):
        for row in _letters(tone, pixels).rows():
            margin = int(row[:, 3].max()) // 3
            x1, y1 = np.maximum(row[:, :2].min(axis=0) - margin, 0)
            x2, y2 = (row[:, :2] + row[:, 2:]).max(axis=0) + margin
            found[y1:y2, x1:x2] = True
    return found


def _letters(tone: Flags, pixels: Pixels) -> _Letters:
    flat = tone.astype(np.uint8)
    _, labels, found, _ = cv2.connectedComponentsWithStats(flat, connectivity=8)
    stats = np.asarray(found, np.int32)
    likely = _of_a_letters_shape(stats, pixels.shape[0])
    if not len(likely):
        return _Letters(np.zeros((0, 4), np.int64))
    maps = (np.asarray(labels, np.int32), np.asarray(cv2.distanceTransform(flat, cv2.DIST_L2, 3), np.float32), pixels)
    boxes = [stats[label, :4] for label in likely if _is_letter(stats[label], label, maps)]
    return _Letters(np.array(boxes, np.int64).reshape(-1, 4))


def _of_a_letters_shape(stats: NDArray[np.int32], picture_px: int) -> list[int]:
    """The components whose height, width and area a letter may have: a street has thousands of specks."""
    width, height, area = stats[1:, 2], stats[1:, 3], stats[1:, 4]
    is_sized = (height >= _LEAST_HEIGHT_PX) & (height <= _MOST_HEIGHT_SHARE * picture_px) & (width <= 1.6 * height)
    filled = area / (width * height)
    return (1 + np.flatnonzero(is_sized & (filled >= 0.1) & (filled <= 0.95))).tolist()


def _is_letter(
    stats: NDArray[np.int32], label: int, maps: tuple[NDArray[np.int32], NDArray[np.float32], Pixels]
) -> bool:
    left, top, width, height, _ = (int(value) for value in stats)
    labels, inside, pixels = maps
    window = np.s_[max(top - 2, 0) : top + height + 2, max(left - 2, 0) : left + width + 2]
    own = labels[window] == label
    if 2.0 * inside[window][own].max() > _MOST_STROKE_SHARE * height:
        return False
    around = cv2.dilate(own.astype(np.uint8), np.ones((5, 5), np.uint8)) - own.astype(np.uint8)
    apart = pixels[window][own].mean(axis=0) - np.median(pixels[window][around > 0], axis=0)
    return bool(np.abs(apart).max() >= _LEAST_RIM)


def _continues(letter: Columns, box: Columns) -> bool:
    """Whether `box` may follow `letter` in a row of text."""
    heights = sorted((letter[3], box[3]))
    gap = box[0] - (letter[0] + letter[2])
    bottoms = abs((letter[1] + letter[3]) - (box[1] + box[3]))
    return bool(
        heights[1] <= 2.0 * heights[0] and -0.3 * heights[1] <= gap <= heights[1] and bottoms <= 0.3 * heights[1]
    )
