"""Does one photograph lie in another pixel for pixel? No hand holds a camera so twice; an edited picture stays so.

A picture that a generator has drawn anew agrees with the original neither in grain nor everywhere, but what it left
alone stays where it was. Straight edges do not count: the lines of a road agree with those of any other frame.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from inference_server.scene.correlation import (
    AT_STEPS,
    COARSE,
    STEP_PX,
    Floats,
    cornerness,
    correlation,
    patches_of,
)
from inference_server.scene.registration import Plate

_AGREE_ABOVE, _DISAGREE_BELOW = 0.8, 0.5
_LEAST_CORNERNESS: Final = 0.1
_LEAST_PLACES: Final = 100
_SAME_SHAPE: Final = 0.03  # difference of the ratios of the sides


@dataclass(frozen=True, slots=True)
class InPlace:
    """share: of the places with corners, 0..1, that agree where they are. changed: of all that have texture, the share
    in the largest patch that does not. moved: boxes of vehicles and persons that are in one of them only."""

    share: float
    changed: float
    moved: int


NOT_IN_PLACE: Final = InPlace(0.0, 1.0, 0)


def in_place(before: Plate, after: Plate) -> InPlace:
    """How much of the one photograph lies unmoved in the other, at whatever size each is."""
    (height, width), (after_height, after_width) = before.grey.shape, after.grey.shape
    if abs(height * after_width / (width * after_height) - 1.0) > _SAME_SHAPE:
        return NOT_IN_PLACE
    other = cv2.resize(after.grey, (width, height)).astype(np.float32)
    clean = before.clean & (cv2.resize(after.clean.astype(np.uint8), (width, height)) > 0)
    one = before.grey.astype(np.float32)
    found, textured = correlation(one, other, COARSE)
    textured &= clean[AT_STEPS]
    corners = textured & (np.minimum(cornerness(one), cornerness(other)) > _LEAST_CORNERNESS)
    if corners.sum() < _LEAST_PLACES:
        return NOT_IN_PLACE
    _, sizes = patches_of(textured & (found < _DISAGREE_BELOW))
    largest = int(sizes[0]) if len(sizes) else 0
    scale = np.array([width / after_width, height / after_height] * 2, np.float32)
    boxes = np.concatenate([before.movers, after.movers * scale])
    return InPlace(
        share=float((found[corners] > _AGREE_ABOVE).mean()),
        changed=largest / int(textured.sum()),
        moved=sum(_differs(box, found) for box in boxes),
    )


def _differs(box: Floats, found: Floats) -> bool:
    """Whether the pictures do not agree in most of a box."""
    x1, y1, x2, y2 = (max(0, round(float(value) / STEP_PX)) for value in box)
    window = np.s_[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)]
    inside = found[window]
    return bool(inside.size and np.median(inside) < _DISAGREE_BELOW)
