"""Pictures made of others: four in one, two blended, a rare thing pasted in. All within what a source's labels say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from training.augment import Sample, augment
from training.recipe import Recipe, Stage

_MARGIN = 0.15  # of a pasted thing's sides: so much of its surroundings fades into the new ones
_TRIES = 10
_MOST_SHARE = 0.5  # of the picture's sides
_MOST_COVERED = 0.05  # of another thing that a pasted one may hide
_HIGHEST_FOOT = 0.4  # things stand or lie: their foot is not in the sky


@dataclass(frozen=True, slots=True)
class Thing:
    """A thing to paste: pixels (H, W, 3) uint8 BGR with a margin around it, class, and its box in them (4,)."""

    pixels: np.ndarray
    class_id: float
    box: np.ndarray


def mosaic(samples: Sequence[Sample], stage: Stage, recipe: Recipe, rng: np.random.Generator) -> Sample:
    """Four samples, each augmented into one quarter of a stage-sized canvas; where they meet is chance."""
    middle_x, middle_y = (int(side * rng.uniform(0.35, 0.65)) for side in (stage.width_px, stage.height_px))
    spans_x, spans_y = ((0, middle_x), (middle_x, stage.width_px)), ((0, middle_y), (middle_y, stage.height_px))
    canvas = np.empty((stage.height_px, stage.width_px, 3), dtype=np.uint8)
    classes, boxes = [], []
    for number, sample in enumerate(samples):
        (left, right), (top, bottom) = spans_x[number % 2], spans_y[number // 2]
        tile = augment(sample, replace(stage, width_px=right - left, height_px=bottom - top), recipe, rng)
        canvas[top:bottom, left:right] = tile.pixels
        classes.append(tile.classes)
        boxes.append(tile.boxes + np.array([left, top, left, top], dtype=np.float32))
    return Sample(canvas, np.concatenate(classes), np.concatenate(boxes))


def mixup(one: Sample, other: Sample, rng: np.random.Generator) -> Sample:
    """Two samples of one size blended about half and half; the boxes of both are there (YOLOX, arXiv 2107.08430)."""
    share = float(rng.beta(32.0, 32.0))
    pixels = cv2.addWeighted(one.pixels, share, other.pixels, 1 - share, 0.0)
    return Sample(pixels, np.concatenate([one.classes, other.classes]), np.concatenate([one.boxes, other.boxes]))


def cut_out(sample: Sample, row: int) -> Thing:
    """The thing of a row of the sample, with as much of its surroundings as there is, up to the margin."""
    box = sample.boxes[row]
    margin = _MARGIN * np.array([box[2] - box[0], box[3] - box[1]])
    height, width = sample.pixels.shape[:2]
    low = np.maximum(np.floor(box[:2] - margin), 0).astype(int)
    high = np.minimum(np.ceil(box[2:] + margin), (width, height)).astype(int)
    inside = box - np.array([*low, *low], dtype=np.float32)
    return Thing(sample.pixels[low[1] : high[1], low[0] : high[0]], float(sample.classes[row]), inside)


def paste(sample: Sample, thing: Thing, rng: np.random.Generator) -> Sample:
    """The sample with the thing at a random place and size, its edges faded in; unchanged where there is no room."""
    height, width = sample.pixels.shape[:2]
    sides = np.array(thing.pixels.shape[1::-1])
    scale = min(float(rng.uniform(0.5, 1.3)), *(_MOST_SHARE * np.array([width, height]) / sides).tolist())
    size = np.maximum(np.round(sides * scale), 2).astype(int)
    box = thing.box * np.tile(size / sides, 2)
    for _ in range(_TRIES):
        left = int(rng.integers(0, width - size[0] + 1))
        top = int(rng.integers(0, height - size[1] + 1))
        placed = (box + np.array([left, top, left, top])).astype(np.float32)
        if placed[3] >= _HIGHEST_FOOT * height and not _hides(placed, sample.boxes):
            pixels = sample.pixels.copy()
            _blend(pixels[top : top + size[1], left : left + size[0]], thing, (int(size[0]), int(size[1])), box)
            classes = np.append(sample.classes, np.float32(thing.class_id))
            return Sample(pixels, classes, np.concatenate([sample.boxes, placed[None]]))
    return sample


def _hides(placed: np.ndarray, boxes: np.ndarray) -> bool:
    """Whether the placed box covers more than a sliver of a box (n, 4), or lies mostly behind one."""
    if not len(boxes):
        return False
    low, high = np.maximum(boxes[:, :2], placed[:2]), np.minimum(boxes[:, 2:], placed[2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return bool((shared / np.maximum(areas, 1e-6)).max() > _MOST_COVERED)


def _blend(target: np.ndarray, thing: Thing, size_px: tuple[int, int], box: np.ndarray) -> None:
    """Writes the thing into `target`: whole inside its box, fading to nothing at the edge of its margin."""
    shrinks = size_px[0] < thing.pixels.shape[1]
    pixels = cv2.resize(thing.pixels, size_px, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    x, y = np.arange(size_px[0]) + 0.5, np.arange(size_px[1]) + 0.5
    across = _ramp(x, box[0], box[2], size_px[0])
    down = _ramp(y, box[1], box[3], size_px[1])
    alpha = (down[:, None] * across[None])[..., None]
    target[:] = np.round(alpha * pixels + (1 - alpha) * target).astype(np.uint8)


def _ramp(places: np.ndarray, low: float, high: float, size: int) -> np.ndarray:
    """1 from `low` to `high`, falling to 0 at 0 and at `size`."""
    before = places / max(low, 1.0)
    after = (size - places) / max(size - high, 1.0)
    return np.clip(np.minimum(before, after), 0.0, 1.0)
