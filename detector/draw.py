"""Pictures with their boxes drawn on, for evidence and for looking."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np

from detector.detections import Detections
from detector.image import Pixels

_GOLDEN_RATIO = 0.618034
_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_TEXT_PX_AT_SCALE_1 = 22.0


def class_colour(class_id: int) -> tuple[int, int, int]:
    """The BGR colour of a class: always the same one, neighbours far apart on the colour circle.

    >>> class_colour(0) == class_colour(0) != class_colour(1)
    True
    """
    red, green, blue = colorsys.hsv_to_rgb(class_id * _GOLDEN_RATIO % 1, 0.85, 0.95)
    return round(blue * 255), round(green * 255), round(red * 255)


def draw_detections(pixels: Pixels, detections: Detections, scale: float = 1.0) -> Pixels:
    """A copy of a picture, uint8 HWC BGR, with boxes, class names and scores.

    scale: pixels of this picture per pixel of the full-size picture in which the boxes are given.
    """
    drawn = pixels.copy()
    line_px = max(1, round(max(drawn.shape[:2]) / 500))
    order = np.argsort(detections.scores, kind="stable")  # the surest last, on top
    for index in order:
        class_id = int(detections.class_ids[index])
        label = f"{detections.class_names[class_id]} {detections.scores[index]:.2f}"
        corners = np.rint(detections.boxes[index] * scale).astype(int).tolist()
        _draw_box(drawn, corners, label, class_colour(class_id), line_px)
    return drawn


def _draw_box(pixels: Pixels, corners: list[int], label: str, colour: tuple[int, int, int], line_px: int) -> None:
    left, top, right, bottom = corners
    cv2.rectangle(pixels, (left, top), (right, bottom), colour, line_px)
    size = max(10.0, 6.0 * line_px + 6) / _TEXT_PX_AT_SCALE_1
    (width, height), below = cv2.getTextSize(label, _FONT, size, max(1, line_px // 2))
    base = top - below if top - height - 2 * below >= 0 else top + height + below
    left = min(left, max(0, pixels.shape[1] - width))
    cv2.rectangle(pixels, (left, base - height - below), (left + width, base + below), colour, cv2.FILLED)
    ink = _BLACK if sum(colour) > 380 else _WHITE
    cv2.putText(pixels, label, (left, base), _FONT, size, ink, max(1, line_px // 2), cv2.LINE_AA)
