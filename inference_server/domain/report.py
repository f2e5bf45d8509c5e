"""What became of a frame: every detection is used, or dropped with a reason."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from inference_server.domain.frame import FrameId, Quality
from inference_server.domain.geo import LatLon
from inference_server.domain.observation import Detection, Drop


class Outcome(StrEnum):
    """What became of one detection."""

    NEW = "new"  # began a track
    TRACKED = "tracked"  # joined a track that belongs to no candidate yet
    CANDIDATE = "candidate"  # belongs to a candidate that is not filed
    FILED = "filed"  # made the candidate a case
    SIGHTING = "sighting"  # a later observation of a known case
    REOPENED = "reopened"  # the case was closed, and is open again
    KEPT = "kept"  # bearing only: kept, matched with nothing
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionReport:
    """One detection and its outcome; `radius_m` holds 68 % of the errors of `position`."""

    detection: Detection
    outcome: Outcome
    drop: Drop | None = None
    position: LatLon | None = None
    radius_m: float | None = None
    bearing_deg: float | None = None
    track_id: str | None = None
    candidate_id: str | None = None
    case_id: str | None = None
    sampled_for_review: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The answer about one frame: `drop` says why it was not analysed, else every detection is accounted for."""

    frame_id: FrameId
    analysed_at: datetime
    drop: Drop | None = None
    detections: tuple[DetectionReport, ...] = ()
    absences: tuple[str, ...] = ()  # ids of cases whose place was seen clear
    quality: Quality | None = None
    ground_view: tuple[LatLon, ...] = ()  # corners of the ground that was seen clearly
    model_version: str | None = None
    policy_hash: str | None = None
    pass_id: str | None = None
    details_deleted_at: datetime | None = None  # detections without a case and the ground view have gone

    @property
    def is_analysed(self) -> bool:
        """Whether the frame went through all steps."""
        return self.drop is None
