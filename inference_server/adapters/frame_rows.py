"""Frames and their reports as rows, and back."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from inference_server.adapters.column_types import AnyRow
from inference_server.domain.frame import CameraId, DeviceId, Fix, Frame, FrameId, PastFrame, Quality
from inference_server.domain.geo import LatLon
from inference_server.domain.observation import Box, Detection, Drop, DropReason
from inference_server.domain.report import DetectionReport, Outcome, Report

Values = dict[str, Any]

QUEUED = "queued"
ANALYSED = "analysed"
DROPPED = "dropped"


def frame_values(frame: Frame) -> Values:
    """The columns of a frame that is known from its acceptance on."""
    fix = frame.fix
    return {
        "id": frame.id,
        "device": frame.device,
        "camera": frame.camera,
        "seq": frame.seq,
        "taken_at": frame.taken_at,
        "claimed_at": frame.claimed_at,
        "received_at": frame.received_at,
        "sha256": frame.sha256,
        "size_bytes": frame.size_bytes,
        "content_type": frame.content_type,
        "clock_skew_s": frame.clock_skew_s,
        "lat": fix.position.lat if fix else None,
        "lon": fix.position.lon if fix else None,
        "accuracy_m": fix.accuracy_m if fix else None,
        "heading_deg": fix.heading_deg if fix else None,
        "speed_kmh": fix.speed_kmh if fix else None,
        "campaign": frame.campaign,
    }


def frame_of(row: AnyRow) -> Frame:
    """The frame of a row."""
    return Frame(
        id=FrameId(row.id),
        device=DeviceId(row.device),
        camera=CameraId(row.camera),
        seq=row.seq,
        taken_at=row.taken_at,
        claimed_at=row.claimed_at,
        received_at=row.received_at,
        sha256=row.sha256,
        size_bytes=row.size_bytes,
        content_type=row.content_type,
        clock_skew_s=row.clock_skew_s,
        fix=_fix_of(row),
        campaign=row.campaign,
    )


def past_frame_of(row: AnyRow) -> PastFrame:
    """What the gate needs of a row that has a fix."""
    fix = _fix_of(row)
    assert fix is not None, "only frames with a fix are asked for"
    return PastFrame(
        id=FrameId(row.id),
        taken_at=row.taken_at,
        fix=fix,
        thumbnail=row.thumbnail,
        is_analysed=row.state == ANALYSED,
    )


def report_values(report: Report) -> Values:
    """The columns of a frame that its report adds."""
    quality = report.quality
    return {
        "state": ANALYSED if report.is_analysed else DROPPED,
        "analysed_at": report.analysed_at,
        "details_since": report.analysed_at if report.detections or quality else None,
        "drop_reason": report.drop.reason.value if report.drop else None,
        "drop_numbers": report.drop.numbers if report.drop else None,
        "sharpness": quality.sharpness if quality else None,
        "brightness": quality.brightness if quality else None,
        "thumbnail": quality.thumbnail if quality else None,
        "width_px": quality.width_px if quality else None,
        "height_px": quality.height_px if quality else None,
        "ground_view": [[corner.lat, corner.lon] for corner in report.ground_view],
        "absences": list(report.absences),
        "model_version": report.model_version,
        "policy_hash": report.policy_hash,
        "pass_id": report.pass_id,
    }


def report_of(row: AnyRow, detections: Iterable[AnyRow]) -> Report:
    """The report of a frame's row and the rows of its detections, in their order."""
    return Report(
        frame_id=FrameId(row.id),
        analysed_at=row.analysed_at,
        drop=_drop_of(row),
        detections=tuple(_detection_of(detection) for detection in detections),
        absences=tuple(row.absences),
        quality=_quality_of(row),
        ground_view=tuple(LatLon(lat, lon) for lat, lon in row.ground_view),
        model_version=row.model_version,
        policy_hash=row.policy_hash,
        pass_id=row.pass_id,
        details_deleted_at=row.details_deleted_at,
    )


def without_details(at: datetime) -> Values:
    """The columns of a frame whose details have gone."""
    return {"thumbnail": b"", "ground_view": [], "details_since": None, "details_deleted_at": at}


def detection_values(frame_id: FrameId, report: DetectionReport) -> Values:
    """The columns of one detection."""
    box, position, drop = report.detection.box, report.position, report.drop
    return {
        "frame_id": frame_id,
        "index": report.detection.index,
        "class_name": report.detection.class_name,
        "score": report.detection.score,
        "probability": report.detection.probability,
        "x1": box.x1,
        "y1": box.y1,
        "x2": box.x2,
        "y2": box.y2,
        "outcome": report.outcome.value,
        "drop_reason": drop.reason.value if drop else None,
        "drop_numbers": drop.numbers if drop else None,
        "lat": position.lat if position else None,
        "lon": position.lon if position else None,
        "radius_m": report.radius_m,
        "bearing_deg": report.bearing_deg,
        "track_id": report.track_id,
        "candidate_id": report.candidate_id,
        "case_id": report.case_id,
        "sampled_for_review": report.sampled_for_review,
    }


def _detection_of(row: AnyRow) -> DetectionReport:
    detection = Detection(
        index=row.index,  # type: ignore[arg-type]  # a column of that name hides tuple's method
        class_name=row.class_name,
        score=row.score,
        box=Box(x1=row.x1, y1=row.y1, x2=row.x2, y2=row.y2),
        probability=row.probability,
    )
    return DetectionReport(
        detection=detection,
        outcome=Outcome(row.outcome),
        drop=_drop_of(row),
        position=None if row.lat is None else LatLon(row.lat, row.lon),
        radius_m=row.radius_m,
        bearing_deg=row.bearing_deg,
        track_id=row.track_id,
        candidate_id=row.candidate_id,
        case_id=row.case_id,
        sampled_for_review=row.sampled_for_review,
    )


def _fix_of(row: AnyRow) -> Fix | None:
    if row.lat is None:
        return None
    return Fix(
        position=LatLon(row.lat, row.lon),
        accuracy_m=row.accuracy_m,
        heading_deg=row.heading_deg,
        speed_kmh=row.speed_kmh,
    )


def _drop_of(row: AnyRow) -> Drop | None:
    return None if row.drop_reason is None else Drop(DropReason(row.drop_reason), row.drop_numbers or {})


def _quality_of(row: AnyRow) -> Quality | None:
    if row.thumbnail is None:
        return None
    return Quality(
        sharpness=row.sharpness,
        brightness=row.brightness,
        thumbnail=row.thumbnail,
        width_px=row.width_px,
        height_px=row.height_px,
    )
