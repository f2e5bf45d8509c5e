"""The ground round a region, from points that only the geometry of the whole picture brings together.

Slabs and asphalt hardly stand out: a point of them has many equals in a street, but few on its epipolar line.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from inference_server.domain.observation import Box
from inference_server.scene.features import Features
from inference_server.scene.geometry import Matrix, fit_homography
from inference_server.scene.matching import RATIO, Matches, Values, unit

_LINE_PX = 2.0  # between a point and the epipolar line of the other one
_LEAST_ALIKE = 0.6  # cosine of descriptors; on a line there may be nothing like it
_SAME_POINT_PX = 3.0  # one place gives several points, of several scales or directions
_MARGINS = (2.0, 3.0)  # sides of the region: how far from it points may lie, the nearer ones first
_MOST_PLANES = 3  # wall, pavement, road
_LEAST_ON_PLANE = 10
_LEAST_SHARE = 0.3  # of the matches that were left; of matches of two places a seventh agrees by chance


def plane_round(before: Features, after: Features, region: Box, fundamental: Matrix) -> Matrix | None:
    """The homography of a plane whose matched points enclose the region; None where the ground gives too few of them.

    One plane after the other is looked for, without the points of those before: of wall, pavement and road one holds
    the region between its points.
    """
    for margins in _MARGINS:
        left = guided_matches(before, after, region, fundamental, margins)
        for _ in range(_MOST_PLANES):
            homography, agree = fit_homography(left)
            if homography is None or agree.sum() < max(_LEAST_ON_PLANE, _LEAST_SHARE * len(left)):
                break
            if encloses(left.where(agree), region):
                return homography
            left = left.where(~agree)
    return None


def encloses(matches: Matches, region: Box) -> bool:
    """Whether middle and foot of the region lie within the convex hull of the matched points before."""
    if len(matches) < _LEAST_ON_PLANE:
        return False
    hull = cv2.convexHull(matches.before_px.astype(np.float32))
    middle = (region.x1 + region.x2) / 2
    return all(cv2.pointPolygonTest(hull, (middle, y), False) >= 0 for y in ((region.y1 + region.y2) / 2, region.y2))


def guided_matches(before: Features, after: Features, region: Box, fundamental: Matrix, margins: float) -> Matches:
    """The matches of points round the region, at most `margins` of its sides away, that choose each other among all
    that lie on each other's epipolar line; clearly before the next one there. Points inside the region do not count.

    fundamental: (3, 3) float64, x' F x = 0 for pixels before x and after x'.
    """
    rows = np.flatnonzero(around(region, before.points_px, margins) & ~around(region, before.points_px, 0.0))
    if not len(rows) or not len(after):
        return Matches(before.points_px[:0], after.points_px[:0])
    alike = unit(before.descriptors[rows]) @ unit(after.descriptors).T
    alike[_off_line(before.points_px[rows], after.points_px, fundamental) > _LINE_PX] = -1.0
    choice, back = alike.argmax(axis=1), alike.argmax(axis=0)
    lines = np.arange(len(rows))
    best = alike[lines, choice]
    apart = np.linalg.norm(after.points_px[None] - after.points_px[choice][:, None], axis=2)
    second = np.where(apart > _SAME_POINT_PX, alike, 0.0).max(axis=1)
    clear = (1.0 - best) < RATIO**2 * (1.0 - np.maximum(second, 0.0))
    kept = (best > _LEAST_ALIKE) & clear & (back[choice] == lines)
    return Matches(before.points_px[rows[kept]], after.points_px[choice[kept]])


def around(region: Box, points_px: NDArray[np.float32], margins: float) -> NDArray[np.bool_]:
    """(n,): which of (n, 2) points lie in the region or at most so many of its sides beyond its edges."""
    wide, high = margins * region.width_px, margins * region.height_px
    x, y = points_px.T
    return np.asarray(
        (x >= region.x1 - wide) & (x <= region.x2 + wide) & (y >= region.y1 - high) & (y <= region.y2 + high)
    )


def _off_line(before_px: NDArray[np.float32], after_px: NDArray[np.float32], fundamental: Matrix) -> Values:
    """(n, m): pixels after between each of (m, 2) points and the epipolar line of each of (n, 2) points before."""
    lines = np.column_stack([before_px, np.ones(len(before_px))]) @ fundamental.T
    lines /= np.maximum(np.linalg.norm(lines[:, :2], axis=1, keepdims=True), 1e-12)
    return np.asarray(np.abs(lines @ np.column_stack([after_px, np.ones(len(after_px))]).T), np.float32)
