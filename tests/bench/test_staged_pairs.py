"""The pairs of known truth of bench-verify: what is pasted is there, what is photographed again is still in it."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from support.shared import shared_or_skip

sys.path[:0] = [str(Path(__file__).parent)]

from verify_parts.neighbours import two_moments
from verify_parts.pasting import CutOut, cut_out, left_part, paste
from verify_parts.photographing import photographed_again
from verify_parts.staged import Staged, photos_of, region_of
from verify_parts.things import Box, Thing

PLACE, THING = 120, (40, 160, 220)
SPOT: Box = (60, 40, 100, 70)
Pixels = NDArray[np.uint8]


def ground(seed: int = 0) -> Pixels:
    rng = np.random.default_rng(seed)
    rough = rng.normal(PLACE, 12, (120, 160, 3))
    return np.clip(cv2.GaussianBlur(rough, (0, 0), 1.0), 0, 255).astype(np.uint8)


@pytest.fixture
def labelled(tmp_path: Path) -> Thing:
    """A yellow disc on grey ground, with its box."""
    pixels = ground()
    cv2.circle(pixels, (80, 55), 20, THING, -1)
    cv2.imwrite(str(tmp_path / "with.png"), pixels)
    return Thing(tmp_path / "with.png", "a", "garbage", (60, 35, 100, 75))


def written(folder: Path) -> Path:
    path = folder / "empty.png"
    cv2.imwrite(str(path), ground(1))
    return path


def is_thing(pixels: Pixels) -> NDArray[np.bool_]:
    return np.asarray(np.abs(pixels.astype(int) - THING).max(axis=2) < 60)


def test_a_heap_is_cut_out_by_its_outline(labelled: Thing) -> None:
    piece = cut_out(labelled)
    middle, corner = piece.mask[20, 20], piece.mask[1, 1]
    assert (middle, corner) == pytest.approx((1.0, 0.0), abs=0.1)
    assert piece.mask.mean() == pytest.approx(np.pi / 4, abs=0.1)


def test_a_crack_is_cut_out_with_its_box(labelled: Thing) -> None:
    piece = cut_out(Thing(labelled.picture, "a", "crack", labelled.box))
    assert piece.mask[1:-1, 1:-1].min() > 0.2
    assert piece.mask[0, 0] < 0.5


def test_what_is_pasted_lies_in_its_box_and_nowhere_else(labelled: Thing) -> None:
    place = ground(1)
    made = paste(place, cut_out(labelled), SPOT)
    x1, y1, x2, y2 = SPOT
    assert is_thing(made)[y1:y2, x1:x2].mean() > 0.6
    made[y1:y2, x1:x2] = place[y1:y2, x1:x2]
    assert np.array_equal(made, place)


def test_a_pasted_thing_takes_over_the_light_of_its_place(labelled: Thing) -> None:
    dark = np.asarray(ground(1) // 3, np.uint8)
    bright = paste(ground(1), cut_out(labelled), SPOT)[50:60, 75:85]
    assert paste(dark, cut_out(labelled), SPOT)[50:60, 75:85].mean() < bright.mean() - 30


def test_of_a_part_so_much_is_left(labelled: Thing) -> None:
    piece: CutOut = cut_out(labelled)
    whole = is_thing(paste(ground(1), piece, SPOT)).sum()
    part = left_part(0.4, np.random.default_rng(3))
    assert is_thing(paste(ground(1), piece, SPOT, part)).sum() / whole == pytest.approx(0.4, abs=0.15)


@pytest.mark.parametrize("seed", range(4))
def test_photographed_again_the_thing_is_in_the_frame_and_the_pixels_are_others(labelled: Thing, seed: int) -> None:
    before = np.asarray(cv2.imread(str(labelled.picture)), np.uint8)
    after = photographed_again(before, labelled.box, np.random.default_rng(seed))
    assert after.shape == before.shape
    hue = cv2.cvtColor(after, cv2.COLOR_BGR2HSV)
    seen = (hue[:, :, 1] > 90) & (np.abs(hue[:, :, 0].astype(int) - 20) < 12)
    assert seen.sum() > 0.5 * np.pi * 20**2
    assert np.abs(after.astype(int) - before).mean() > 3


def test_a_pair_is_the_same_from_its_seed(labelled: Thing) -> None:
    pair = Staged("one exposure", labelled.picture, labelled.picture, labelled.box, labelled.box, "garbage", 5)
    assert photos_of(pair) == photos_of(pair)
    assert photos_of(pair).before is None
    other = Staged("one exposure", labelled.picture, labelled.picture, labelled.box, labelled.box, "garbage", 6)
    assert photos_of(other).after != photos_of(pair).after


def test_a_thing_that_vanished_is_in_the_photograph_before_only(labelled: Thing, tmp_path: Path) -> None:
    place = written(tmp_path)
    pair = Staged("vanished", place, place, SPOT, SPOT, "garbage", 1, labelled)
    made = photos_of(pair)
    assert made.after is None
    before = cv2.imdecode(np.frombuffer(made.before or b"", np.uint8), cv2.IMREAD_COLOR)
    assert is_thing(np.asarray(before, np.uint8)).sum() > 300


@pytest.mark.parametrize(("kind", "inside", "outside"), [("stays", True, False), ("moved next door", False, True)])
def test_what_stays_is_at_its_place_and_what_was_moved_beside_it(
    labelled: Thing, tmp_path: Path, kind: str, inside: bool, outside: bool
) -> None:
    place, box = written(tmp_path), (20, 40, 60, 70)
    pair = Staged(kind, place, place, box, box, "garbage", 1, labelled)
    made = cv2.imdecode(np.frombuffer(photos_of(pair).after or b"", np.uint8), cv2.IMREAD_COLOR)
    found = is_thing(np.asarray(made, np.uint8))
    assert bool(found[40:70, 20:60].sum() > 300) is inside
    assert bool(found[:, 64:].sum() > 300) is outside


def test_a_region_drawn_by_hand_lies_nearly_where_the_thing_is(labelled: Thing) -> None:
    pair = Staged("one exposure", labelled.picture, labelled.picture, labelled.box, labelled.box, "garbage", 5)
    region, (x1, y1, x2, y2) = region_of(pair), labelled.box
    off = np.abs([region.x1 - x1, region.y1 - y1, region.x2 - x2, region.y2 - y2])
    assert 0 < off.max() <= 0.06 * 40


def test_no_place_is_in_both_halves() -> None:
    shared_or_skip("data")
    chosen_on, reported_on = (
        {picture.group for two in two_moments(for_choosing=choosing) for picture in two} for choosing in (True, False)
    )
    assert chosen_on
    assert reported_on
    assert not chosen_on & reported_on
