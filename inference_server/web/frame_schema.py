"""Frames and their reports, as they are read back."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from inference_server.domain.frame import Frame
from inference_server.domain.geo import LatLon
from inference_server.domain.observation import Drop
from inference_server.domain.report import DetectionReport, Report


class PositionOut(BaseModel):
    """A position, always on WGS84."""

    lat: float
    lon: float
    datum: Literal["wgs84"] = "wgs84"
    radius_m: float | None = Field(None, description="radius that holds 68 % of the errors")

    @classmethod
    def of(cls, position: LatLon | None, radius_m: float | None = None) -> "PositionOut | None":
        """The position, or None."""
        return None if position is None else cls(lat=position.lat, lon=position.lon, radius_m=radius_m)


class DropOut(BaseModel):
    """Why an item goes no further, with the numbers that decided it."""

    reason: str
    numbers: dict[str, float | str]

    @classmethod
    def of(cls, drop: Drop | None) -> "DropOut | None":
        """The drop, or None."""
        return None if drop is None else cls(reason=drop.reason.value, numbers=drop.numbers)


class DetectionOut(BaseModel):
    """One detection of a frame and what became of it. `box` is x1 y1 x2 y2 in pixels of the upright picture."""

    index: int
    class_name: str
    score: float
    probability: float | None
    box: tuple[float, float, float, float]
    outcome: str
    drop: DropOut | None
    position: PositionOut | None
    bearing_deg: float | None
    track: str | None
    candidate: str | None
    case: str | None
    sampled_for_review: bool

    @classmethod
    def of(cls, report: DetectionReport) -> "DetectionOut":
        """One line of the report."""
        found = report.detection
        return cls(
            index=found.index,
            class_name=found.class_name,
            score=found.score,
            probability=found.probability,
            box=(found.box.x1, found.box.y1, found.box.x2, found.box.y2),
            outcome=report.outcome.value,
            drop=DropOut.of(report.drop),
            position=PositionOut.of(report.position, report.radius_m),
            bearing_deg=report.bearing_deg,
            track=report.track_id,
            candidate=report.candidate_id,
            case=report.case_id,
            sampled_for_review=report.sampled_for_review,
        )


class ReportOut(BaseModel):
    """What became of a frame: `drop` says why it was not analysed, else every detection is accounted for."""

    frame: str
    analysed_at: datetime
    is_analysed: bool
    drop: DropOut | None
    detections: list[DetectionOut]
    absences: list[str] = Field(description="cases whose place was seen clear")
    ground_view: list[tuple[float, float]] = Field(description="corners lat, lon of the ground seen clearly, wgs84")
    sharpness: float | None
    brightness: float | None
    model_version: str | None
    policy_hash: str | None
    details_deleted_at: datetime | None = Field(
        None, description="from then on detections without a case and ground_view are missing: their time was over"
    )

    @classmethod
    def of(cls, report: Report | None) -> "ReportOut | None":
        """The report, or None while the frame waits."""
        if report is None:
            return None
        return cls(
            frame=report.frame_id,
            analysed_at=report.analysed_at,
            is_analysed=report.is_analysed,
            drop=DropOut.of(report.drop),
            detections=[DetectionOut.of(one) for one in report.detections],
            absences=list(report.absences),
            ground_view=[(corner.lat, corner.lon) for corner in report.ground_view],
            sharpness=report.quality.sharpness if report.quality else None,
            brightness=report.quality.brightness if report.quality else None,
            model_version=report.model_version,
            policy_hash=report.policy_hash,
            details_deleted_at=report.details_deleted_at,
        )


class FrameAnswer(BaseModel):
    """The answer to a posted frame."""

    frame: str = Field(description="id: the same device, camera, taken_at and picture give the same one")
    status: Literal["accepted", "duplicate"]
    report: ReportOut | None = Field(None, description="null while the frame waits for its analysis")


class FrameOut(BaseModel):
    """An accepted frame and its report."""

    frame: str
    device: str
    camera: str
    seq: int
    taken_at: datetime = Field(description="corrected by clock_skew_s")
    claimed_at: datetime = Field(description="taken_at as the device said it")
    received_at: datetime
    clock_skew_s: float
    sha256: str
    size_bytes: int
    content_type: str
    position: PositionOut | None
    heading_deg: float | None
    speed_kmh: float | None
    campaign: str | None
    report: ReportOut | None = Field(description="null while the frame waits for its analysis")

    @classmethod
    def of(cls, frame: Frame, report: Report | None) -> "FrameOut":
        """The frame as stored."""
        fix = frame.fix
        return cls(
            frame=frame.id,
            device=frame.device,
            camera=frame.camera.removeprefix(f"{frame.device}/"),
            seq=frame.seq,
            taken_at=frame.taken_at,
            claimed_at=frame.claimed_at,
            received_at=frame.received_at,
            clock_skew_s=frame.clock_skew_s,
            sha256=frame.sha256,
            size_bytes=frame.size_bytes,
            content_type=frame.content_type,
            position=PositionOut.of(fix.position, fix.accuracy_m) if fix else None,
            heading_deg=fix.heading_deg if fix else None,
            speed_kmh=fix.speed_kmh if fix else None,
            campaign=frame.campaign,
            report=ReportOut.of(report),
        )
