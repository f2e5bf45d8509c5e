"""Training pictures: boxes stay on their things whatever is done to the picture, and a batch is repeatable."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.training_data import plan, write_data

from training.augment import Sample, augment, mirror
from training.batches import Batch, BatchSource
from training.compose import cut_out, mixup, mosaic, paste
from training.index import DataIndex, load_index
from training.pseudo import PseudoLabels
from training.recipe import Recipe, Stage

STAGE = Stage(96, 160, 1, scale_low=0.6, scale_high=1.8)
RECIPE = Recipe("t", (STAGE,), batch=4)


def _bright_rectangle() -> Sample:
    pixels = np.full((120, 200, 3), 60, dtype=np.uint8)
    pixels[40:80, 50:120] = 250
    return Sample(pixels, np.array([1.0], dtype=np.float32), np.array([[50, 40, 120, 80]], dtype=np.float32))


@pytest.mark.parametrize("seed", range(20))
def test_the_box_stays_on_its_thing(seed: int) -> None:
    made = augment(_bright_rectangle(), STAGE, replace(RECIPE, brightness=0.0), np.random.default_rng(seed))
    assert made.pixels.shape == (96, 160, 3)
    bright = np.argwhere(made.pixels.min(axis=2) > 200)
    if not len(made.boxes):  # cropped to a sliver: then little of it is to be seen
        assert len(bright) < 0.35 * (40 * 70) * (1.8 * 0.8) ** 2
        return
    (left, top, right, bottom) = made.boxes[0]
    seen = [bright[:, 1].min(), bright[:, 0].min(), bright[:, 1].max() + 1, bright[:, 0].max() + 1]
    np.testing.assert_allclose(seen, [left, top, right, bottom], atol=2.0)


def test_the_same_epoch_and_step_give_the_same_batch(tmp_path: Path) -> None:
    index = load_index([write_data(tmp_path, plan(train=16, val=0))])
    whole = list(BatchSource(index, RECIPE).epoch(3, STAGE, 0, 4))
    later = list(BatchSource(index, RECIPE).epoch(3, STAGE, 2, 4))
    assert len(whole) == 4
    for one, other in zip(whole[2:], later, strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)
        np.testing.assert_array_equal(one.targets, other.targets)


def test_an_epoch_repeats_and_limits_sources_as_the_recipe_says(tmp_path: Path) -> None:
    index = load_index([write_data(tmp_path, plan(train=32, val=0))])
    recipe = replace(RECIPE, repeat={"walls": 2.0}, share_limit={"floors": 0.2})
    source = BatchSource(index, recipe)
    assert source.steps_per_epoch == (32 + 8) // 4
    batches = source.epoch(0, STAGE, 0, source.steps_per_epoch)
    masks = Counter(tuple(row) for batch in batches for row in batch.mask.tolist())
    assert masks == {(1, 1, 0): 32, (1, 0, 1): 8}


def test_pixels_come_as_rgb(tmp_path: Path) -> None:
    index = load_index([write_data(tmp_path, plan(train=2, val=0))])
    blue = np.zeros((96, 160, 3), dtype=np.uint8)
    blue[:, :, 0] = 200  # BGR
    source = BatchSource(index, replace(RECIPE, batch=1, hue=0.0, saturation=0.0, brightness=0.0))
    for number in range(2):
        source._kept[number] = Sample(blue, np.zeros(0), np.zeros((0, 4), dtype=np.float32))
    (batch,) = source.epoch(0, replace(STAGE, scale_low=1.0, scale_high=1.0), 0, 1)
    assert batch.pixels[0, 48, 80].tolist() == [0, 0, 200]


def test_a_zoomed_source_shows_its_things_larger(tmp_path: Path) -> None:
    index = load_index([write_data(tmp_path, plan(train=32, val=0))])
    stage = replace(STAGE, scale_low=0.8, scale_high=0.9)
    sizes = {}
    for zoom in (1.0, 1.6):
        recipe = replace(RECIPE, aim=1.0, zoom={"walls": zoom})
        batches = BatchSource(index, recipe).epoch(0, stage, 0, 8)
        widths: dict[int, list[float]] = {0: [], 1: []}
        for batch in batches:
            for number, known in enumerate(batch.mask[:, 1].tolist()):
                widths[int(known)] += batch.targets[batch.targets[:, 0] == number, 4].tolist()
        sizes[zoom] = {known: float(np.mean(of_source)) for known, of_source in widths.items()}
    assert sizes[1.6][1] == pytest.approx(1.6 * sizes[1.0][1], rel=0.15)  # walls know the second class
    assert sizes[1.6][0] == pytest.approx(sizes[1.0][0], rel=0.1)  # floors do not, and are not zoomed


def _all_batches(index: DataIndex, recipe: Recipe, pseudo: PseudoLabels | None = None) -> list[Batch]:
    source = BatchSource(index, recipe, pseudo)
    return list(source.epoch(0, STAGE, 0, source.steps_per_epoch))


def test_a_mosaic_holds_things_of_one_source_only(tmp_path: Path) -> None:
    index = load_index([write_data(tmp_path, plan(train=40, val=0))])
    stage = replace(STAGE, scale_low=1.0, scale_high=1.0)
    source = BatchSource(index, replace(RECIPE, mosaic=1.0, aim=0.0))
    counts: Counter[int] = Counter()
    for batch in source.epoch(0, stage, 0, source.steps_per_epoch):
        for number, mask in enumerate(batch.mask):
            of_picture = batch.targets[batch.targets[:, 0] == number]
            counts[len(of_picture)] += 1
            if mask[1] == 0:  # a floor: it would hold dark things if a wall were in it
                assert set(of_picture[:, 1]) <= {0.0}
    assert counts[4] > 20


def test_boxes_of_a_mosaic_stay_on_their_things(tmp_path: Path) -> None:
    stage = replace(STAGE, scale_low=1.0, scale_high=1.2)
    recipe = replace(RECIPE, brightness=0.0, hue=0.0, saturation=0.0)
    for seed in range(10):
        made = mosaic([_bright_rectangle()] * 4, stage, recipe, np.random.default_rng(seed))
        assert made.pixels.shape == (96, 160, 3)
        for left, top, right, bottom in np.round(made.boxes).astype(int):
            assert made.pixels[top + 2 : bottom - 2, left + 2 : right - 2].min() > 200


def test_mixup_keeps_both_pictures_and_both_boxes() -> None:
    one, other = _bright_rectangle(), mirror(_bright_rectangle())
    made = mixup(one, other, np.random.default_rng(0))
    assert len(made.boxes) == len(made.classes) == 2
    assert made.pixels[60, 100] == pytest.approx(250, abs=1)  # both are bright here
    assert 110 < made.pixels[60, 60, 0] < 200  # one of them


def test_a_pasted_thing_hides_no_other_and_fades_into_its_surroundings() -> None:
    street = Sample(
        np.full((300, 400, 3), 60, np.uint8), np.array([0.0], np.float32), np.array([[0, 0, 400, 200]], np.float32)
    )
    thing = cut_out(_bright_rectangle(), 0)
    for seed in range(20):
        made = paste(street, thing, np.random.default_rng(seed))
        if len(made.boxes) == 1:
            continue
        left, top, right, bottom = np.round(made.boxes[1]).astype(int)
        assert bottom >= 120
        assert made.classes.tolist() == [0.0, 1.0]
        shared = max(0, min(bottom, 200) - top) * (right - left) / (400 * 200)
        assert shared <= 0.055  # the corners are rounded
        assert made.pixels[top + 2 : bottom - 2, left + 2 : right - 2].min() > 200
        untouched = np.ones((300, 400), bool)
        untouched[max(0, top - 30) : bottom + 30, max(0, left - 30) : right + 30] = False
        assert (made.pixels[untouched] == 60).all()
    assert street.pixels.max() == 60  # the picture that is kept is not painted on


def test_rare_things_are_pasted_only_where_their_source_knows_the_class(tmp_path: Path) -> None:
    index = load_index([write_data(tmp_path, plan(train=40, val=0))])
    plain, pasted = (_all_batches(index, replace(RECIPE, copy_paste=chances)) for chances in ({}, {"dark": 1.0}))
    counts: dict[str, Counter[bool]] = {"plain": Counter(), "pasted": Counter()}
    for kind, batches in (("plain", plain), ("pasted", pasted)):
        for batch in batches:
            for number, mask in enumerate(batch.mask):
                of_picture = batch.targets[(batch.targets[:, 0] == number) & (batch.targets[:, 1] == 1)]
                counts[kind][bool(mask[1])] += len(of_picture)
    assert counts["plain"][False] == counts["pasted"][False] == 0  # floors do not know the dark class
    assert counts["pasted"][True] > counts["plain"][True] + 5


def test_pseudo_labels_are_taught_as_positives_only(tmp_path: Path) -> None:
    index = load_index([write_data(tmp_path, plan(train=16, val=0))])
    floor = next(p for p in index.pictures if p.source == "floors")
    labels = {("floors", floor.image.name): np.array([[1, 0.5, 0.5, 0.4, 0.4]], dtype=np.float32)}
    recipe = replace(RECIPE, aim=0.0)
    stage = replace(STAGE, scale_low=0.9, scale_high=0.9)
    source = BatchSource(index, recipe, labels)
    masks = Counter(
        (tuple(mask.tolist()), bool(((batch.targets[:, 0] == number) & (batch.targets[:, 1] == 1)).any()))
        for batch in source.epoch(0, stage, 0, source.steps_per_epoch)
        for number, mask in enumerate(batch.mask)
        if mask[2] == 1
    )
    assert masks == {((1, 0, 1), False): 7, ((1, -1, 1), True): 1}


def test_without_the_mask_every_class_counts_as_known(tmp_path: Path) -> None:
    index = load_index([write_data(tmp_path, plan(train=16, val=0))])
    assert all(batch.mask.min() == 1 for batch in _all_batches(index, replace(RECIPE, masked=False)))
