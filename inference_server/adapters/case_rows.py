"""Cases and what hangs on them as rows, and back."""

import json
from typing import Any

from inference_server.adapters.column_types import AnyRow, times_of_json, utc_json
from inference_server.adapters.database import to_json
from inference_server.adapters.documents import tie_document, tie_of
from inference_server.domain.candidate import CandidateId, CaseView, Pass, PassId
from inference_server.domain.case import Case, CaseId, CaseMove
from inference_server.domain.frame import CameraId, FrameId
from inference_server.domain.geo import LatLon
from inference_server.domain.grid import GridId
from inference_server.ports import Event, EvidenceItem, Sighting

Values = dict[str, Any]

# Columns of a case that are its fields, under the same name and with the same value.
_SAME = (
    "id",
    "candidate_id",
    "state",
    "class_name",
    "standard",
    "kind",
    "code",
    "name",
    "grid",
    "on_border",
    "source",
    "external_number",
    "filed_at",
    "changed_at",
    "deadline_at",
    "reopened",
    "absences",
    "sightings",
    "observations",
    "score",
    "probability",
    "campaign",
    "model_version",
    "policy_hash",
)


def case_values(case: Case, is_open: bool) -> Values:
    """The columns of a case."""
    ee, en, nn = case.covariance_m2
    return {
        **{name: getattr(case, name) for name in _SAME},
        "is_open": is_open,
        "grid_candidates": list(case.grid_candidates),
        "lat": case.position.lat,
        "lon": case.position.lon,
        "cov_ee_m2": ee,
        "cov_en_m2": en,
        "cov_nn_m2": nn,
        "state_times": utc_json(case.state_times),
    }


def case_of(row: AnyRow) -> Case:
    """The case of a row."""
    same = {name: getattr(row, name) for name in _SAME}
    return Case(
        **same,
        grid_candidates=tuple(GridId(grid) for grid in row.grid_candidates),
        position=LatLon(row.lat, row.lon),
        covariance_m2=(row.cov_ee_m2, row.cov_en_m2, row.cov_nn_m2),
        state_times=times_of_json(row.state_times),
    )


def move_values(move: CaseMove) -> Values:
    """The columns of one line of a case's history."""
    return {
        "case_id": move.case_id,
        "at": move.at,
        "from_state": move.from_state,
        "to_state": move.to_state,
        "by": move.by,
        "reason": move.reason,
    }


def move_of(row: AnyRow) -> CaseMove:
    """The line of history of a row."""
    return CaseMove(
        case_id=CaseId(row.case_id),
        at=row.at,
        from_state=row.from_state,
        to_state=row.to_state,
        by=row.by,
        reason=row.reason,
    )


def sighting_values(sighting: Sighting) -> Values:
    """The columns of a sighting."""
    position = sighting.position
    return {
        "case_id": sighting.case_id,
        "track_id": sighting.track_id,
        "frame_id": sighting.frame_id,
        "taken_at": sighting.taken_at,
        "lat": position.lat if position else None,
        "lon": position.lon if position else None,
        "score": sighting.score,
        "moved_case": sighting.moved_case,
    }


def sighting_of(row: AnyRow) -> Sighting:
    """The sighting of a row."""
    return Sighting(
        case_id=CaseId(row.case_id),
        track_id=row.track_id,
        frame_id=FrameId(row.frame_id),
        taken_at=row.taken_at,
        position=None if row.lat is None else LatLon(row.lat, row.lon),
        score=row.score,
        moved_case=row.moved_case,
    )


def evidence_of(row: AnyRow) -> EvidenceItem:
    """The picture of a case of a row that was joined with its frame."""
    return EvidenceItem(
        case_id=CaseId(row.case_id),
        frame_id=FrameId(row.frame_id),
        kind=row.kind,
        sha256=row.sha256,
        box=tuple(row.box),
        taken_at=row.taken_at,
    )


def pass_values(drive: Pass) -> Values:
    """The columns of a pass."""
    return {
        "id": drive.id,
        "camera": drive.camera,
        "started_at": drive.started_at,
        "last_at": drive.last_at,
        "last_lat": drive.last_position.lat,
        "last_lon": drive.last_position.lon,
        "ties": to_json([tie_document(tie) for tie in drive.ties]),
    }


def pass_of(row: AnyRow) -> Pass:
    """The pass of a row."""
    return Pass(
        id=PassId(row.id),
        camera=CameraId(row.camera),
        started_at=row.started_at,
        last_at=row.last_at,
        last_position=LatLon(row.last_lat, row.last_lon),
        ties=tuple(tie_of(tie) for tie in json.loads(row.ties)),
    )


def view_values(view: CaseView) -> Values:
    """The columns of what a pass saw of a case's place."""
    return {
        "pass_id": view.pass_id,
        "case_id": view.case_id,
        "clear_frames": view.clear_frames,
        "was_seen": view.was_seen,
        "absence_at": view.absence_at,
    }


def view_of(row: AnyRow) -> CaseView:
    """The view of a row."""
    return CaseView(
        pass_id=PassId(row.pass_id),
        case_id=row.case_id,
        clear_frames=row.clear_frames,
        was_seen=row.was_seen,
        absence_at=row.absence_at,
    )


def event_of(row: AnyRow) -> Event:
    """The event of a row."""
    same = {name: getattr(row, name) for name in ("id", "type", "subject", "occurred_at", "data", "target")}
    return Event(**same)


def candidate_key(text: str) -> CandidateId:
    """The id of a candidate as it stands in a column."""
    return CandidateId(text)
