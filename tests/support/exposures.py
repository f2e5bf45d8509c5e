"""A drawn place photographed at different moments: near things move against far ones, some come and go."""

from __future__ import annotations

import cv2
import numpy as np
from support.scenes import SIZE_PX

from detector.image import Pixels

_SHAPES, _PASSING = 260, 25
_DEEPEST_PX = 14.0  # by how much the nearest shapes move against the farthest ones, a step aside


def exposure(seed: int, moment: int) -> Pixels:
    """(480, 640, 3) uint8 BGR: the place of a seed. Each moment has its own standpoint, light, noise and traffic."""
    rng, now = np.random.default_rng(seed), np.random.default_rng([seed, moment])
    width, height = SIZE_PX
    aside = now.uniform(-1, 1, 2) * _DEEPEST_PX
    pixels = np.full((height, width, 3), 60 + 100 * rng.random(), np.uint8)
    for nearness in np.sort(rng.random(_SHAPES)):
        shape = rng.uniform((0, 0), SIZE_PX) + rng.normal(0, 26, (int(rng.integers(3, 6)), 2)) + nearness * aside
        cv2.fillPoly(pixels, [np.round(shape).astype(np.int32)], rng.integers(20, 200, 3).tolist())
    for _ in range(_PASSING):
        shape = now.uniform((0, 0), SIZE_PX) + now.normal(0, 16, (4, 2))
        cv2.fillPoly(pixels, [np.round(shape).astype(np.int32)], now.integers(20, 200, 3).tolist())
    return _exposed(pixels, now)


def _exposed(pixels: Pixels, now: np.random.Generator) -> Pixels:
    """Through a lens, in the light of the moment, with its noise."""
    soft = cv2.GaussianBlur(pixels, (0, 0), 0.8).astype(np.float32)
    light = now.uniform(0.75, 1.1) + np.linspace(-0.15, 0.15, soft.shape[1])[None, :, None] * now.uniform(-1, 1)
    return np.clip(soft * light + now.normal(0, 2.5, soft.shape), 0, 255).astype(np.uint8)
