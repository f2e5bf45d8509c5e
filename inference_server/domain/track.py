"""Observations of one pass become tracks: fused by geometry in the coordinates of the raw fixes.

A fix wanders (its error is correlated over some tens of seconds), so the place of a standing thing wanders with it: the
track is a Kalman filter of a random walk. Association is one-to-one by statistical distance (Hungarian method).
"""

import math
import uuid
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from scipy.optimize import linear_sum_assignment

from inference_server.domain.candidate import PassId, Ray, Snapshot, Track, TrackId, cov_tuple
from inference_server.domain.frame import Frame
from inference_server.domain.geo import LocalPlane, Matrix, Vector
from inference_server.domain.observation import Observation
from inference_server.domain.place import Pose, swing_sigma_deg
from inference_server.domain.policy import ErrorModel, MatchRules
from inference_server.domain.swing import Placed, Swing, swing_of
from inference_server.domain.triangulate import Fixed, triangulate

_NAMESPACE = uuid.UUID("a0f1c2de-7b1f-5b63-9a53-2f6d8d5f4a10")
_MAX_RAYS = 16
_SIDE_MIN_M = 3.0
_RAY_GATE_CHI2 = 14.0
_NEVER = 1e6
_MOST_TURN_DEG = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """One frame's association: the pass, the pose, the rules."""

    pass_id: PassId
    frame: Frame
    pose: Pose
    camera_height_m: float
    rules: MatchRules
    errors: ErrorModel
    groups: dict[str, str]  # class name -> class group
    review_at: dict[str, float]  # class name -> certainty from which a look is worth keeping as evidence

    def associate(self, tracks: list[Track], seen: list[Observation]) -> list[Track]:
        """The track of each observation, updated by it; new tracks where none fits.

        Who is who is asked with the heading put right. Places are fused as the headings gave them: their errors
        average out, while headings put right by tracks would all repeat that of the first frame.
        """
        if not seen:
            return []
        swing = self._swing(tracks, seen)
        turned = [self._turned(one, swing) for one in seen]
        costs = np.array([[self._cost(track, one) for track in tracks] for one in turned])
        costs = costs.reshape(len(seen), len(tracks))
        joined: dict[int, int] = {}
        if tracks:
            gate = self.rules.track_gate_sigmas**2
            # A forbidden pair costs more than leaving both alone, so that it never pushes a good pair out.
            rows, columns = linear_sum_assignment(np.minimum(costs, gate * 4))
            joined = {int(r): int(c) for r, c in zip(rows, columns, strict=True) if costs[r, c] <= gate}
        found = [
            self._updated(tracks[joined[i]], one) if i in joined else self._begun(one) for i, one in enumerate(seen)
        ]
        return [_seen_beside(track, found) for track in found]

    def _swing(self, tracks: list[Track], seen: list[Observation]) -> Swing:
        """How far this frame's heading is off against the tracks."""
        plane, own = LocalPlane(self.pose.position), []
        sigma_deg = swing_sigma_deg(self.pose, self.errors)
        for one in seen:
            if one.position is not None and one.relative_cov_m2 is not None:
                place = plane.metres(one.position)
                group = self.groups[one.detection.class_name]
                own.append((place, one.relative_cov_m2 - _swung(place, sigma_deg), group))
        known = []
        for track in tracks:
            if track.position is not None and track.cov_m2 is not None and not track.rays:
                drift = np.eye(2) * self._drift_m2(track.last_at)
                known.append((plane.metres(track.position), matrix(track.cov_m2) + drift, track.class_group))
        return swing_of(_placed(own), _placed(known), sigma_deg, self.rules.track_gate_sigmas**2)

    def _turned(self, one: Observation, swing: Swing) -> Observation:
        """An observation as it would be with the right heading."""
        if one.bearing_deg is None:
            return one
        bearing = (one.bearing_deg + swing.turn_deg) % 360.0
        inner = None if one.inner_deg is None else (one.inner_deg + swing.turn_deg) % 360.0
        if one.position is None or one.relative_cov_m2 is None:
            return replace(one, bearing_deg=bearing, inner_deg=inner)
        plane = LocalPlane(self.pose.position)
        place = plane.metres(one.position)
        left = one.relative_cov_m2 - _swung(place, swing_sigma_deg(self.pose, self.errors))
        there = swing.turned(place)
        cov = left + _swung(there, swing.sigma_deg)
        return replace(one, bearing_deg=bearing, position=plane.latlon(there), relative_cov_m2=cov)

    def _cost(self, track: Track, one: Observation) -> float:
        name = one.detection.class_name
        if self.groups.get(name) != track.class_group or one.contact is not track.contact:
            return _NEVER
        extra = 0.0 if name == track.class_name else self.rules.track_class_cost
        if one.position is None:
            return self._ray_cost(track, one) + extra
        if track.position is None or track.cov_m2 is None or one.relative_cov_m2 is None:
            return _NEVER
        plane = LocalPlane(self.pose.position)
        gap = plane.metres(one.position) - plane.metres(track.position)
        spread = matrix(track.cov_m2) + one.relative_cov_m2 + np.eye(2) * self._drift_m2(track.last_at)
        return float(gap @ np.linalg.solve(spread, gap)) + extra

    def _ray_cost(self, track: Track, one: Observation) -> float:
        if one.bearing_deg is None or not track.rays:
            return _NEVER
        turn = (one.bearing_deg - track.rays[-1].bearing_deg + 180.0) % 360.0 - 180.0
        if abs(turn) > _MOST_TURN_DEG or not 0.4 < one.height_deg / max(track.rays[-1].height_deg, 0.05) < 2.5:
            return _NEVER  # no thing on a wall moves or grows like that between two frames
        before = self._triangulated(track.rays)
        after = self._triangulated((*track.rays, self._ray(one)))
        assert after is not None
        cost = after.chi2 - (before.chi2 if before else 0.0)
        return cost * self.rules.track_gate_sigmas**2 / _RAY_GATE_CHI2

    def _triangulated(self, rays: tuple[Ray, ...]) -> Fixed | None:
        return triangulate(rays, self.errors.heading_sigma_deg, self.errors.heading_common_share)

    def _drift_m2(self, since: datetime) -> float:
        """Variance that the wandering fix adds on one axis (an Ornstein-Uhlenbeck process over a short time)."""
        seconds = abs((self.frame.taken_at - since).total_seconds())
        sigma = self.pose.fix_sigma_m
        return self.rules.track_floor_m**2 + 2 * sigma**2 * (1 - math.exp(-seconds / self.errors.correlation_s))

    def _ray(self, one: Observation) -> Ray:
        assert one.bearing_deg is not None
        assert one.elevation_deg is not None
        return Ray(
            camera_position=one.camera_position,
            camera_height_m=self.camera_height_m,
            bearing_deg=one.bearing_deg,
            elevation_deg=one.elevation_deg,
            height_deg=one.height_deg,
            inner_deg=one.bearing_deg if one.inner_deg is None else one.inner_deg,
            heading_deg=one.bearing_deg if self.pose.heading_deg is None else self.pose.heading_deg,
        )

    def _begun(self, one: Observation) -> Track:
        key = f"{self.frame.id}|{one.detection.index}"
        name = one.detection.class_name
        fresh = Track(
            id=TrackId(uuid.uuid5(_NAMESPACE, key).hex),
            pass_id=self.pass_id,
            class_group=self.groups[name],
            class_scores={},
            contact=one.contact,
            first_at=self.frame.taken_at,
            last_at=self.frame.taken_at,
            observations=0,
            position=one.position,
            cov_m2=None if one.relative_cov_m2 is None else cov_tuple(one.relative_cov_m2),
        )
        return self._counted(fresh, one)

    def _updated(self, track: Track, one: Observation) -> Track:
        if one.position is None:
            return self._counted(track, one)
        assert track.position is not None
        assert track.cov_m2 is not None
        assert one.relative_cov_m2 is not None
        plane = LocalPlane(self.pose.position)
        old, new = plane.metres(track.position), plane.metres(one.position)
        prior = matrix(track.cov_m2) + np.eye(2) * (self._drift_m2(track.last_at) - self.rules.track_floor_m**2)
        gain = prior @ np.linalg.inv(prior + one.relative_cov_m2)
        moved = replace(
            track,
            position=plane.latlon(old + gain @ (new - old)),
            cov_m2=cov_tuple((np.eye(2) - gain) @ prior),
        )
        return self._counted(moved, one)

    def _counted(self, track: Track, one: Observation) -> Track:
        name, certainty = one.detection.class_name, one.detection.certainty
        scores = {**track.class_scores, name: track.class_scores.get(name, 0.0) + certainty}
        snapshot = self._snapshot(one) if self.is_evidence(one) else None
        counted = replace(
            track,
            class_scores=scores,
            last_at=max(track.last_at, self.frame.taken_at),
            observations=track.observations + 1,
            best_certainty=max(track.best_certainty, certainty),
            best_score=max(track.best_score, one.detection.score),
            sum_certainty=track.sum_certainty + certainty,
            near=larger(track.near, snapshot),
            far=track.far or snapshot,
            side_deg=self._side_deg(one) if one.position is not None else track.side_deg,
        )
        return counted if one.bearing_deg is None or one.position is not None else self._with_ray(counted, one)

    def _with_ray(self, track: Track, one: Observation) -> Track:
        rays = (*track.rays, self._ray(one))[-_MAX_RAYS:]
        fixed = self._triangulated(rays)
        if fixed is None or fixed.baseline_m < self.rules.wall_min_baseline_m:
            return replace(track, rays=rays)
        return replace(track, rays=rays, position=fixed.position, cov_m2=cov_tuple(fixed.covariance_m2))

    def is_evidence(self, one: Observation) -> bool:
        """Whether a look is good enough for its picture to be kept."""
        return one.detection.certainty >= self.review_at[one.detection.class_name]

    def _snapshot(self, one: Observation) -> Snapshot:
        return Snapshot(
            frame_id=self.frame.id,
            taken_at=self.frame.taken_at,
            sha256=self.frame.sha256,
            box=one.detection.box,
            score=one.detection.score,
            size_px=one.size_px,
            range_m=one.range_m,
            probability=one.detection.probability,
        )

    def _side_deg(self, one: Observation) -> float | None:
        """Bearing from the vehicle's path straight to the thing; None when it lies on the path."""
        assert one.position is not None
        if self.pose.heading_deg is None:
            return None
        east, north = LocalPlane(self.pose.position).metres(one.position)
        heading = math.radians(self.pose.heading_deg)
        right_m = east * math.cos(heading) - north * math.sin(heading)
        if abs(right_m) < _SIDE_MIN_M:
            return None
        return (self.pose.heading_deg + math.copysign(90.0, right_m)) % 360.0


