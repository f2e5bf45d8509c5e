"""Batches of training pictures, the same for the same recipe, epoch and step: that is what makes a resume exact."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from training.augment import Sample, augment, decode
from training.index import DataIndex, Picture
from training.labels import read_labels, to_corners
from training.recipe import Recipe, Stage

# Pictures are kept in memory at this size: large enough to zoom into, small enough for a few thousand of them.
KEEP_WIDTH_PX, KEEP_HEIGHT_PX = 832, 512


@dataclass(frozen=True, slots=True)
class Batch:
    """`pixels` (b, H, W, 3) uint8 RGB; `targets` (n, 6): picture number, class, centre x, y, width, height in 0..1;
    `mask` (b, classes): 1 where the picture's source knows the class."""

    pixels: np.ndarray
    targets: np.ndarray
    mask: np.ndarray


class BatchSource:
    """Gives the batches of an epoch. Decoded pictures stay in memory."""

    def __init__(self, index: DataIndex, recipe: Recipe) -> None:
        self._recipe = recipe
        self._pictures = index.of("train")
        self._masks = {source: index.class_mask(source) for source in index.sources}
        self._class_count = len(index.classes)
        self._kept: dict[int, Sample] = {}
        self._per_epoch = _pictures_per_epoch(self._pictures, recipe)
        self.steps_per_epoch = sum(self._per_epoch.values()) // recipe.batch

    def epoch(self, number: int, stage: Stage, first_step: int, last_step: int) -> Iterator[Batch]:
        """Batches first_step..last_step-1 of epoch `number`; the next one is prepared while this one is used."""
        order = self._order(number)
        with ThreadPoolExecutor(max_workers=1) as pool:
            ahead: list[Future[Batch]] = []
            for step in range(first_step, last_step):
                ahead.append(pool.submit(self._batch, order, number, step, stage))
                if len(ahead) > 3:
                    yield ahead.pop(0).result()
            for future in ahead:
                yield future.result()

    def _order(self, epoch: int) -> np.ndarray:
        rng = np.random.default_rng([self._recipe.seed, epoch])
        chosen: list[np.ndarray] = []
        for source, count in self._per_epoch.items():
            members = np.array([i for i, p in enumerate(self._pictures) if p.source == source])
            rounds = [rng.permutation(members) for _ in range(math.ceil(count / len(members)))]
            chosen.append(np.concatenate(rounds)[:count])
        return rng.permutation(np.concatenate(chosen))

    def _batch(self, order: np.ndarray, epoch: int, step: int, stage: Stage) -> Batch:
        size = self._recipe.batch
        numbers = order[step * size : (step + 1) * size]
        rng = np.random.default_rng([self._recipe.seed, epoch, step])
        samples = [augment(self._sample(int(n)), self._zoomed(stage, int(n)), self._recipe, rng) for n in numbers]
        pixels = np.stack([sample.pixels[:, :, ::-1] for sample in samples])
        mask = np.stack([self._masks[self._pictures[int(n)].source] for n in numbers])
        return Batch(pixels, _targets(samples), mask)

    def _zoomed(self, stage: Stage, number: int) -> Stage:
        zoom = self._recipe.zoom.get(self._pictures[number].source, 1.0)
        return replace(stage, scale_low=stage.scale_low * zoom, scale_high=stage.scale_high * zoom)

    def _sample(self, number: int) -> Sample:
        kept = self._kept.get(number)
        if kept is None:
            picture = self._pictures[number]
            pixels = decode(picture.image, KEEP_WIDTH_PX, KEEP_HEIGHT_PX)
            labels = read_labels(picture.labels, self._class_count)
            boxes = to_corners(labels, pixels.shape[1], pixels.shape[0])
            kept = self._kept[number] = Sample(pixels, labels[:, 0], boxes)
        return kept


def _pictures_per_epoch(pictures: tuple[Picture, ...], recipe: Recipe) -> dict[str, int]:
    """How many pictures of each source an epoch holds, after `repeat` and then `share_limit`."""
    counts: dict[str, int] = {}
    for picture in pictures:
        counts[picture.source] = counts.get(picture.source, 0) + 1
    counts = {source: round(count * recipe.repeat.get(source, 1.0)) for source, count in sorted(counts.items())}
    others = sum(count for source, count in counts.items() if source not in recipe.share_limit)
    free = 1.0 - sum(recipe.share_limit.get(source, 0.0) for source in counts)
    for source, share in recipe.share_limit.items():
        if source in counts:
            counts[source] = min(counts[source], int(others * share / free))
    return counts


def _targets(samples: list[Sample]) -> np.ndarray:
    rows = [np.zeros((0, 6), dtype=np.float32)]
    for number, sample in enumerate(samples):
        height, width = sample.pixels.shape[:2]
        size = np.array([width, height], dtype=np.float32)
        centre = (sample.boxes[:, :2] + sample.boxes[:, 2:]) / 2 / size
        sides = (sample.boxes[:, 2:] - sample.boxes[:, :2]) / size
        head = np.stack([np.full(len(sample.classes), number), sample.classes], axis=1)
        rows.append(np.concatenate([head, centre, sides], axis=1).astype(np.float32))
    return np.concatenate(rows)
