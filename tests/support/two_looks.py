"""A made-up place photographed twice: ground with marks on it, a thing, another light and another viewpoint."""

import cv2
import numpy as np
from numpy.typing import NDArray

from detector.detections import Detections
from inference_server.domain.observation import Box
from inference_server.scene.alignment import Alignment
from inference_server.scene.photo import ScenePhoto

Pixels = NDArray[np.uint8]
CLASSES = ("garbage", "pothole", "car", "person")
SIZE_PX = (640, 480)
_HUMP_PX, _UNEVEN_PX = 40, 2.0
BOX = Box(x1=280, y1=230, x2=350, y2=290)


def ground(seed: int) -> Pixels:
    """(480, 640, 3): rough ground with marks everywhere."""
    rng = np.random.default_rng(seed)
    width, height = SIZE_PX
    layers = [
        cv2.resize(rng.normal(0, 1, (height // k, width // k, 1)).astype(np.float32), SIZE_PX) for k in (2, 6, 20)
    ]
    grey = 130 + 6 * layers[0] + 8 * layers[1] + 10 * layers[2]
    canvas = np.clip(np.dstack([grey - 6, grey, grey + 4]), 0, 255).astype(np.uint8)
    for _ in range(90):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        tone = [int(value) for value in rng.integers(80, 190, 3)]
        cv2.ellipse(
            canvas,
            (x, y),
            (int(rng.integers(3, 16)), int(rng.integers(2, 8))),
            float(rng.uniform(0, 180)),
            0,
            360,
            tone,
            -1,
        )
    return canvas


def with_thing(canvas: Pixels, box: Box, seed: int = 5, share: float = 1.0) -> Pixels:
    """The picture with a colourful heap in the box, or the left `share` of it."""
    rng = np.random.default_rng(seed)
    heap, shown = canvas.copy(), canvas.copy()
    for _ in range(60):
        x, y = rng.uniform(0.12, 0.88), rng.uniform(0.15, 0.85)
        centre = (round(box.x1 + x * box.width_px), round(box.y1 + y * box.height_px))
        colour = [int(value) for value in rng.integers(20, 250, 3)]
        cv2.circle(heap, centre, max(2, round(box.width_px / 12)), colour, -1)
    x1, y1, x2, y2 = round(box.x1), round(box.y1), round(box.x1 + share * box.width_px), round(box.y2)
    shown[y1:y2, x1:x2] = heap[y1:y2, x1:x2]
    return shown


def shifted(box: Box, x_px: float, y_px: float = 0.0) -> Box:
    """The box somewhere else."""
    return Box(x1=box.x1 + x_px, y1=box.y1 + y_px, x2=box.x2 + x_px, y2=box.y2 + y_px)


def other_view() -> NDArray[np.float64]:
    """The homography to another photograph's pixels: a step aside."""
    corners = np.array([[0, 0], [640, 0], [640, 480], [0, 480]], np.float32)
    there = np.array([[22, 10], [600, -14], [655, 470], [-12, 505]], np.float32)
    return np.asarray(cv2.getPerspectiveTransform(corners, there), np.float64)


def from_there(pixels: Pixels, gain: float = 0.8, seed: int = 9) -> Pixels:
    """The same ground from the other view, in another light, with grain."""
    rng = np.random.default_rng(seed)
    seen = cv2.warpPerspective(_with_parallax(pixels, rng), other_view(), SIZE_PX, borderMode=cv2.BORDER_REFLECT)
    noisy = seen * gain + rng.normal(0, 3, seen.shape)
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)


def _with_parallax(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Ground that is not even, from a step aside: no part of it lies quite where one plane would have it."""
    width, height = SIZE_PX
    coarse = rng.normal(0, _UNEVEN_PX, (2, height // _HUMP_PX, width // _HUMP_PX)).astype(np.float32)
    across, down = (cv2.resize(moves, SIZE_PX, interpolation=cv2.INTER_CUBIC) for moves in coarse)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    moved = cv2.remap(pixels, x + across, y + down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(moved, np.uint8)


def photo(pixels: Pixels, *found: tuple[str, float, Box]) -> ScenePhoto:
    """The photograph with these detections: class, score, box."""
    boxes = np.array([(box.x1, box.y1, box.x2, box.y2) for _, _, box in found], np.float32).reshape(-1, 4)
    scores = np.array([score for _, score, _ in found], np.float32)
    numbers = np.array([CLASSES.index(name) for name, _, _ in found], np.int64)
    return ScenePhoto("0" * 64, b"", pixels, 1.0, Detections(boxes, scores, numbers, CLASSES))


def known_alignment() -> Alignment:
    """The alignment of `other_view`, as if it had been found, a little off."""
    off = np.array([[1, 0, 1.5], [0, 1, -1.0], [0, 0, 1.0]])
    none = np.zeros((0, 2), np.float32)
    return Alignment(off @ other_view(), none, none)
