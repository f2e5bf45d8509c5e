"""Tracks of a pass find the candidates they belong to.

All things that a pass sees share the error of its fixes. What is already linked tells where the pass lies against the
older ones (ties.py), and tracks that are ripe at the same time are decided jointly (joint.py): two like things some
metres apart are told apart that way although one fix alone could not. What is not clear yet waits until the vehicle
has left the thing behind: what it sees until then may make it clear, and a wrong link would mislead the next ones.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from inference_server.domain.candidate import Candidate, CandidateId, Track, TrackId
from inference_server.domain.geo import LocalPlane, Matrix, Vector
from inference_server.domain.joint import Decided, Mask, Pairs, decide_jointly
from inference_server.domain.observation import Contact
from inference_server.domain.policy import MatchRules
from inference_server.domain.ties import Ties, origin_of, tie_of
from inference_server.domain.track import matrix

_GONE_S = 1.0  # what is far and was seen less long ago may still lie ahead


@dataclass(frozen=True, slots=True)
class Link:
    """What was decided about a track: its candidate, None if it is new; and whether that may stand already."""

    track: Track
    candidate: Candidate | None
    is_clear: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Linking:
    """Joint assignment of ripe tracks to candidates around one place."""

    plane: LocalPlane
    rules: MatchRules
    taken: dict[TrackId, frozenset[CandidateId]]  # by track id: what was seen beside it and so cannot be it
    met: frozenset[CandidateId] = frozenset()  # what this pass has lately seen

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

    def link(self, ripe: Sequence[Track], candidates: Sequence[Candidate], ties: Ties) -> list[Link]:
        """One link per track, in their order."""
        rows = [(i, j) for i, t in enumerate(ripe) for j, c in enumerate(candidates) if self._may_be(t, c)]
        if not rows:
            return [Link(track, None, True) for track in ripe]
        pairs = self._pairs(ripe, candidates, rows, ties)
        decided = decide_jointly(pairs, len(ripe), self.rules.link_gate_sigmas**2)
        near = self._within_reach(pairs, candidates, ties)
        return [
            Link(track, None if one.candidate is None else candidates[one.candidate], self._is_clear(one, i in near))
            for i, (track, one) in enumerate(zip(ripe, decided, strict=True))
        ]

    def _is_clear(self, one: Decided, is_near: bool) -> bool:
        """A new thing is one for certain where nothing like it is within reach of the fix's error."""
        if one.candidate is None:
            return not is_near and one.over_other >= self.rules.clear_margin
        return one.over_other >= self.rules.clear_margin and one.over_new >= self.rules.clear_new_margin

    def _within_reach(self, pairs: Pairs, candidates: Sequence[Candidate], ties: Ties) -> set[int]:
        """Tracks that, but for the ties, may be a candidate which this pass has not met yet."""
        alone = np.full(len(pairs.track), 2 * ties.sigma_m**2)
        costs = pairs.costs(np.zeros_like(pairs.shift_m), alone)
        is_open = np.array([candidates[j].id not in self.met for j in pairs.candidate])
        return set(pairs.track[(costs <= self.rules.wait_gate_sigmas**2) & is_open].tolist())

    def _pairs(
        self, ripe: Sequence[Track], candidates: Sequence[Candidate], rows: list[tuple[int, int]], ties: Ties
    ) -> Pairs:
        both = [(ripe[i], candidates[j]) for i, j in rows]
        shift, cov = ties.predict_jointly([t.last_at for t, _ in both], [origin_of(c) for _, c in both])
        track, candidate = np.array(rows).T
        return Pairs(
            track=track,
            candidate=candidate,
            gap_m=np.array([self.gap(t, c) for t, c in both]),
            noise_m2=np.array([self.noise(t, c) for t, c in both]),
            extra=np.array([self._extra(t, c) for t, c in both]),
            shift_m=shift,
            shift_cov_m2=cov,
            excludes=_exclusions(ripe, rows),
        )

    def _extra(self, track: Track, candidate: Candidate) -> float:
        """What another class, the other side of the road and a place that nobody has measured cost."""
        is_other = candidate.class_name != track.class_name
        cost = self.rules.wrong_class_cost if candidate.is_seen and is_other else 0.0
        cost += 0.0 if candidate.is_seen else self.rules.told_cost
        return cost + (self.rules.wrong_side_cost if _on_other_side(track.side_deg, candidate.side_deg) else 0.0)

    def _may_be(self, track: Track, candidate: Candidate) -> bool:
        if candidate.class_group != track.class_group or candidate.contact is not track.contact:
            return False
        if candidate.id in self.taken.get(track.id, frozenset()) or not candidate.may_be(track.class_name):
            return False
        return bool(np.abs(self.gap(track, candidate)).max() <= self.rules.search_m)


def _exclusions(ripe: Sequence[Track], rows: list[tuple[int, int]]) -> Mask:
    """`(p, p)`: a track has one candidate, and a candidate no two tracks that one frame showed together."""
    beside = np.array([[b.id in a.beside or a.id in b.beside for b in ripe] for a in ripe])
    track, candidate = np.array(rows).T
    same_track = track[:, None] == track[None]
    same_candidate = candidate[:, None] == candidate[None]
    return np.asarray(same_track | (same_candidate & beside[track[:, None], track[None]]))


def _on_other_side(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return False
    return abs((a - b + 180.0) % 360.0 - 180.0) > 120.0


def is_left_behind(track: Track, plane: LocalPlane, rules: MatchRules, now: datetime) -> bool:
    """Whether the vehicle, at the plane's origin, has gone on so far that waiting makes nothing clearer."""
    assert track.position is not None
    unseen_s = (now - track.last_at).total_seconds()
    is_far = float(np.hypot(*plane.metres(track.position))) >= rules.decide_after_m
    return unseen_s >= rules.decide_after_s or (is_far and unseen_s >= _GONE_S)


def has_say(track: Track, plane: LocalPlane, rules: MatchRules) -> bool:
    """Whether a track takes part when tracks are linked, if only by what it says about the others.

    One too far from the vehicle, at the plane's origin, does not: the record around it is not at hand.
    """
    if track.candidate_id is not None or track.observations < rules.link_left_behind or track.position is None:
        return False
    return is_placed_well(track, rules) and float(np.hypot(*plane.metres(track.position))) <= rules.at_hand_m


def is_ripe(track: Track, rules: MatchRules, now: datetime) -> bool:
    """Whether a track that has a say has been seen often enough to be linked itself.

    One that the vehicle has left behind needs fewer looks: a small thing is seen near by only, but on every pass.
    """
    is_behind = (now - track.last_at).total_seconds() >= rules.left_behind_s
    return is_behind or track.observations >= rules.link_after


def is_placed_well(track: Track, rules: MatchRules) -> bool:
    """Whether a track's place can be compared.

    Things on walls are placed by several looks, and badly by the first ones; half hidden ones badly by all."""
    is_on_wall = track.contact not in (Contact.GROUND, Contact.FLAT)
    if track.cov_m2 is None or (is_on_wall and track.observations < rules.wall_link_after):
        return False
    most_m = rules.wall_max_sigma_m if is_on_wall else rules.ground_max_sigma_m
    largest = float(np.linalg.eigvalsh(matrix(track.cov_m2))[-1])
    return math.sqrt(largest) <= most_m


def taken_beside(track: Track, tracks: Sequence[Track]) -> frozenset[CandidateId]:
    """Candidates of tracks that one frame showed beside this one: two things seen at once are two things."""
    return frozenset(t.candidate_id for t in tracks if t.candidate_id is not None and t.id in track.beside)
