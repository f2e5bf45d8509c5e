"""Tracks of a pass find the candidates they belong to.

All tracks of a pass share one shift: the error of the fix, which wanders slowly. So a pass is first laid onto the map
of candidates (a two-dimensional Kalman filter of the shift), and tracks that become ripe in the same frame are linked
jointly: each possible pair is tried as the one that fixes the shift, the rest is assigned one-to-one under it, and the
cheapest whole wins. Two like things some metres apart are told apart that way although one fix alone could not.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from scipy.optimize import linear_sum_assignment

from inference_server.domain.candidate import Candidate, CandidateId, Pass, Track, TrackId, cov_tuple
from inference_server.domain.geo import LatLon, LocalPlane, Matrix, Vector
from inference_server.domain.policy import MatchRules
from inference_server.domain.track import matrix

_NEVER = 1e6


@dataclass(frozen=True, slots=True)
class Shift:
    """Where a pass lies against the map: `(2,)` metres east-north and `(2, 2)` covariance."""

    mean: Vector
    cov: Matrix

    def seen(self, gap: Vector, noise: Matrix) -> "Shift":
        """The shift after one matched thing: `gap` is track minus anchor, `noise` the covariance of both."""
        gain = self.cov @ np.linalg.inv(self.cov + noise)
        return Shift(self.mean + gain @ (gap - self.mean), (np.eye(2) - gain) @ self.cov)


def first_shift(fix_sigma_m: float) -> tuple[float, float, float]:
    """Covariance of the shift of a fresh pass: two fixes are unsure, its own and that of the map."""
    variance = 2 * fix_sigma_m**2
    return variance, 0.0, variance


def predicted(drive: Pass, at: datetime, position: LatLon, fix_sigma_m: float, correlation_s: float) -> Pass:
    """The pass some moments later: the shift fades and grows unsure as its correlation is lost."""
    seconds = max(0.0, (at - drive.last_at).total_seconds())
    kept = math.exp(-seconds / correlation_s)
    unsure = np.array(first_shift(fix_sigma_m))
    cov = np.array(drive.offset_cov_m2) * kept**2 + unsure * (1 - kept**2)
    if at <= drive.last_at:
        return drive
    return replace(
        drive,
        last_at=at,
        last_position=position,
        offset_m=(drive.offset_m[0] * kept, drive.offset_m[1] * kept),
        offset_cov_m2=(float(cov[0]), float(cov[1]), float(cov[2])),
    )


def shift_of(drive: Pass) -> Shift:
    """The shift of a pass as arrays."""
    return Shift(np.array(drive.offset_m), matrix(drive.offset_cov_m2))


def with_shift(drive: Pass, shift: Shift) -> Pass:
    """The pass with another shift."""
    return replace(drive, offset_m=(float(shift.mean[0]), float(shift.mean[1])), offset_cov_m2=cov_tuple(shift.cov))


@dataclass(frozen=True, slots=True, kw_only=True)
class Linking:
    """Joint assignment of ripe tracks to candidates around one place."""

    plane: LocalPlane
    rules: MatchRules
    taken: dict[TrackId, frozenset[CandidateId]]  # by track id: what was seen beside it and so cannot be it

    def gap(self, track: Track, candidate: Candidate) -> Vector:
        """`(2,)` metres from the candidate's anchor to the track."""
        assert track.position is not None
        return self.plane.metres(track.position) - self.plane.metres(candidate.anchor)

    def noise(self, track: Track, candidate: Candidate) -> Matrix:
        """`(2, 2)` covariance of the gap, without the shift."""
        assert track.cov_m2 is not None
        return matrix(track.cov_m2) + matrix(candidate.anchor_cov_m2) + np.eye(2) * self.rules.map_floor_m**2

    def link(
        self, ripe: Sequence[Track], candidates: Sequence[Candidate], shift: Shift
    ) -> tuple[dict[TrackId, Candidate], Shift]:
        """Candidate by track id (tracks that are new are missing), and the shift after them."""
        if not ripe or not candidates:
            return {}, shift
        alone = self._assign(ripe, candidates, shift, None)
        best = alone
        for i, track in enumerate(ripe):
            for j, candidate in enumerate(candidates):
                if self._cost(track, candidate, shift) <= self.rules.link_gate_sigmas**2:
                    trial = self._assign(ripe, candidates, shift, (i, j))
                    best = min(best, trial, key=lambda t: t[0])
        pairs = best[1]
        for i, j in pairs:
            shift = shift.seen(self.gap(ripe[i], candidates[j]), self.noise(ripe[i], candidates[j]))
        return {ripe[i].id: candidates[j] for i, j in pairs}, shift

    def _assign(
        self, ripe: Sequence[Track], candidates: Sequence[Candidate], shift: Shift, seed: tuple[int, int] | None
    ) -> tuple[float, list[tuple[int, int]]]:
        """Total cost and pairs when `seed` is taken as sure first; a track without a candidate costs the gate."""
        gate = self.rules.link_gate_sigmas**2
        total = 0.0
        if seed is not None:
            i, j = seed
            total = self._cost(ripe[i], candidates[j], shift)
            shift = shift.seen(self.gap(ripe[i], candidates[j]), self.noise(ripe[i], candidates[j]))
        rows = [i for i in range(len(ripe)) if seed is None or i != seed[0]]
        columns = [j for j in range(len(candidates)) if seed is None or j != seed[1]]
        pairs = [] if seed is None else [seed]
        if rows and columns:
            costs = np.array([[self._cost(ripe[i], candidates[j], shift) for j in columns] for i in rows])
            taken = linear_sum_assignment(np.minimum(costs, gate))
            pairs += [(rows[r], columns[c]) for r, c in zip(*taken, strict=True) if costs[r, c] < gate]
            total += float(np.minimum(costs, gate)[taken].sum()) + gate * (len(rows) - len(taken[0]))
        elif rows:
            total += gate * len(rows)
        return total, pairs

    def _cost(self, track: Track, candidate: Candidate, shift: Shift) -> float:
        if candidate.class_group != track.class_group or candidate.contact is not track.contact:
            return _NEVER
        if candidate.id in self.taken.get(track.id, frozenset()):
            return _NEVER
        gap = self.gap(track, candidate) - shift.mean
        cost = float(gap @ np.linalg.solve(self.noise(track, candidate) + shift.cov, gap))
        if candidate.class_name != track.class_name:
            cost += self.rules.wrong_class_cost
        if _on_other_side(track.side_deg, candidate.side_deg):
            cost += self.rules.wrong_side_cost
        return cost


def _on_other_side(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return False
    return abs((a - b + 180.0) % 360.0 - 180.0) > 120.0


def is_ripe(track: Track, tracks: Sequence[Track], plane: LocalPlane, rules: MatchRules) -> bool:
    """Whether a track has been seen often enough to be linked.

    One that has a like neighbour still unripe waits for it a little: together they are told apart, alone they may not.
    """
    if track.candidate_id is not None or track.position is None or track.observations < rules.link_after:
        return False
    if track.observations >= 2 * rules.link_after:
        return True
    here = plane.metres(track.position)
    for other in tracks:
        if other.id == track.id or other.class_group != track.class_group or other.position is None:
            continue
        is_young = other.candidate_id is None and other.observations < rules.link_after
        if is_young and float(np.hypot(*(plane.metres(other.position) - here))) < rules.neighbour_m:
            return False
    return True


def taken_beside(track: Track, tracks: Sequence[Track]) -> frozenset[CandidateId]:
    """Candidates of tracks that were seen while this one was: two things seen at once are two things."""
    return frozenset(t.candidate_id for t in tracks if t.candidate_id is not None and t.last_at >= track.first_at)
