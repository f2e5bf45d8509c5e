"""Which points of two photographs may be the same: mutual nearest neighbours, clearly nearer than the second."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference_server.scene.features import Features

RATIO = 0.88
_ROWS_AT_ONCE = 1024  # 4,000 columns of float32 make 16 MB
_TURN_BINS = 24
_TURN_WITHIN_DEG = 30.0
_LEAST_POINTS = 8

Values = NDArray[np.float32]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """Points that may belong together: before_px and after_px, (n, 2) float32 in pixels of each picture."""

    before_px: NDArray[np.float32]
    after_px: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.before_px)

    def where(self, kept: NDArray[np.bool_]) -> "Matches":
        """The pairs for which `kept`, (n,) bool, is true."""
        return Matches(self.before_px[kept], self.after_px[kept])


def match(before: Features, after: Features) -> Matches:
    """The mutual matches that pass Lowe's ratio test and turn the picture by about the same angle.

    Two photographs of a place are turned against each other by one angle, near enough: matches that say otherwise are
    chance (Jegou et al., "Hamming embedding and weak geometric consistency", ECCV 2008).
    """
    if min(len(before), len(after)) < _LEAST_POINTS:
        return Matches(before.points_px[:0], after.points_px[:0])
    left, right = _mutual(unit(before.descriptors), unit(after.descriptors))
    kept = _of_one_turn(after.turns_deg[right] - before.turns_deg[left])
    return Matches(before.points_px[left[kept]], after.points_px[right[kept]])


def unit(descriptors: NDArray[np.uint8]) -> Values:
    """(n, 128) float32 of length 1: products of rows are cosines."""
    values = descriptors.astype(np.float32)
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1.0), np.float32)


def _mutual(before: Values, after: Values) -> tuple[Indices, Indices]:
    """Rows of unit vectors that choose each other, where the first's choice is clearly nearer than its second one."""
    best, second = np.empty(len(before), np.float32), np.empty(len(before), np.float32)
    choice = np.empty(len(before), np.int64)
    back_best, back_choice = np.full(len(after), -1.0, np.float32), np.zeros(len(after), np.int64)
    for start in range(0, len(before), _ROWS_AT_ONCE):
        alike = before[start : start + _ROWS_AT_ONCE] @ after.T
        part, lines = slice(start, start + len(alike)), np.arange(len(alike))
        highest = alike.max(axis=0)
        better = highest > back_best
        back_choice[better] = start + alike[:, better].argmax(axis=0)
        back_best[better] = highest[better]
        choice[part] = alike.argmax(axis=1)
        best[part] = alike[lines, choice[part]]
        alike[lines, choice[part]] = -1.0
        second[part] = alike.max(axis=1)
    clear = (1.0 - best) < RATIO**2 * (1.0 - second)  # squared distances of unit vectors are 2 - 2 cos
    left = np.flatnonzero(clear & (back_choice[choice] == np.arange(len(before))))
    return left, choice[left]


def _of_one_turn(turns_deg: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which of (n,) angles lie within _TURN_WITHIN_DEG of the commonest one."""
    width_deg = 360.0 / _TURN_BINS
    counts = np.bincount((turns_deg % 360.0 // width_deg).astype(np.int64) % _TURN_BINS, minlength=_TURN_BINS)
    about = counts + np.roll(counts, 1) + np.roll(counts, -1)
    common_deg = (int(about.argmax()) + 0.5) * width_deg
    apart_deg = np.abs((turns_deg - common_deg + 180.0) % 360.0 - 180.0)
    return np.asarray(apart_deg <= _TURN_WITHIN_DEG, np.bool_)
