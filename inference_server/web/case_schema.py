"""Cases on the wire."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from inference_server.domain.candidate import CaseView
from inference_server.domain.case import Case, CaseMove
from inference_server.domain.verification_record import VerificationRecord
from inference_server.ports import EvidenceItem, Sighting
from inference_server.retention_ports import Mark
from inference_server.web.frame_schema import PositionOut
from inference_server.web.hold_schema import HoldOut
from inference_server.web.schema import In, Line, Moment


class CaseOut(BaseModel):
    """One case."""

    id: str
    state: str
    class_name: str
    standard: str
    kind: str
    code: str
    name: str
    grid: str | None
    grid_candidates: list[str]
    on_border: bool
    position: PositionOut
    source: str
    external_number: str | None
    filed_at: datetime
    changed_at: datetime
    deadline_at: datetime | None
    state_times: dict[str, datetime]
    reopened: int
    absences: int
    sightings: int
    observations: int
    score: float
    probability: float | None
    campaign: str | None
    model_version: str
    policy_hash: str

    @classmethod
    def of(cls, case: Case) -> "CaseOut":
        """The case as the world sees it."""
        return cls(
            id=case.id,
            state=case.state,
            class_name=case.class_name,
            standard=case.standard,
            kind=case.kind,
            code=case.code,
            name=case.name,
            grid=case.grid,
            grid_candidates=list(case.grid_candidates),
            on_border=case.on_border,
            position=PositionOut(lat=case.position.lat, lon=case.position.lon, radius_m=round(case.radius_m, 2)),
            source=case.source,
            external_number=case.external_number,
            filed_at=case.filed_at,
            changed_at=case.changed_at,
            deadline_at=case.deadline_at,
            state_times=case.state_times,
            reopened=case.reopened,
            absences=case.absences,
            sightings=case.sightings,
            observations=case.observations,
            score=case.score,
            probability=case.probability,
            campaign=case.campaign,
            model_version=case.model_version,
            policy_hash=case.policy_hash,
        )


class CasesOut(BaseModel):
    """One page of cases, in order of filing. `next` continues after it; null on the last."""

    cases: list[CaseOut]
    next: str | None


class MoveOut(BaseModel):
    """One line of a case's history."""

    at: datetime
    from_state: str | None
    to_state: str
    by: str
    reason: str | None

    @classmethod
    def of(cls, move: CaseMove) -> "MoveOut":
        """The line without the case's id."""
        return cls(at=move.at, from_state=move.from_state, to_state=move.to_state, by=move.by, reason=move.reason)


class SightingOut(BaseModel):
    """One pass that saw the case's thing. `moved_case` is false for uploads older than its last change of state."""

    frame: str
    taken_at: datetime
    position: PositionOut | None
    score: float
    moved_case: bool

    @classmethod
    def of(cls, seen: Sighting) -> "SightingOut":
        """The sighting without our own ids of tracks."""
        position = PositionOut.of(seen.position)
        return cls(
            frame=seen.frame_id, taken_at=seen.taken_at, position=position, score=seen.score, moved_case=seen.moved_case
        )


class EvidenceOut(BaseModel):
    """One picture of a case; `box` is x1 y1 x2 y2 in pixels of the upright picture."""

    kind: str
    sha256: str
    frame: str
    taken_at: datetime
    box: list[float]
    href: str
    deleted_at: datetime | None = Field(description="when the picture was deleted: its time was over")

    @classmethod
    def of(cls, item: EvidenceItem, mark: Mark | None) -> "EvidenceOut":
        """The picture and where to get it, or (mark) when it was deleted."""
        href = f"/v1/cases/{item.case_id}/evidence/{item.sha256}"
        return cls(
            kind=item.kind,
            sha256=item.sha256,
            frame=item.frame_id,
            taken_at=item.taken_at,
            box=list(item.box),
            href=href,
            deleted_at=None if mark is None else mark.deleted_at,
        )


class PassOut(BaseModel):
    """What one pass saw of the case's place. `absence_at`: it looked clearly, and nothing was there."""

    id: str = Field(description="of the pass")
    clear_frames: int
    was_seen: bool
    absence_at: datetime | None

    @classmethod
    def of(cls, view: CaseView) -> "PassOut":
        """The look without the case's id."""
        return cls(id=view.pass_id, clear_frames=view.clear_frames, was_seen=view.was_seen, absence_at=view.absence_at)


class VerdictOut(BaseModel):
    """A verification of the case, in short."""

    verification: str
    state: str
    decision: str | None
    case_moved: bool
    created_at: datetime

    @classmethod
    def of(cls, record: VerificationRecord) -> "VerdictOut":
        """The verification without its pictures."""
        verdict = record.verdict
        return cls(
            verification=record.id,
            state=record.state.value,
            decision=None if verdict is None else verdict.decision.value,
            case_moved=verdict is not None and verdict.has_acted,
            created_at=record.created_at,
        )


class CaseDetail(CaseOut):
    """A case with all that happened to it. What proves that it is fixed: photographs in `verifications`, and later
    passes over the place in `passes`."""

    history: list[MoveOut]
    verifications: list[VerdictOut]
    passes: list[PassOut]
    seen: list[SightingOut]
    evidence: list[EvidenceOut]
    holds: list[HoldOut] = Field(description="legal holds that stand: none of its pictures is deleted")


class CasePatch(In):
    """A move of a case, its external number, or both."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"state": "dispatched", "reason": "to the street cleaning", "external_number": "HZ-2026-1"}]
        }
    )

    state: Line | None = Field(None, min_length=1, max_length=32, description="where the case goes")
    reason: Line | None = Field(None, max_length=1000, description="some moves need one")
    external_number: Line | None = Field(None, min_length=1, max_length=32, description="the case system's own number")
    at: Moment | None = Field(None, description="when it happened; now, if absent. Never in the future")
    by: Literal["operator", "case_system"] = Field("case_system", description="who moves it, by the table of moves")
    expected_state: Line | None = Field(
        None, max_length=32, description="409 where the case is in another state by now"
    )


def feature(case: Case) -> dict[str, Any]:
    """A case as a GeoJSON feature."""
    out = CaseOut.of(case).model_dump(mode="json", by_alias=True)
    point = {"type": "Point", "coordinates": [case.position.lon, case.position.lat]}
    return {"type": "Feature", "id": case.id, "geometry": point, "properties": out}