def matrix(cov: tuple[float, float, float]) -> Matrix:
    """`(2, 2)` covariance of its three numbers."""
    return np.array([[cov[0], cov[1]], [cov[1], cov[2]]])


def _swung(place: Vector, sigma_deg: float) -> Matrix:
    """`(2, 2)` covariance that a heading's deviation gives a place `(2,)` metres from the antenna."""
    step = np.array([place[1], -place[0]]) * math.radians(sigma_deg)
    return np.outer(step, step)


def _placed(rows: list[tuple[Vector, Matrix, str]]) -> Placed:
    return Placed(
        metres=np.array([place for place, _, _ in rows]).reshape(-1, 2),
        cov_m2=np.array([cov for _, cov, _ in rows]).reshape(-1, 2, 2),
        groups=tuple(group for _, _, group in rows),
    )


def _seen_beside(track: Track, found: list[Track]) -> Track:
    """The track that remembers which like ones the same frame showed: those are other things, for certain."""
    like = {t.id for t in found if t.class_group == track.class_group and t.id != track.id}
    return replace(track, beside=tuple(sorted({*track.beside, *like})))


def larger(a: Snapshot | None, b: Snapshot | None) -> Snapshot | None:
    """The look that shows more pixels; the earlier one of equals."""
    if a is None or b is None:
        return a or b
    return b if b.size_px > a.size_px else a
