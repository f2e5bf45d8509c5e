"""Candidates: what tracks of several passes add up to.

One pass gives one position measurement, however many frames it had: the error of the fix hardly changes while a
vehicle goes by. The position of a candidate is the mean over passes, weighted by their covariances. What stays for
years is seen thousands of times: only its latest measurements are kept apart, older ones as what they add up to.
"""

import math
import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import numpy as np

from inference_server.domain.candidate import Candidate, CandidateId, Cov, PassPosition, Track, TrackId, cov_tuple
from inference_server.domain.geo import LatLon, LocalPlane, Matrix
from inference_server.domain.place import Pose
from inference_server.domain.policy import ErrorModel
from inference_server.domain.track import larger, matrix

_NAMESPACE = uuid.UUID("c7a6d9c8-18f4-5a6e-8a35-94d2a9b7b6de")
_SAME_PASS_S = 60.0
_TYPICAL_RANGE_M = 9.0
_MOST_APART = 16  # measurements of a candidate that are kept apart: they are read and written at each look
_MOST_BESIDE = 32  # of the older tracks that were seen beside it


def measured(track: Track, pose: Pose, errors: ErrorModel) -> PassPosition:
    """What a placed track measures, with the errors that all its frames share: fix, lag, common part of the heading."""
    assert track.position is not None
    assert track.cov_m2 is not None
    lag_m = errors.lag_sigma_s * pose.speed_mps
    swing_m = math.radians(errors.heading_sigma_deg * math.sqrt(errors.heading_common_share)) * _TYPICAL_RANGE_M
    shared = np.eye(2) * (pose.fix_sigma_m**2 + lag_m**2 / 2 + swing_m**2)
    return PassPosition(
        track_id=track.id,
        pass_id=track.pass_id,
        since=track.first_at,
        at=track.last_at,
        position=track.position,
        cov_m2=cov_tuple(matrix(track.cov_m2) + shared),
        class_scores=track.class_scores,
        observations=track.observations,
        best_certainty=track.best_certainty,
        mean_certainty=track.sum_certainty / track.observations,
        best_score=track.best_score,
        beside=track.beside,
    )


def begun(track: Track, seen: PassPosition) -> Candidate:
    """A candidate from its first track."""
    assert track.position is not None
    assert track.cov_m2 is not None
    return Candidate(
        id=CandidateId(uuid.uuid5(_NAMESPACE, track.id).hex),
        class_group=track.class_group,
        contact=track.contact,
        anchor=track.position,
        anchor_cov_m2=track.cov_m2,
        origin_track=track.id,
        origin_pass=track.pass_id,
        origin_at=track.last_at,
        position=seen.position,
        cov_m2=seen.cov_m2,
        passes=(seen,),
        first_at=track.first_at,
        last_at=track.last_at,
        near=track.near,
        far=track.far,
        side_deg=track.side_deg,
    )


def joined(candidate: Candidate, track: Track, seen: PassPosition, pictures_for: timedelta | None = None) -> Candidate:
    """The candidate with what a track of it has measured so far (the same track again replaces its measurement).

    pictures_for: so long after it was last seen its pictures may be gone, and are no evidence any more. None: never.
    """
    if pictures_for is not None and track.first_at - candidate.last_at > pictures_for:
        candidate = replace(candidate, near=None, far=None)
    others = (p for p in candidate.passes if p.observations and (p.track_id != track.id or p.tracks > 1))
    passes = folded((*others, seen), but=track.id)
    position, cov = fused(passes)
    return replace(
        _followed(candidate, track),
        passes=passes,
        position=position,
        cov_m2=cov,
        first_at=min(candidate.first_at, track.first_at),
        last_at=max(candidate.last_at, track.last_at),
        near=larger(candidate.near, track.near),
        far=candidate.far or track.far,
        side_deg=candidate.side_deg if candidate.side_deg is not None else track.side_deg,
    )


def _followed(candidate: Candidate, track: Track) -> Candidate:
    """The candidate with its anchor where the track that found it has it by now.

    The first track of a thing that somebody has only told of counts as the one that found it.
    """
    is_its = track.id == candidate.origin_track or not candidate.is_seen
    if not is_its or track.position is None or track.cov_m2 is None:
        return candidate
    return replace(
        candidate,
        anchor=track.position,
        anchor_cov_m2=track.cov_m2,
        origin_track=track.id,
        origin_pass=track.pass_id,
        origin_at=track.last_at,
    )


def folded(passes: Iterable[PassPosition], but: TrackId | None = None) -> tuple[PassPosition, ...]:
    """The measurements by time, the oldest ones made one until few enough are left. `but`: still being measured."""
    kept = sorted(passes, key=lambda p: (p.at, p.track_id))
    while len(kept) > _MOST_APART:
        old, next_one = [one for one in kept if one.track_id != but][:2]
        kept.remove(next_one)
        kept[kept.index(old)] = _added(old, next_one)
    return tuple(kept)


def _added(old: PassPosition, new: PassPosition) -> PassPosition:
    """What two measurements add up to, in the place of the newer one."""
    position, cov = fused((old, new))
    best = max(old, new, key=lambda p: (p.best_certainty, p.track_id))
    names = sorted({*old.class_scores, *new.class_scores})
    return replace(
        new,
        since=min(old.since, new.since),
        position=position,
        cov_m2=cov,
        class_scores={name: old.class_scores.get(name, 0.0) + new.class_scores.get(name, 0.0) for name in names},
        observations=old.observations + new.observations,
        best_certainty=best.best_certainty,
        mean_certainty=best.mean_certainty,
        best_score=max(old.best_score, new.best_score),
        beside=(*old.beside, *new.beside)[-_MOST_BESIDE:],
        tracks=old.tracks + new.tracks,
    )


def fused(passes: tuple[PassPosition, ...]) -> tuple[LatLon, Cov]:
    """The weighted mean of independent passes and its covariance (information form)."""
    plane = LocalPlane(passes[0].position)
    information, pull = np.zeros((2, 2)), np.zeros(2)
    for seen in independent(passes):
        weight: Matrix = np.asarray(np.linalg.inv(matrix(seen.cov_m2)), dtype=np.float64)
        information = information + weight
        pull = pull + weight @ plane.metres(seen.position)
    covariance: Matrix = np.asarray(np.linalg.inv(information), dtype=np.float64)
    return plane.latlon(covariance @ pull), cov_tuple(covariance)


def independent(passes: tuple[PassPosition, ...]) -> list[PassPosition]:
    """One measurement of each going-by: of broken tracks of one pass, the one with the most observations."""
    best: list[PassPosition] = []
    for seen in sorted(passes, key=lambda p: (-p.observations, p.track_id)):
        if all(p.pass_id != seen.pass_id or abs((p.at - seen.at).total_seconds()) > _SAME_PASS_S for p in best):
            best.append(seen)
    return best
