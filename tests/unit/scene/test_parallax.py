"""Depth tells two spots from a copy."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inference_server.scene.geometry import explain
from inference_server.scene.matching import Matches
from inference_server.scene.parallax import NO_PARALLAX, Parallax, parallax

SIZES_PX = ((960, 540), (960, 540))
WARP = np.array([[1.05, 0.02, -12.0], [-0.01, 0.98, 9.0], [0.00002, 0.0, 1.0]])


def points(count: int, rows: tuple[float, float], seed: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.uniform(20, 940, count), rng.uniform(*rows, count)]).astype(np.float32)


def measured(before_px: NDArray[np.float32], after_px: NDArray[np.float32]) -> Parallax:
    found = Matches(before_px, after_px)
    return parallax(found, explain(found), SIZES_PX)


def warped(before_px: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.perspectiveTransform(before_px[:, None], WARP)[:, 0], np.float32)


def test_a_house_and_the_ground_before_it_from_two_spots_show_parallax() -> None:
    front, ground = points(150, (20, 250), 1), points(60, (270, 520), 2)
    nearer = ground - np.column_stack([10 + 0.2 * (ground[:, 1] - 250), np.zeros(60)]).astype(np.float32)
    found = measured(np.concatenate([front, ground]), np.concatenate([front, nearer]))
    assert found.is_plain
    assert 0.2 < found.share < 0.35


@pytest.mark.parametrize("noise_px", [0.0, 1.0, 2.0])
def test_a_copy_shows_none_however_it_was_warped(noise_px: float) -> None:
    before = points(400, (20, 520), 3)
    after = warped(before) + np.random.default_rng(4).normal(0, noise_px, before.shape).astype(np.float32)
    assert not measured(before, after).is_plain


def test_a_piece_of_a_copy_that_was_moved_is_not_taken_for_depth() -> None:
    before = points(400, (20, 520), 5)
    after = warped(before)
    piece = (before[:, 0] < 300) & (before[:, 1] > 350)
    after[piece] += (40, 0)
    assert 10 <= piece.sum() < 60
    assert not measured(before, after).is_plain


def test_matches_without_any_geometry_show_none() -> None:
    assert measured(points(3, (20, 520), 6), points(3, (20, 520), 7)) == NO_PARALLAX
