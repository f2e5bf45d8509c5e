"""Batches of training pictures, the same for the same recipe, epoch and step: that is what makes a resume exact."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from training.augment import Sample, augment, decode
from training.compose import cut_out, mixup, mosaic, paste
from training.index import DRAWN_SOURCES, DataIndex, Picture
from training.labels import read_labels, to_corners
from training.pseudo import PseudoLabels
from training.recipe import Recipe, Stage

# Pictures are kept in memory at this size: large enough to zoom into, small enough for a few thousand of them.
KEEP_WIDTH_PX, KEEP_HEIGHT_PX = 832, 512
LEAST_DONOR_PX = 24.0
KNOWN, POSITIVES_ONLY = 1, -1


@dataclass(frozen=True, slots=True)
class Batch:
    """`pixels` (b, H, W, 3) uint8 RGB; `targets` (n, 6): picture number, class, centre x, y, width, height in 0..1;
    `mask` (b, classes): 1 where the picture's source knows the class, 0 where it does not, -1 where only the boxes that
    are there may be taught (pseudo-labels)."""

    pixels: np.ndarray
    targets: np.ndarray
    mask: np.ndarray


@dataclass(frozen=True, slots=True)
class _Made:
    """A picture as it is trained on, and the row of the mask that belongs to it."""

    sample: Sample
    mask: np.ndarray


class BatchSource:
    """Gives the batches of an epoch. Decoded pictures stay in memory."""

    def __init__(self, index: DataIndex, recipe: Recipe, pseudo: PseudoLabels | None = None) -> None:
        self._recipe = recipe
        self._pictures = index.of("train")
        self._masks = {source: index.class_mask(source) for source in index.sources}
        if not recipe.masked:
            self._masks = {source: np.ones_like(mask) for source, mask in self._masks.items()}
        self._pseudo = pseudo or {}
        self._class_count = len(index.classes)
        self._members: dict[str, np.ndarray] = {
            source: np.array([i for i, p in enumerate(self._pictures) if p.source == source])
            for source in index.sources
        }
        self._kept: dict[int, Sample] = {}
        self._per_epoch = _pictures_per_epoch(self._pictures, recipe)
        self.steps_per_epoch = sum(self._per_epoch.values()) // recipe.batch
        self._pasting = {index.classes.index(name): chance for name, chance in recipe.copy_paste.items()}
        self._donors = {class_id: self._things_of(class_id) for class_id in self._pasting}

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
            members = self._members[source]
            rounds = [rng.permutation(members) for _ in range(math.ceil(count / len(members)))]
            chosen.append(np.concatenate(rounds)[:count])
        return rng.permutation(np.concatenate(chosen))

    def _batch(self, order: np.ndarray, epoch: int, step: int, stage: Stage) -> Batch:
        size = self._recipe.batch
        numbers = order[step * size : (step + 1) * size]
        rng = np.random.default_rng([self._recipe.seed, epoch, step])
        made = [self._made(int(n), stage, rng) for n in numbers]
        pixels = np.stack([one.sample.pixels[:, :, ::-1] for one in made])
        return Batch(pixels, _targets([one.sample for one in made]), np.stack([one.mask for one in made]))

    def _made(self, number: int, stage: Stage, rng: np.random.Generator) -> _Made:
        """A picture as the recipe has it. A chance of 0 draws no number: such recipes give what they always gave."""
        recipe, members = self._recipe, self._members[self._pictures[number].source]
        zoomed, used = self._zoomed(stage, number), [number]
        if recipe.mosaic > 0 and rng.random() < recipe.mosaic:
            used += rng.choice(members, 3).tolist()
            sample = mosaic([self._pasted(n, rng) for n in used], zoomed, recipe, rng)
        else:
            sample = augment(self._pasted(number, rng), zoomed, recipe, rng)
        if recipe.mixup > 0 and rng.random() < recipe.mixup:
            used.append(int(rng.choice(members)))
            sample = mixup(sample, augment(self._pasted(used[-1], rng), zoomed, recipe, rng), rng)
        return _Made(sample, np.min([self._mask_of(n) for n in used], axis=0))

    def _mask_of(self, number: int) -> np.ndarray:
        picture = self._pictures[number]
        mask, extra = self._masks[picture.source], self._pseudo.get((picture.source, picture.image.name))
        if extra is None:
            return mask
        mask = mask.copy()
        mask[extra[:, 0].astype(int)] = POSITIVES_ONLY
        return mask

    def _pasted(self, number: int, rng: np.random.Generator) -> Sample:
        """The picture, perhaps with rare things pasted in, of classes that its source knows."""
        sample, mask = self._sample(number), self._masks[self._pictures[number].source]
        for class_id, chance in self._pasting.items():
            donors = self._donors[class_id]
            if donors and mask[class_id] == KNOWN and rng.random() < chance:
                picture, row = donors[int(rng.integers(len(donors)))]
                sample = paste(sample, cut_out(self._sample(picture), row), rng)
        return sample

    def _things_of(self, class_id: int) -> list[tuple[int, int]]:
        """(picture, row) of the real things of a class that are large enough to be pasted."""
        found = []
        for number, picture in enumerate(self._pictures):
            if picture.source in DRAWN_SOURCES:
                continue
            labels = read_labels(picture.labels, self._class_count)
            shown = min(1.0, KEEP_WIDTH_PX / picture.width_px, KEEP_HEIGHT_PX / picture.height_px)
            sides = labels[:, 3:5] * (picture.width_px * shown, picture.height_px * shown)
            large = (labels[:, 0] == class_id) & (sides.min(axis=1, initial=np.inf) >= LEAST_DONOR_PX)
            found += [(number, row) for row in np.flatnonzero(large).tolist()]
        return found

    def _zoomed(self, stage: Stage, number: int) -> Stage:
        zoom = self._recipe.zoom.get(self._pictures[number].source, 1.0)
        return replace(stage, scale_low=stage.scale_low * zoom, scale_high=stage.scale_high * zoom)

    def _sample(self, number: int) -> Sample:
        kept = self._kept.get(number)
        if kept is None:
            picture = self._pictures[number]
            pixels = decode(picture.image, KEEP_WIDTH_PX, KEEP_HEIGHT_PX)
            labels = read_labels(picture.labels, self._class_count)
            extra = self._pseudo.get((picture.source, picture.image.name))
            if extra is not None:
                labels = np.concatenate([labels, extra])
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
