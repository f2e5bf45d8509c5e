"""Which of the possible pairs of tracks and candidates hold, decided for all of them together.

All things that a pass sees share the error of its fixes, so each pair that is taken for true says where the others must
lie. A trial takes one pair as the sure one, conditions the rest on it (a Gaussian process: Rasmussen and Williams,
eq. 2.23 and 2.24, one rank-one update per pair), takes the cheapest pair that is left, and so on; what is dearer than
the gate is new. The cheapest whole wins, and by how much it does against the best whole that decides otherwise about a
track is how clear that track's case is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference_server.domain.geo import Matrix, Vector

_MOST_SEEDS = 60
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """The possible pairs, in rows.

    Index of track and candidate `(p,)`; gap `(p, 2)` in metres and its covariance without the fixes `(p, 2, 2)`; extra
    cost `(p,)`; expected shift `(p, 2)` and covariance `(p, p)` of one axis of it. `excludes` `(p, p)`: which pairs
    cannot hold together.
    """

    track: Indices
    candidate: Indices
    gap_m: Matrix
    noise_m2: Matrix
    extra: Vector
    shift_m: Matrix
    shift_cov_m2: Matrix
    excludes: Mask

    def costs(self, shift_m: Matrix, variance_m2: Vector) -> Vector:
        """`(p,)` squared statistical distances under some shifts, with the extra costs."""
        gap = self.gap_m - shift_m
        a = self.noise_m2[:, 0, 0] + variance_m2
        b = self.noise_m2[:, 0, 1]
        c = self.noise_m2[:, 1, 1] + variance_m2
        chi2 = (c * gap[:, 0] ** 2 - 2 * b * gap[:, 0] * gap[:, 1] + a * gap[:, 1] ** 2) / (a * c - b * b)
        return np.asarray(chi2 + self.extra)


@dataclass(frozen=True, slots=True)
class Decided:
    """A track's candidate (None: it is new), and how much dearer the best whole is that decides otherwise about it:
    that gives it another candidate, and that calls it new."""

    candidate: int | None
    over_other: float
    over_new: float


@dataclass(frozen=True, slots=True)
class _Trial:
    cost: float
    candidates: tuple[int, ...]  # by track; -1 where it is new


def decide_jointly(pairs: Pairs, tracks: int, gate: float) -> list[Decided]:
    """One decision per track."""
    first = pairs.costs(pairs.shift_m, np.diag(pairs.shift_cov_m2))
    good = np.flatnonzero(first <= gate)
    seeds = good[np.argsort(first[good], kind="stable")][:_MOST_SEEDS]
    trials = [_trial(pairs, tracks, gate, None, None)]
    trials += [_trial(pairs, tracks, gate, int(seed), None) for seed in seeds]
    trials += [_trial(pairs, tracks, gate, None, track) for track in range(tracks)]
    best = min(trials, key=lambda trial: trial.cost)
    found = []
    for track, candidate in enumerate(best.candidates):
        others = [trial.cost for trial in trials if trial.candidates[track] not in (candidate, -1)]
        news = [trial.cost for trial in trials if trial.candidates[track] == -1]
        over = [min(costs, default=np.inf) - best.cost for costs in (others, news)]
        found.append(Decided(None if candidate < 0 else candidate, *over))
    return found


def _trial(pairs: Pairs, tracks: int, gate: float, seed: int | None, left_out: int | None) -> _Trial:
    """The cheapest pairs one after the other, `seed` first; the track `left_out` is taken to be new."""
    shift, cov = pairs.shift_m, pairs.shift_cov_m2
    is_free = np.ones(len(pairs.track), dtype=bool) if left_out is None else pairs.track != left_out
    found = [-1] * tracks
    total = 0.0
    while is_free.any():
        costs = np.where(is_free, pairs.costs(shift, np.diag(cov)), np.inf)
        chosen = int(costs.argmin()) if seed is None else seed
        if seed is None and costs[chosen] >= gate:
            break
        seed = None
        total += float(costs[chosen])
        found[int(pairs.track[chosen])] = int(pairs.candidate[chosen])
        is_free &= ~pairs.excludes[chosen]
        gain = cov[:, chosen] / (cov[chosen, chosen] + np.trace(pairs.noise_m2[chosen]) / 2)
        shift = shift + gain[:, None] * (pairs.gap_m[chosen] - shift[chosen])
        cov = cov - np.outer(gain, cov[chosen])
    return _Trial(total + gate * found.count(-1), tuple(found))
