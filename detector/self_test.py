"""Does a model that was loaded really answer? Asked before it takes over from one that does."""

from __future__ import annotations

import cv2
import numpy as np

from detector.heads import read_head
from detector.image import Limits, decode
from detector.letterbox import Letterbox
from detector.model_errors import ModelFileError
from detector.yolo import YoloDetector

_PICTURE_PX = (1280, 720)
_BLOCK_PX = 40
_ROUNDING = 1e-3


def self_test(detector: YoloDetector) -> int:
    """How many boxes a model finds in a drawn picture, bytes to boxes as in service.

    Raises ModelFileError where its answer is none: a number that is not finite, or a score outside 0..1. A network with
    such weights loads, runs, has the hash of its card, and would silently see nothing.
    """
    picture = decode(drawn_picture(), Limits(), at_least_px=detector.frame_px)  # a server's own limits may be tighter
    height_px, width_px = picture.pixels.shape[:2]
    letterbox = Letterbox.fit((width_px, height_px), detector.frame_px)
    output = detector.session.run(letterbox.apply(picture, detector.card.input.pad_value))
    name = detector.session.path.name
    if not np.isfinite(output).all():
        raise ModelFileError(f"{name}: its answer to a drawn picture holds numbers that are not finite")
    scores = read_head(detector.card.head, output, -np.inf, len(detector.card.classes)).scores
    if scores.size and not (scores.min() >= -_ROUNDING and scores.max() <= 1 + _ROUNDING):
        raise ModelFileError(f"{name}: scores run from {scores.min():.3g} to {scores.max():.3g}, not within 0..1")
    return len(detector.detect_picture(picture))


def drawn_picture() -> bytes:
    """A JPEG of 1280x720 px with coloured blocks, always the same."""
    wide, high = (side // _BLOCK_PX for side in _PICTURE_PX)
    blocks = np.random.default_rng(1).integers(0, 255, (high, wide, 3), dtype=np.uint8)
    pixels = cv2.resize(blocks, _PICTURE_PX, interpolation=cv2.INTER_LINEAR)
    return cv2.imencode(".jpg", pixels)[1].tobytes()
