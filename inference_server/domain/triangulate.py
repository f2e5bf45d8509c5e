"""The place of a thing on a wall from several looks at it.

Each look gives a bearing, an elevation and an angular height. Unknown are the place `(3,)`, the height of the thing and
the error of the heading that all looks share: least squares after a scan over the depth along the last ray (a coarse
search first, because the problem has local minima; then Gauss-Newton with a numerical Jacobian).

The nearer side of a thing seen at a slant is the taller one, so the looks meet at its outer side. Its middle lies half
its width further along the wall, which runs as the road does.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from inference_server.domain.candidate import Ray
from inference_server.domain.geo import LatLon, LocalPlane, Matrix, Vector, heading_vector

_DEPTHS_M = np.geomspace(2.5, 40.0, 25)
_ELEVATION_SIGMA_DEG = 0.5
_SIZE_SIGMA = 0.08  # of the logarithm of the angular height
_COVERED_SIGMAS = 2.0  # a look that is too small by more than this may show a part of the thing only
_LEAST_COMMON_DEG = 0.01
_STEPS = 4
_NUDGE = 1e-4
_LEAST_SLANT = 0.1
_MOST_WIDTH_M = 5.0
_UNKNOWNS = 5


@dataclass(frozen=True, slots=True)
class Fixed:
    """A triangulated place: chi-square of the looks, covariance `(2, 2)` east-north, baseline of the cameras."""

    position: LatLon
    covariance_m2: Matrix
    height_m: float
    chi2: float
    baseline_m: float


@lru_cache(maxsize=256)  # association asks for the same track once per box of the frame
def triangulate(rays: tuple[Ray, ...], heading_sigma_deg: float, common_share: float = 0.0) -> Fixed | None:
    """The place that explains the looks best; None with fewer than two.

    `common_share` of the heading's variance is the same in all looks. Taken for fresh in each, it would be averaged
    away, and the place of a far thing called exact that is metres off.
    """
    if len(rays) < 2:
        return None
    plane = LocalPlane(rays[-1].camera_position)
    looks = np.array(
        [
            (
                *plane.metres(r.camera_position),
                r.camera_height_m,
                math.radians(r.bearing_deg),
                math.radians(r.elevation_deg),
                math.log(max(r.height_deg, 0.05)),
            )
            for r in rays
        ]
    )
    fresh_deg, common_deg = (heading_sigma_deg * math.sqrt(part) for part in (1 - common_share, common_share))
    sigmas = np.radians(
        [fresh_deg, _ELEVATION_SIGMA_DEG, math.degrees(_SIZE_SIGMA), max(common_deg, _LEAST_COMMON_DEG)]
    )
    guess = _scan(looks, sigmas)
    state, information = _refine(guess, looks, sigmas)
    residuals = _residuals(state[None], looks, sigmas)[0]
    chi2 = float(residuals @ residuals)
    covariance = np.asarray(np.linalg.inv(information + np.eye(5) * 1e-6)[:2, :2], dtype=np.float64)
    covariance = covariance * max(1.0, chi2 / (len(residuals) - _UNKNOWNS))
    baseline = float(np.linalg.norm(looks[:, :2] - looks[0, :2], axis=1).max())
    middle = state[:2] + _half_width(state, looks, rays)
    return Fixed(plane.latlon(middle), covariance, float(state[2]), chi2, baseline)


def _half_width(state: Vector, looks: Matrix, rays: tuple[Ray, ...]) -> Vector:
    """`(2,)` metres from the outer side to the middle: the inner side's rays meet the wall there (median of looks)."""
    widths = []
    for look, ray in zip(looks, rays, strict=True):
        along = heading_vector(ray.heading_deg)
        inner = heading_vector(ray.inner_deg)
        across = along[0] * inner[1] - along[1] * inner[0]
        if abs(across) > _LEAST_SLANT:
            away = look[:2] - state[:2]
            widths.append(float((away[0] * inner[1] - away[1] * inner[0]) / across))
    if not widths:
        return np.zeros(2)
    width_m = float(np.clip(np.median(widths), -_MOST_WIDTH_M, _MOST_WIDTH_M))
    return np.asarray(heading_vector(rays[-1].heading_deg) * width_m / 2)


def _scan(looks: Matrix, sigmas: Vector) -> Vector:
    """The best of some depths along the last ray."""
    last = looks[-1]
    states = np.stack(
        [
            last[0] + _DEPTHS_M * math.sin(last[3]),
            last[1] + _DEPTHS_M * math.cos(last[3]),
            last[2] + _DEPTHS_M * math.tan(last[4]),
            np.log(_DEPTHS_M) + last[5],
            np.zeros_like(_DEPTHS_M),
        ],
        axis=1,
    )
    costs = np.square(_residuals(states, looks, sigmas)).sum(axis=1)
    return np.asarray(states[int(costs.argmin())])


def _refine(state: Vector, looks: Matrix, sigmas: Vector) -> tuple[Vector, Matrix]:
    information = np.eye(5)
    for _ in range(_STEPS):
        trials = state + np.vstack([np.zeros(5), np.eye(5) * _NUDGE])
        residuals = _residuals(trials, looks, sigmas)
        jacobian = (residuals[1:] - residuals[0]).T / _NUDGE
        information = jacobian.T @ jacobian
        step = np.linalg.solve(information + np.eye(5) * 1e-3, -jacobian.T @ residuals[0])
        state = state + np.clip(step, -5.0, 5.0)
    return state, information


def _residuals(states: Matrix, looks: Matrix, sigmas: Vector) -> Matrix:
    """`(m, 3 n + 1)` residuals in sigmas of `(m, 5)` states: east, north, up, log(height_m * 57.3), common turn.

    The logarithm of the angular height is linear in that of the distance, as long as angles are small.
    """
    east, north = states[:, 0:1] - looks[:, 0], states[:, 1:2] - looks[:, 1]
    reach = np.hypot(east, north) + 1e-6
    bearing = (np.arctan2(east, north) - looks[:, 3] + math.pi) % (2 * math.pi) - math.pi
    elevation = np.arctan2(states[:, 2:3] - looks[:, 2], reach) - looks[:, 4]
    size = _forgiving((states[:, 3:4] - np.log(reach) - looks[:, 5]) / sigmas[2])
    common = states[:, 4:5]
    return np.concatenate([(bearing - common) / sigmas[0], elevation / sigmas[1], size, common / sigmas[3]], axis=1)


def _forgiving(too_small: Matrix) -> Matrix:
    """Residuals of the size, those of looks that show too little of the thing held small.

    What stands before a thing makes it smaller, never larger. So one side is weighed as Cauchy does: its square is
    `c^2 log(1 + r^2 / c^2)` (Zhang, Parameter estimation techniques, 1997, table 1).
    """
    hidden = _COVERED_SIGMAS * np.sqrt(np.log1p(np.square(too_small / _COVERED_SIGMAS)))
    return np.where(too_small > 0, hidden, too_small)
