"""Drawn pictures of a street with one thing on it, for tests that look at evidence."""

import cv2
import numpy as np
from numpy.typing import NDArray

from inference_server.domain.observation import Box

WIDTH_PX, HEIGHT_PX = 960, 540
Pixels = NDArray[np.uint8]


def street_picture(class_name: str, *, seed: int, near: bool) -> tuple[bytes, Box]:
    """A JPEG of 960x540 px and the box of the thing in it."""
    rng = np.random.default_rng(seed)
    canvas = _street(rng)
    side_px = 150 if near else 46
    x, y = (int(rng.integers(560, 720)), 470) if near else (int(rng.integers(500, 560)), 330)
    box = _thing(canvas, class_name, x, y, side_px, rng)
    _, encoded = cv2.imencode(".jpg", canvas, [cv2.IMWRITE_JPEG_QUALITY, 85])
    return encoded.tobytes(), box


def _street(rng: np.random.Generator) -> Pixels:
    """`(540, 960, 3)` uint8 BGR: sky, houses, pavement, road with its lines."""
    canvas = np.full((HEIGHT_PX, WIDTH_PX, 3), (226, 208, 186), np.uint8)
    for left in range(0, WIDTH_PX, 120):
        grey = int(rng.integers(120, 200))
        cv2.rectangle(canvas, (left, int(rng.integers(40, 150))), (left + 116, 260), (grey - 20, grey, grey), -1)
    canvas[250:] = (132, 140, 140)
    road = np.array([[430, 250], [560, 250], [900, 540], [60, 540]], np.int32)
    cv2.fillPoly(canvas, [road], (92, 92, 92))
    for low, high in ((300, 330), (370, 420), (480, 540)):
        cv2.line(canvas, (490, low), (486, high), (235, 235, 235), 3 + (high - 300) // 60)
    grain = rng.integers(0, 14, canvas.shape[:2], np.uint8)
    return np.asarray(cv2.add(canvas, cv2.cvtColor(grain, cv2.COLOR_GRAY2BGR)), np.uint8)


def _thing(canvas: Pixels, class_name: str, x: int, y: int, side_px: int, rng: np.random.Generator) -> Box:
    half, tall = side_px // 2, int(side_px * 0.7)
    if class_name in ("pothole", "crack", "open_manhole"):
        cv2.ellipse(canvas, (x, y), (half, half // 3), 0, 0, 360, (38, 36, 34), -1)
        return Box(x1=x - half, y1=y - half // 3, x2=x + half, y2=y + half // 3)
    if class_name == "overflowing_bin":
        cv2.rectangle(canvas, (x - half // 2, y - tall), (x + half // 2, y), (70, 120, 50), -1)
    for _ in range(14):
        colour = [int(v) for v in rng.integers(40, 240, 3)]
        spot = (x + int(rng.integers(-half, half)), y - int(rng.integers(0, tall)))
        cv2.circle(canvas, spot, max(side_px // 9, 2), colour, -1)
    return Box(x1=x - half, y1=y - tall, x2=x + half, y2=y + side_px // 9)
