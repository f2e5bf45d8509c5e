"""The ground round a region is found again by points that look alike all over the street."""

import numpy as np
import pytest
from numpy.typing import NDArray

from inference_server.domain.observation import Box
from inference_server.scene.features import Features
from inference_server.scene.guided import plane_round
from inference_server.scene.matching import match

SIZE_PX = (960, 540)
REGION = Box(x1=430, y1=370, x2=530, y2=420)
SIDEWAYS = np.array([[0, 0, 0], [0, 0, -1], [0, 1, 0.0]])  # a camera moved to its side: rows stay rows
GROUND = np.array([[1, 0.4, -90], [0, 1, 0], [0, 0, 1.0]])  # what is nearer moves further
LOOKS = np.random.default_rng(0).integers(0, 120, (6, 128), dtype=np.uint8)  # six kinds of specks, again and again


def specks(points_px: NDArray[np.float64], looks: NDArray[np.int64]) -> Features:
    """Features at (n, 2) points, each of one of the few looks."""
    count = len(points_px)
    sizes, turns = np.full(count, 4, np.float32), np.zeros(count, np.float32)
    return Features(SIZE_PX, points_px.astype(np.float32), sizes, turns, LOOKS[looks])


def on_ground(points_px: NDArray[np.float64]) -> NDArray[np.float64]:
    lifted = np.column_stack([points_px, np.ones(len(points_px))]) @ GROUND.T
    return np.asarray(lifted[:, :2] / lifted[:, 2:])


def street(rng: np.random.Generator, lowest_px: float, count: int = 90) -> tuple[Features, Features]:
    """The specks of a road in two photographs, none of them below a row."""
    points = np.column_stack([rng.uniform(250, 710, count), rng.uniform(260, lowest_px, count)])
    looks = rng.integers(0, len(LOOKS), count)
    return specks(points, looks), specks(on_ground(points), looks)


@pytest.mark.parametrize("seed", range(4))
def test_alike_specks_round_a_hole_tell_where_it_lies(seed: int) -> None:
    before, after = street(np.random.default_rng(seed), lowest_px=530)
    found = plane_round(before, after, REGION, SIDEWAYS)
    assert len(match(before, after)) < 10
    assert found is not None
    assert np.allclose(found @ (480, 395, 1) / (found @ (480, 395, 1))[2], GROUND @ (480, 395, 1), atol=2.0)


def test_specks_behind_a_hole_do_not_tell_where_it_lies() -> None:
    before, after = street(np.random.default_rng(1), lowest_px=365)
    assert plane_round(before, after, REGION, SIDEWAYS) is None


@pytest.mark.parametrize("seed", range(4))
def test_specks_of_another_road_tell_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    before, after = street(rng, lowest_px=530)[0], street(rng, lowest_px=530)[1]
    assert plane_round(before, after, REGION, SIDEWAYS) is None


def test_a_photograph_without_points_tells_nothing() -> None:
    before, _ = street(np.random.default_rng(2), lowest_px=530)
    none = specks(np.zeros((0, 2)), np.zeros(0, np.int64))
    assert plane_round(before, none, REGION, SIDEWAYS) is None
    assert plane_round(none, before, REGION, SIDEWAYS) is None
