"""Which pixels of a photograph may speak for the place: no sky, nothing that drives or walks, no bins.

Nor what was added to it: burned-in text, bars and borders. Bins, cones and covers are made by the thousand and look the
same at every corner.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from detector.detections import Detections
from detector.image import Pixels
from inference_server.scene.bars import bars
from inference_server.scene.burned_in import burned_in_text
from inference_server.scene.photo import ScenePhoto

Flags = NDArray[np.bool_]

MOVING = frozenset({"person", "bicycle", "motorcycle", "car", "truck", "bus"})
_ALIKE_EVERYWHERE = frozenset({"bin", "overflowing_bin", "traffic_cone", "manhole_cover", "open_manhole"})
# A house front that is hidden by mistake costs a few points, a parked car that is believed costs a wrong match. Weak
# boxes of bins are on house fronts and pools too often.
_LEAST_SCORES = dict.fromkeys(MOVING, 0.25) | dict.fromkeys(_ALIKE_EVERYWHERE, 0.5)
_SKY_SIDE_PX = 160
_SKY_MOST_SLOPE = 20  # grey levels between neighbours at that size
_SKY_LEAST_BRIGHTNESS = 90
_SKY_LEAST_SHARE = 0.02


def usable(photo: ScenePhoto) -> Flags:
    """(H, W) bool: true where points of the photograph may be used."""
    kept = ~sky(photo.pixels) & ~burned_in_text(photo.pixels) & ~bars(photo.pixels)
    for x1, y1, x2, y2 in _hidden(photo.found):
        kept[y1:y2, x1:x2] = False
    return np.asarray(kept, np.bool_)


def _hidden(found: Detections) -> list[list[int]]:
    names = found.names()
    rows = zip(names, found.scores, found.boxes, strict=True)
    return [
        np.maximum(np.round(box), 0).astype(int).tolist()
        for name, score, box in rows
        if score >= _LEAST_SCORES.get(name, np.inf)
    ]


def sky(pixels: Pixels) -> Flags:
    """(H, W) bool: bright, smooth and not warm in colour, and joined to the upper edge."""
    factor = _SKY_SIDE_PX / max(pixels.shape[:2])
    small_size = (max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor)))
    small = np.asarray(cv2.resize(pixels, small_size, interpolation=cv2.INTER_AREA), np.uint8)
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    slope = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    cool = small[:, :, 0].astype(np.int16) >= small[:, :, 2].astype(np.int16) - 12
    candidates = (slope <= _SKY_MOST_SLOPE) & (grey >= _SKY_LEAST_BRIGHTNESS) & cool
    _, labels = cv2.connectedComponents(candidates.astype(np.uint8), connectivity=4)
    found = candidates & np.isin(labels, np.unique(labels[0][candidates[0]]))
    if found.mean() < _SKY_LEAST_SHARE:
        return np.zeros(pixels.shape[:2], np.bool_)
    size = (pixels.shape[1], pixels.shape[0])
    return np.asarray(cv2.resize(found.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0, np.bool_)
