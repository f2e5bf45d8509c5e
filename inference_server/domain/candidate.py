"""What the frames of a camera leave behind: passes, tracks, candidates, sightings, absences."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NewType

from inference_server.domain.frame import CameraId, FrameId
from inference_server.domain.geo import LatLon, Matrix
from inference_server.domain.observation import Box, Contact

PassId = NewType("PassId", str)
TrackId = NewType("TrackId", str)
CandidateId = NewType("CandidateId", str)
Cov = tuple[float, float, float]  # east-east, east-north, north-north in square metres


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """One track of a pass that belongs to an older candidate: how far apart the two passes' fixes lay.

    `gap_m` leads (east, north) from the candidate's anchor to the track. The anchor was measured by `origin_pass` at
    `origin_at`, the track by this pass `at`. `noise_m2` is the variance of one axis of the gap without the fixes.
    """

    track_id: TrackId
    at: datetime
    origin_pass: PassId
    origin_at: datetime
    gap_m: tuple[float, float]
    noise_m2: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One drive of a camera without a long gap, with its latest ties to what was known before."""

    id: PassId
    camera: CameraId
    started_at: datetime
    last_at: datetime
    last_position: LatLon
    ties: tuple[Tie, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ray:
    """One look at a thing that does not stand on the ground: from where, which way, how large.

    `bearing_deg` is of its outer side (the one nearer to the vehicle when it hangs beside the road), `inner_deg` of the
    other one, `heading_deg` that of the vehicle, which walls follow.
    """

    camera_position: LatLon
    camera_height_m: float
    bearing_deg: float
    elevation_deg: float
    height_deg: float
    inner_deg: float
    heading_deg: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A look worth keeping as evidence; `probability` is None where its model was not calibrated."""

    frame_id: FrameId
    taken_at: datetime
    sha256: str
    box: Box
    score: float
    size_px: float
    range_m: float | None
    probability: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """Observations of one thing in one pass, fused in the coordinates of the raw fixes of that pass."""

    id: TrackId
    pass_id: PassId
    class_group: str
    class_scores: dict[str, float]
    contact: Contact
    first_at: datetime
    last_at: datetime
    observations: int
    position: LatLon | None
    cov_m2: Cov | None
    rays: tuple[Ray, ...] = ()
    best_certainty: float = 0.0
    sum_certainty: float = 0.0
    best_score: float = 0.0
    candidate_id: CandidateId | None = None
    near: Snapshot | None = None
    far: Snapshot | None = None
    side_deg: float | None = None  # bearing from the vehicle's path straight to the thing
    beside: tuple[TrackId, ...] = ()  # like tracks of the same pass that one frame showed together with this one

    @property
    def class_name(self) -> str:
        """The class with the largest sum of scores."""
        return max(self.class_scores, key=lambda name: (self.class_scores[name], name))


@dataclass(frozen=True, slots=True, kw_only=True)
class PassPosition:
    """Where one track saw the candidate, from `since` until `at`: one pass gives one measurement.

    `tracks`: how many it stands for. Old ones are added up in the place of the latest of them.
    """

    track_id: TrackId
    pass_id: PassId
    since: datetime
    at: datetime
    position: LatLon
    cov_m2: Cov
    class_scores: dict[str, float] = field(default_factory=dict)
    observations: int = 0
    best_certainty: float = 0.0
    mean_certainty: float = 0.0
    best_score: float = 0.0
    beside: tuple[TrackId, ...] = ()  # like tracks that one frame showed together with it
    tracks: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Observations that are the same thing, not yet certain; once filed, what its case stands on.

    `anchor` is where the raw fixes of the pass that found it (`origin_pass`, at `origin_at`) put it: later passes are
    matched against that. `position` is the best estimate of where it really is.
    """

    id: CandidateId
    class_group: str
    contact: Contact
    anchor: LatLon
    anchor_cov_m2: Cov
    origin_track: TrackId
    origin_pass: PassId
    origin_at: datetime
    position: LatLon
    cov_m2: Cov
    passes: tuple[PassPosition, ...]
    first_at: datetime
    last_at: datetime
    case_id: str | None = None
    near: Snapshot | None = None
    far: Snapshot | None = None
    side_deg: float | None = None
    merged_into: CandidateId | None = None

    @property
    def class_scores(self) -> dict[str, float]:
        """Sum of scores per class over all passes."""
        total: dict[str, float] = {}
        for seen in self.passes:
            for name, score in seen.class_scores.items():
                total[name] = total.get(name, 0.0) + score
        return total

    @property
    def class_name(self) -> str:
        """The class with the largest sum of scores."""
        scores = self.class_scores
        return max(scores, key=lambda name: (scores[name], name))

    @property
    def observations(self) -> int:
        """How often it was observed in all passes."""
        return sum(seen.observations for seen in self.passes)

    @property
    def tracks(self) -> int:
        """How many tracks it was seen by."""
        return sum(seen.tracks for seen in self.passes)

    @property
    def is_seen(self) -> bool:
        """Whether a vehicle has seen it; else somebody has only told of it."""
        return self.observations > 0

    def may_be(self, class_name: str) -> bool:
        """Whether it may be a thing of a class of its group: one that was only told of is of the code that was told,
        for a person names what a detector may mistake."""
        return self.is_seen or class_name in self.class_scores


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    """What one pass saw of a case's place: clear looks at it, and whether the thing was there."""

    pass_id: PassId
    case_id: str
    clear_frames: int
    was_seen: bool
    absence_at: datetime | None = None


def cov_tuple(matrix: Matrix) -> Cov:
    """The three numbers of a symmetric `(2, 2)` covariance."""
    return float(matrix[0, 0]), float(matrix[0, 1]), float(matrix[1, 1])
