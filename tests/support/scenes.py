"""Drawn photographs of places: full of things that a matcher can hold on to, different for each place."""

from __future__ import annotations

import hashlib

import cv2
import numpy as np
from numpy.typing import NDArray

from detector.detections import Detections
from detector.image import Pixels
from inference_server.scene.photo import ScenePhoto

CLASSES = ("garbage", "car", "person", "bin")
SIZE_PX = (640, 480)


def place(seed: int, size_px: tuple[int, int] = SIZE_PX) -> Pixels:
    """(H, W, 3) uint8 BGR: a place of many flat shapes, another one for each seed."""
    rng = np.random.default_rng(seed)
    width, height = size_px
    pixels = np.full((height, width, 3), 60 + 100 * rng.random(), np.uint8)
    for _ in range(260):
        corners = rng.uniform((0, 0), size_px) + rng.normal(0, 26, (int(rng.integers(3, 6)), 2))
        cv2.fillPoly(pixels, [np.round(corners).astype(np.int32)], rng.integers(20, 200, 3).tolist())
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), 0.8), np.uint8)


def seen_from(pixels: Pixels, homography: NDArray[np.float64]) -> Pixels:
    """The same place through a homography, with the noise of another exposure."""
    warped = cv2.warpPerspective(pixels, homography, (pixels.shape[1], pixels.shape[0]), borderMode=cv2.BORDER_REFLECT)
    noise = np.random.default_rng(7).normal(0, 3, warped.shape)
    return np.clip(warped * 0.85 + 12 + noise, 0, 255).astype(np.uint8)


def photo(pixels: Pixels, *found: tuple[str, float, tuple[float, float, float, float]]) -> ScenePhoto:
    """A photograph of these pixels with these detections: class, score, box."""
    data = cv2.imencode(".png", pixels)[1].tobytes()
    detections = Detections(
        np.array([box for _, _, box in found], np.float32).reshape(-1, 4),
        np.array([score for _, score, _ in found], np.float32),
        np.array([CLASSES.index(name) for name, _, _ in found], np.int64),
        CLASSES,
    )
    return ScenePhoto(hashlib.sha256(data).hexdigest(), data, pixels, 1.0, detections)
