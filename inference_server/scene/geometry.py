"""The one movement that explains the matches of two photographs: a homography and a fundamental matrix."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import poselib
from numpy.typing import NDArray

from inference_server.scene.matching import Matches

Matrix = NDArray[np.float64]
Flags = NDArray[np.bool_]

_HOMOGRAPHY_ERROR_PX = 4.0
_EPIPOLAR_ERROR_PX = 1.5
_LEAST_FOR_HOMOGRAPHY = 5  # four points fit any homography and prove nothing
_LEAST_FOR_EPIPOLAR = 8  # seven points fit any fundamental matrix
_MOST_SCALE = 6.0  # of lengths between the two pictures, anywhere among the matched points
_SAMPLING: Mapping[str, Any] = {"min_iterations": 500, "max_iterations": 3000, "seed": 0}


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """homography: (3, 3) float64 pixels before to pixels after, or None where none sane holds. fundamental: (3, 3)
    float64, x' F x = 0 for pixels before x and after x', or None. planar, epipolar: (n,) bool, which matches agree with
    the one and with the other."""

    homography: Matrix | None
    fundamental: Matrix | None
    planar: Flags
    epipolar: Flags


def explain(matches: Matches) -> Geometry:
    """The geometry that holds most matches together; the same for the same matches, always."""
    homography, planar = fit_homography(matches)
    fundamental, epipolar = _fit_epipolar(matches)
    return Geometry(homography, fundamental, planar, epipolar)


def fit_homography(matches: Matches) -> tuple[Matrix | None, Flags]:
    """The homography that most matches agree with, and which; None where it mirrors, collapses or scales beyond use."""
    found, agree = _estimate(poselib.estimate_homography, matches, "max_reproj_error", _HOMOGRAPHY_ERROR_PX)
    if found is None or agree.sum() < _LEAST_FOR_HOMOGRAPHY or not is_sane(found, matches.before_px[agree]):
        return None, np.zeros(len(matches), np.bool_)
    return found / found[2, 2], agree


def agrees(homography: Matrix, matches: Matches) -> Flags:
    """(n,) bool: which matches the homography lays less than its error apart."""
    lifted = np.column_stack([matches.before_px, np.ones(len(matches))]) @ homography.T
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.linalg.norm(lifted[:, :2] / lifted[:, 2:] - matches.after_px, axis=1)
    return np.asarray(apart < _HOMOGRAPHY_ERROR_PX, np.bool_)


def _fit_epipolar(matches: Matches) -> tuple[Matrix | None, Flags]:
    if len(matches) < _LEAST_FOR_EPIPOLAR:
        return None, np.zeros(len(matches), np.bool_)
    found, agree = _estimate(poselib.estimate_fundamental, matches, "max_epipolar_error", _EPIPOLAR_ERROR_PX)
    return (None, np.zeros(len(matches), np.bool_)) if found is None else (found, agree)


def _estimate(
    estimator: Callable[..., tuple[Matrix, dict[str, Any]]], matches: Matches, error_name: str, error_px: float
) -> tuple[Matrix | None, Flags]:
    if len(matches) < _LEAST_FOR_HOMOGRAPHY:  # with fewer points than a model needs PoseLib returns unset memory
        return None, np.zeros(len(matches), np.bool_)
    before, after = matches.before_px.astype(np.float64), matches.after_px.astype(np.float64)
    found, info = estimator(before, after, {error_name: error_px, **_SAMPLING}, {})
    agree = np.asarray(info["inliers"], np.bool_)
    if not np.isfinite(found).all() or len(agree) != len(matches):
        return None, np.zeros(len(matches), np.bool_)
    return found, agree


def is_sane(homography: Matrix, points_px: NDArray[np.float32]) -> bool:
    """Whether two cameras can see (n, 2) points so: in front of both, not mirrored, not scaled beyond use.

    The local scale is the square root of the Jacobian's determinant, det H / w**3, with w the third coordinate
    (Hartley and Zisserman, "Multiple View Geometry", chapter 2).
    """
    h = homography / np.linalg.norm(homography)
    w = points_px.astype(np.float64) @ h[2, :2] + h[2, 2]
    if not len(w) or np.abs(w).min() < 1e-9 or len(np.unique(np.sign(w))) > 1:
        return False
    areas = np.linalg.det(h) / w**3
    return bool((areas > _MOST_SCALE**-2).all() and (areas < _MOST_SCALE**2).all())
