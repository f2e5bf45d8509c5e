"""PoseLib against OpenCV's USAC_MAGSAC on the same matches: evidence, time, and pairs that raise an error."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from inference_server.scene.evidence import ACCEPT_AT, keeps_order, weigh
from inference_server.scene.geometry import Flags, explain
from inference_server.scene.matching import Matches, match
from verify_parts.figures import Figure
from verify_parts.pairs import HONEST, Pair, closure_pairs, cross_pairs
from verify_parts.work import Work, kept_look

PART = "estimators"
_EPIPOLAR_PX, _REPROJECTION_PX, _SURE, _TRIES = 1.5, 4.0, 0.999, 10_000
_CROSS = 240


@dataclass(frozen=True, slots=True)
class _Tried:
    poselib: float
    opencv: float
    poselib_ms: float
    opencv_ms: float
    failed: bool


def run(work: Work) -> Iterator[Figure]:
    """Accepted honest pairs and different places, by each estimator; the rest of the gate is the same."""
    same = closure_pairs(*HONEST)
    crossed = cross_pairs()
    different = crossed[:: len(crossed) // _CROSS][:_CROSS]
    for name, pairs in (("honest pairs", work.few(same)), ("cross pairs", work.few(different))):
        tried = list(work.spread(_try, pairs, name))
        more = {
            "poselib_ms": round(float(np.mean([one.poselib_ms for one in tried])), 1),
            "opencv_ms": round(float(np.mean([one.opencv_ms for one in tried])), 1),
            "opencv_errors": sum(one.failed for one in tried),
        }
        for estimator in ("poselib", "opencv"):
            values = [getattr(one, estimator) for one in tried]
            count = sum(value >= ACCEPT_AT for value in values)
            told = {**more, "highest": max(values), "evidence": round(float(np.mean(values)), 2)}
            yield Figure(part=PART, name=f"{name} accepted by {estimator}", count=count, of=len(tried), more=told)


def _try(pair: Pair) -> _Tried:
    before, after = kept_look(pair.before), kept_look(pair.after)
    found = match(before.features, after.features)
    sizes = (before.features.size_px, after.features.size_px)
    started_s = time.process_time()
    geometry = explain(found)
    between_s = time.process_time()
    opencv = _opencv(found)
    ended_s = time.process_time()
    values = [_evidence(found, flags, sizes) for flags in (geometry.planar | geometry.epipolar, opencv)]
    return _Tried(*values, 1e3 * (between_s - started_s), 1e3 * (ended_s - between_s), opencv is None)


def _evidence(found: Matches, flags: Flags | None, sizes_px: tuple[tuple[int, int], tuple[int, int]]) -> float:
    if flags is None:
        return 0.0
    agree = found.where(flags)
    return weigh(agree.where(keeps_order(agree)), sizes_px).value


def _opencv(found: Matches) -> Flags | None:
    """Which matches agree; None where OpenCV raised an error."""
    if len(found) < 8:
        return np.zeros(len(found), np.bool_)
    try:
        _, epipolar = cv2.findFundamentalMat(
            found.before_px, found.after_px, cv2.USAC_MAGSAC, _EPIPOLAR_PX, _SURE, _TRIES
        )
        _, planar = cv2.findHomography(
            found.before_px, found.after_px, cv2.USAC_MAGSAC, _REPROJECTION_PX, None, _TRIES, _SURE
        )
    except cv2.error:
        return None
    masks = [np.zeros(len(found), np.bool_) if mask is None else mask.ravel() > 0 for mask in (epipolar, planar)]
    return masks[0] | masks[1]
