"""How far the heading of one frame is off against those before it.

A heading is wrong by some degrees, afresh in every frame, and swings all that the frame shows around the vehicle by the
same angle: metres at thirty metres' range. Taken thing by thing such a frame breaks every track it touches. Taken
together the things tell the angle: each possible pair of an observation and a track proposes one, the frame as a whole
chooses (a consensus as in Fischler and Bolles 1981), and one step of least squares refines it.
"""

import math
from dataclasses import dataclass

import numpy as np

from inference_server.domain.geo import Matrix, Vector

_MOST_SIGMAS = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Places `(n, 2)` in metres around the antenna, with covariances `(n, 2, 2)` that hold no swing, and groups."""

    metres: Matrix
    cov_m2: Matrix
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Swing:
    """By how much all bearings of a frame are to be turned clockwise, and the deviation that is left, in degrees."""

    turn_deg: float
    sigma_deg: float

    def turned(self, metres: Vector) -> Vector:
        """`(2,)` or `(n, 2)` metres east, north around the antenna, turned.

        >>> Swing(90.0, 0.0).turned(np.array([0.0, 1.0])).round(6).tolist()
        [1.0, 0.0]
        """
        return _turned(metres, math.radians(self.turn_deg))


def swing_of(seen: Placed, tracks: Placed, sigma_deg: float, gate_chi2: float) -> Swing:
    """The swing that lets observations and tracks agree best; none where there is nothing to compare."""
    if not len(seen.metres) or not len(tracks.metres) or sigma_deg <= 0:
        return Swing(0.0, sigma_deg)
    like = np.array([[a == b for b in tracks.groups] for a in seen.groups])
    sigma = math.radians(sigma_deg)
    turns = _bearing(tracks.metres)[None] - _bearing(seen.metres)[:, None]
    turns = (turns + math.pi) % (2 * math.pi) - math.pi
    trials = np.append(turns[like & (np.abs(turns) <= _MOST_SIGMAS * sigma)], 0.0)
    spread: Matrix = np.asarray(np.linalg.inv(seen.cov_m2[:, None] + tracks.cov_m2[None]), dtype=np.float64)
    scores = [_score(turn, seen, tracks, like, spread, gate_chi2) + (turn / sigma) ** 2 for turn in trials]
    return _refined(float(trials[int(np.argmin(scores))]), seen, tracks, like, spread, (sigma, gate_chi2))


def _score(turn: float, seen: Placed, tracks: Placed, like: Matrix, spread: Matrix, gate_chi2: float) -> float:
    chi2 = _chi2(turn, seen, tracks, like, spread)
    return float(np.minimum(chi2.min(axis=1), gate_chi2).sum())


def _chi2(turn: float, seen: Placed, tracks: Placed, like: Matrix, spread: Matrix) -> Matrix:
    gaps = tracks.metres[None] - _turned(seen.metres, turn)[:, None]
    return np.where(like, np.einsum("nmi,nmij,nmj->nm", gaps, spread, gaps), np.inf)


def _refined(
    turn: float, seen: Placed, tracks: Placed, like: Matrix, spread: Matrix, limits: tuple[float, float]
) -> Swing:
    sigma, gate_chi2 = limits
    chi2 = _chi2(turn, seen, tracks, like, spread)
    best = chi2.argmin(axis=1)
    rows = np.flatnonzero(chi2.min(axis=1) < gate_chi2)
    here = _turned(seen.metres[rows], turn)
    slope = np.stack([here[:, 1], -here[:, 0]], axis=1)  # a clockwise turn moves (east, north) along (north, -east)
    gaps, weights = tracks.metres[best[rows]] - here, spread[rows, best[rows]]
    information = float(np.einsum("ni,nij,nj->", slope, weights, slope)) + 1 / sigma**2
    pull = float(np.einsum("ni,nij,nj->", slope, weights, gaps)) - turn / sigma**2
    return Swing(math.degrees(turn + pull / information), math.degrees(1 / math.sqrt(information)))


def _bearing(metres: Matrix) -> Vector:
    return np.asarray(np.arctan2(metres[:, 0], metres[:, 1]))


def _turned(metres: Matrix, turn: float) -> Matrix:
    east, north = metres[..., 0], metres[..., 1]
    return np.stack(
        [east * math.cos(turn) + north * math.sin(turn), north * math.cos(turn) - east * math.sin(turn)], axis=-1
    )
