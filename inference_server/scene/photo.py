"""A photograph as the gates see it: upright pixels of a bounded size, its hash, and what the detector found."""

import hashlib
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from detector.detections import Detections
from detector.image import Limits, Pixels, decode

LONG_SIDE_PX = 960  # of the pixels that are compared; what is larger costs time and matches no better


class FindsThings(Protocol):
    """The detector as the gates see it."""

    def detect(self, data: bytes, min_score: float = ...) -> Detections:
        """What is in a picture, boxes in pixels of the upright full-size picture; raises a PictureError."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class ScenePhoto:
    """One photograph.

    pixels: (H, W, 3) uint8 BGR, upright, long side at most LONG_SIDE_PX. found: the detections at a low score, boxes in
    pixels of `pixels`. scale: pixels of `pixels` for one pixel of the photograph at its full size.
    """

    sha256: str
    data: bytes
    pixels: Pixels
    scale: float
    found: Detections


def open_photo(data: bytes, limits: Limits, detector: FindsThings, min_score: float) -> ScenePhoto:
    """The photograph, decoded and searched once for all gates; raises a PictureError."""
    picture = decode(data, limits, at_least_px=(LONG_SIDE_PX, LONG_SIDE_PX))
    pixels, scale = _bounded(picture.pixels, picture.scale)
    found = detector.detect(data, min_score)
    scaled = Detections(found.boxes * scale, found.scores, found.class_ids, found.class_names)
    return ScenePhoto(hashlib.sha256(data).hexdigest(), data, pixels, scale, scaled)


def _bounded(pixels: Pixels, scale: float) -> tuple[Pixels, float]:
    factor = LONG_SIDE_PX / max(pixels.shape[:2])
    if factor >= 1.0:
        return pixels, scale
    size = (max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8), scale * factor
