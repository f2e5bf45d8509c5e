"""Tracks of a pass find the candidates they belong to.

All things that a pass sees share the error of its fixes. What is already linked tells where the pass lies against the
older ones (ties.py), and tracks that become ripe in the same frame are linked jointly: each possible pair is tried as
the one that is sure, the rest is assigned one-to-one under it, and the cheapest whole wins. Two like things some metres
apart are told apart that way although one fix alone could not.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from scipy.optimize import linear_sum_assignment

from inference_server.domain.candidate import Candidate, CandidateId, Track, TrackId
from inference_server.domain.geo import LocalPlane, Matrix, Vector
from inference_server.domain.observation import Contact
from inference_server.domain.policy import MatchRules
from inference_server.domain.ties import Ties, origin_of, tie_of
from inference_server.domain.track import matrix

_NEVER = 1e6


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
        """`(2, 2)` covariance of the gap, without the error of the fixes."""
        assert track.cov_m2 is not None
        return matrix(track.cov_m2) + matrix(candidate.anchor_cov_m2) + np.eye(2) * self.rules.map_floor_m**2

    def tied(self, ties: Ties, track: Track, candidate: Candidate) -> Ties:
        """The ties after a track was found to be of a candidate."""
        return ties.with_tie(tie_of(track, candidate, self.gap(track, candidate), self.noise(track, candidate)))

    def link(
        self, ripe: Sequence[Track], candidates: Sequence[Candidate], ties: Ties
    ) -> tuple[dict[TrackId, Candidate], Ties]:
        """Candidate by track id (tracks that are new are missing), and the ties with theirs."""
        near = [c for c in candidates if any(self._may_be(track, c) for track in ripe)]
        if not ripe or not near:
            return {}, ties
        best = self._assign(ripe, near, ties, None)
        for i, track in enumerate(ripe):
            for j, candidate in enumerate(near):
                if self.cost(track, candidate, ties) <= self.rules.link_gate_sigmas**2:
                    best = min(best, self._assign(ripe, near, ties, (i, j)), key=lambda trial: trial[0])
        for i, j in best[1]:
            ties = self.tied(ties, ripe[i], near[j])
        return {ripe[i].id: near[j] for i, j in best[1]}, ties

    def _assign(
        self, ripe: Sequence[Track], candidates: Sequence[Candidate], ties: Ties, seed: tuple[int, int] | None
    ) -> tuple[float, list[tuple[int, int]]]:
        """Total cost and pairs when `seed` is taken as sure first; a track without a candidate costs the gate."""
        gate = self.rules.link_gate_sigmas**2
        total = 0.0
        if seed is not None:
            i, j = seed
            total = self.cost(ripe[i], candidates[j], ties)
            ties = self.tied(ties, ripe[i], candidates[j])
        rows = [i for i in range(len(ripe)) if seed is None or i != seed[0]]
        columns = [j for j in range(len(candidates)) if seed is None or j != seed[1]]
        pairs = [] if seed is None else [seed]
        if rows and columns:
            costs = np.array([[self.cost(ripe[i], candidates[j], ties) for j in columns] for i in rows])
            taken = linear_sum_assignment(np.minimum(costs, gate))
            pairs += [(rows[r], columns[c]) for r, c in zip(*taken, strict=True) if costs[r, c] < gate]
            total += float(np.minimum(costs, gate)[taken].sum()) + gate * (len(rows) - len(taken[0]))
        elif rows:
            total += gate * len(rows)
        return total, pairs

    def cost(self, track: Track, candidate: Candidate, ties: Ties) -> float:
        """Squared statistical distance, dearer for another class and for the other side of the road."""
        if not self._may_be(track, candidate):
            return _NEVER
        shift = ties.predict(track.last_at, origin_of(candidate))
        gap = self.gap(track, candidate) - shift.mean
        spread = self.noise(track, candidate) + np.eye(2) * shift.variance_m2
        cost = float(gap @ np.linalg.solve(spread, gap))
        if candidate.class_name != track.class_name:
            cost += self.rules.wrong_class_cost
        if _on_other_side(track.side_deg, candidate.side_deg):
            cost += self.rules.wrong_side_cost
        return cost

    def _may_be(self, track: Track, candidate: Candidate) -> bool:
        if candidate.class_group != track.class_group or candidate.contact is not track.contact:
            return False
        if candidate.id in self.taken.get(track.id, frozenset()):
            return False
        return bool(np.abs(self.gap(track, candidate)).max() <= self.rules.search_m)


def _on_other_side(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return False
    return abs((a - b + 180.0) % 360.0 - 180.0) > 120.0


def is_ripe(track: Track, tracks: Sequence[Track], plane: LocalPlane, rules: MatchRules, now: datetime) -> bool:
    """Whether a track has been seen often and well enough to be linked.

    One that has a like neighbour still unripe waits for it a little: together they are told apart, alone they may not.
    One that the vehicle has left behind is linked with fewer looks: a small thing is seen near by only, but on every
    pass.
    """
    if track.candidate_id is not None or track.position is None or not _is_placed_well(track, rules):
        return False
    if (now - track.last_at).total_seconds() >= rules.left_behind_s:
        return track.observations >= rules.link_left_behind
    if track.observations < rules.link_after:
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


def _is_placed_well(track: Track, rules: MatchRules) -> bool:
    """Things on walls are placed by several looks, and badly by the first ones; half hidden ones badly by all."""
    is_on_wall = track.contact not in (Contact.GROUND, Contact.FLAT)
    if track.cov_m2 is None or (is_on_wall and track.observations < rules.wall_link_after):
        return False
    most_m = rules.wall_max_sigma_m if is_on_wall else rules.ground_max_sigma_m
    largest = float(np.linalg.eigvalsh(matrix(track.cov_m2))[-1])
    return math.sqrt(largest) <= most_m


def taken_beside(track: Track, tracks: Sequence[Track]) -> frozenset[CandidateId]:
    """Candidates of tracks that were seen while this one was: two things seen at once are two things."""
    return frozenset(t.candidate_id for t in tracks if t.candidate_id is not None and t.last_at >= track.first_at)
