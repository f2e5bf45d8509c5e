"""Training pictures: decode, place on the canvas at a random scale and offset, mirror, shift colours.

All pictures are uint8 HWC BGR; boxes are x1, y1, x2, y2 in pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from training.recipe import Recipe, Stage

PAD_VALUE = 114
KEEP_SHARE = 0.3  # a box of which less than this is left after cropping is not taught
KEEP_PX = 2.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture ready for the network: `pixels` (H, W, 3) uint8 BGR, `classes` (n,), `boxes` (n, 4) pixels."""

    pixels: np.ndarray
    classes: np.ndarray
    boxes: np.ndarray


def decode(path: Path, fit_width_px: int, fit_height_px: int) -> np.ndarray:
    """The picture (H, W, 3) uint8 BGR, made smaller if it does not fit in the given size. Raises OSError."""
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise OSError(f"{path}: not a readable picture")
    scale = min(fit_width_px / pixels.shape[1], fit_height_px / pixels.shape[0], 1.0)
    if scale < 1.0:
        size = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return pixels


def augment(sample: Sample, stage: Stage, recipe: Recipe, rng: np.random.Generator) -> Sample:
    """The sample at a random scale and place on a stage-sized canvas, perhaps mirrored, with shifted colours."""
    placed = _place(sample, stage, recipe.aim, rng)
    if rng.random() < recipe.flip:
        placed = mirror(placed)
    return Sample(_shift_colours(placed.pixels, recipe, rng), placed.classes, placed.boxes)


def mirror(sample: Sample) -> Sample:
    """The sample mirrored left to right."""
    width = sample.pixels.shape[1]
    boxes = sample.boxes.copy()
    boxes[:, [0, 2]] = width - sample.boxes[:, [2, 0]]
    return Sample(np.ascontiguousarray(sample.pixels[:, ::-1]), sample.classes, boxes)


def _place(sample: Sample, stage: Stage, aim: float, rng: np.random.Generator) -> Sample:
    height, width = sample.pixels.shape[:2]
    fit = min(stage.width_px / width, stage.height_px / height)
    scale = fit * float(np.exp(rng.uniform(np.log(stage.scale_low), np.log(stage.scale_high))))
    target = None
    if len(sample.boxes) and rng.random() < aim:
        target = sample.boxes[rng.integers(len(sample.boxes))] * scale
    left = _offset(width * scale, stage.width_px, None if target is None else target[[0, 2]], rng)
    top = _offset(height * scale, stage.height_px, None if target is None else target[[1, 3]], rng)
    matrix = np.array([[scale, 0, left], [0, scale, top]], dtype=np.float64)
    canvas = _warp(sample.pixels, matrix, scale, stage)
    boxes = sample.boxes * scale + np.array([left, top, left, top], dtype=np.float32)
    return _clip(Sample(canvas, sample.classes, boxes))


def _offset(size: float, canvas: int, target: np.ndarray | None, rng: np.random.Generator) -> float:
    """Where the picture's edge lands: anywhere inside if it fits, else a crop, one that shows the target if named."""
    low, high = sorted((0.0, canvas - size))
    if size > canvas and target is not None:
        shown_low, shown_high = sorted((-float(target[0]), canvas - float(target[1])))
        low, high = max(low, min(shown_low, high)), min(high, max(shown_high, low))
    return float(rng.uniform(low, high)) if high > low else low


def _warp(pixels: np.ndarray, matrix: np.ndarray, scale: float, stage: Stage) -> np.ndarray:
    if scale < 0.6:  # bilinear sampling would skip pixels: shrink by area first
        size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
        factor = np.array([[pixels.shape[1] / size[0], pixels.shape[0] / size[1], 1.0]])
        pixels, matrix = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), matrix * factor
    size = (stage.width_px, stage.height_px)
    border = (PAD_VALUE, PAD_VALUE, PAD_VALUE)
    return cv2.warpAffine(pixels, matrix, size, flags=cv2.INTER_LINEAR, borderValue=border)


def _clip(sample: Sample) -> Sample:
    height, width = sample.pixels.shape[:2]
    limit = np.array([width, height, width, height], dtype=np.float32)
    boxes = np.clip(sample.boxes, 0, limit)
    before = np.prod(sample.boxes[:, 2:] - sample.boxes[:, :2], axis=1)
    sides = boxes[:, 2:] - boxes[:, :2]
    keep = (np.prod(sides, axis=1) >= KEEP_SHARE * before) & (sides.min(axis=1, initial=np.inf) >= KEEP_PX)
    return Sample(sample.pixels, sample.classes[keep], boxes[keep])


def _shift_colours(pixels: np.ndarray, recipe: Recipe, rng: np.random.Generator) -> np.ndarray:
    hue, saturation, value = 1 + rng.uniform(-1, 1, 3) * (recipe.hue, recipe.saturation, recipe.brightness)
    levels = np.arange(256)
    table = np.stack(
        [(levels * hue) % 180, np.clip(levels * saturation, 0, 255), np.clip(levels * value, 0, 255)], axis=1
    ).astype(np.uint8)
    hsv = cv2.LUT(cv2.cvtColor(pixels, cv2.COLOR_BGR2HSV), table[None])
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
