"""The baseline of the shared data's README: RootSIFT 2048 at 800 px, mutual ratio 0.8, OpenCV's USAC_MAGSAC."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from verify_parts.pairs import Pair
from verify_parts.work import kept

FUNDAMENTAL_AT, HOMOGRAPHY_AT = 12, 8  # inliers at which the README accepts
_LONG_SIDE_PX, _POINTS, _RATIO = 800, 2048, 0.8
_EPIPOLAR_PX, _REPROJECTION_PX, _SURE, _TRIES = 1.5, 4.0, 0.999, 10_000


@dataclass(frozen=True, slots=True)
class Inliers:
    """How many matches agree; `failed` where OpenCV raised an error instead of answering."""

    fundamental: int
    homography: int
    failed: bool = False


def inliers(pair: Pair) -> Inliers:
    """Of one pair."""
    return kept(
        "baseline", f"{pair.before} {pair.after}", (), lambda: _inliers(_points(pair.before), _points(pair.after))
    )


def _points(path: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    factor = _LONG_SIDE_PX / max(grey.shape)
    if factor < 1.0:
        grey = cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    keypoints, raw = cv2.SIFT_create(_POINTS).detectAndCompute(grey, None)
    if raw is None:
        return np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32)
    values = np.sqrt(raw / np.maximum(raw.sum(axis=1, keepdims=True), 1e-9))
    return np.array([point.pt for point in keypoints], np.float32), values.astype(np.float32)


def _inliers(
    before: tuple[NDArray[np.float32], NDArray[np.float32]], after: tuple[NDArray[np.float32], NDArray[np.float32]]
) -> Inliers:
    if min(len(before[1]), len(after[1])) < 2:
        return Inliers(0, 0)
    matcher = cv2.BFMatcher(cv2.NORM_L2)
    there = {
        m.queryIdx: m.trainIdx for m, n in matcher.knnMatch(before[1], after[1], 2) if m.distance < _RATIO * n.distance
    }
    back = {m.queryIdx: m.trainIdx for m in matcher.match(after[1], before[1])}
    mutual = [(one, other) for one, other in there.items() if back[other] == one]
    if len(mutual) < FUNDAMENTAL_AT:
        return Inliers(0, 0)
    left, right = (np.array(side) for side in zip(*mutual, strict=True))
    source, target = before[0][left], after[0][right]
    try:
        _, epipolar = cv2.findFundamentalMat(source, target, cv2.USAC_MAGSAC, _EPIPOLAR_PX, _SURE, _TRIES)
        _, planar = cv2.findHomography(source, target, cv2.USAC_MAGSAC, _REPROJECTION_PX, None, _TRIES, _SURE)
    except cv2.error:  # an assertion inside USAC, on some pairs
        return Inliers(0, 0, failed=True)
    return Inliers(*(0 if mask is None else int(mask.sum()) for mask in (epipolar, planar)))
