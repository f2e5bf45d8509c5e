"""Training pictures: boxes stay on their things whatever is done to the picture, and a batch is repeatable."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.training_data import plan, write_data

from training.augment import Sample, augment
from training.batches import BatchSource
from training.index import load_index
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
