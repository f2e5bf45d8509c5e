"""How much do matched points say for one place? Those count that keep their order, spread over both pictures."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from inference_server.scene.matching import Matches

ACCEPT_AT = 10.5  # points: eleven; see docs/closure.md for the pairs it was chosen on
_LEAST_OUTSIDE = 3.0  # points outside any one block, at which ACCEPT_AT can be reached
_CELLS = 8  # along each side of a picture
_MOST_PER_CELL = 4
_BLOCK_CELLS = 3  # a poster or a word may fill a block of 3 x 3 cells and prove nothing
_NEIGHBOURS = 6
_LEAST_ORDER = 0.7  # chance gives 0.5
_LEAST_AREA_PX2 = 4.0  # thinner triangles turn over by rounding

Cells = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What agreeing points say in one picture. spread: how many, at most _MOST_PER_CELL from a cell. outside: those of
    them that lie outside the one block that holds most."""

    spread: float
    outside: float

    @property
    def value(self) -> float:
        """The number that is held against ACCEPT_AT: `spread`, unless one block holds nearly all of it."""
        return min(self.spread, self.outside * ACCEPT_AT / _LEAST_OUTSIDE)


def weigh(steady: Matches, sizes_px: tuple[tuple[int, int], tuple[int, int]]) -> Evidence:
    """What points that agree and keep their order say in the picture where they say more; sizes_px: width, height.

    A photograph from further away shows the same points close together: they must spread in one of the two only. What
    hangs in two places, a poster or a word, does so in none, as long as it is small in both.
    """
    sides = zip((steady.before_px, steady.after_px), sizes_px, strict=True)
    counts = [np.minimum(_per_cell(points, size_px), _MOST_PER_CELL) for points, size_px in sides]
    return max((Evidence(float(one.sum()), _outside_block(one)) for one in counts), key=lambda one: one.value)


def _per_cell(points_px: NDArray[np.float32], size_px: tuple[int, int]) -> Cells:
    """(_CELLS, _CELLS): how many of (n, 2) points lie in each of the picture's cells."""
    cells = np.clip((points_px / np.array(size_px, np.float32) * _CELLS).astype(np.int64), 0, _CELLS - 1)
    return np.bincount(cells[:, 1] * _CELLS + cells[:, 0], minlength=_CELLS**2).reshape(_CELLS, _CELLS)


def _outside_block(counts: Cells) -> float:
    """What is left without the block of cells that holds most."""
    blocks = np.lib.stride_tricks.sliding_window_view(counts, (_BLOCK_CELLS, _BLOCK_CELLS))
    return float(counts.sum() - blocks.sum(axis=(2, 3)).max())


def keeps_order(matches: Matches) -> NDArray[np.bool_]:
    """(n,): whether most triangles of each point with its neighbours are not mirrored in the other picture.

    No camera mirrors a place; matches by chance mirror half of all triangles, whatever geometry they happen to fit.
    """
    count = len(matches)
    if count <= 2:
        return np.zeros(count, np.bool_)
    wanted = min(_NEIGHBOURS, count - 1)
    _, near = cKDTree(matches.before_px).query(matches.before_px, k=wanted + 1)
    first, second = np.triu_indices(wanted, 1)
    before = _double_areas(matches.before_px, near[:, 1:][:, first], near[:, 1:][:, second])
    after = _double_areas(matches.after_px, near[:, 1:][:, first], near[:, 1:][:, second])
    counted = np.minimum(np.abs(before), np.abs(after)) >= 2.0 * _LEAST_AREA_PX2
    same = counted & (np.sign(before) == np.sign(after))
    return np.asarray(same.sum(axis=1) >= _LEAST_ORDER * np.maximum(counted.sum(axis=1), 1), np.bool_)


def _double_areas(points: NDArray[np.float32], first: Cells, second: Cells) -> NDArray[np.float64]:
    """(n, k) twice the signed areas of the triangles of each point with two others."""
    own = points[:, None, :].astype(np.float64)
    one, two = points[first] - own, points[second] - own
    return np.asarray(one[..., 0] * two[..., 1] - one[..., 1] * two[..., 0], np.float64)
