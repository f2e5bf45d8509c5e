"""Legal holds on the wire."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from inference_server.domain.case import CaseId
from inference_server.domain.hold import Held, Hold
from inference_server.web.schema import In, Line, Moment, Name


class HoldIn(In):
    """A hold to set: of a case, or of the frames that a device took from `since` until `until`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"case": "0f8c2d", "reason": "objection 12/2026"},
                {
                    "device": "zhe-A-1027",
                    "since": "2026-11-22T02:00:00Z",
                    "until": "2026-11-22T03:00:00Z",
                    "reason": "accident of 22 November",
                },
            ]
        }
    )

    case: Line | None = Field(None, min_length=1, max_length=64)
    device: Name | None = None
    since: Moment | None = None
    until: Moment | None = None
    reason: Line = Field(min_length=1, max_length=1000)

    def held(self) -> Held:
        """What it covers; raises BadInput."""
        case_id = None if self.case is None else CaseId(self.case)
        return Held(case_id=case_id, device=self.device, since=self.since, until=self.until)


class LiftIn(In):
    """Why a hold ends."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "the objection was withdrawn"}]})

    reason: Line = Field(min_length=1, max_length=1000)


class HoldOut(BaseModel):
    """A hold. While `lifted_at` is null nothing of it is deleted."""

    id: str
    case: str | None
    device: str | None
    since: datetime | None
    until: datetime | None
    at: datetime
    by: str
    reason: str
    lifted_at: datetime | None
    lifted_by: str | None
    lift_reason: str | None

    @classmethod
    def of(cls, hold: Hold) -> "HoldOut":
        """The hold as it stands in the record."""
        held, lifted = hold.held, hold.lifted
        return cls(
            id=hold.id,
            case=held.case_id,
            device=held.device,
            since=held.since,
            until=held.until,
            at=hold.at,
            by=hold.by,
            reason=hold.reason,
            lifted_at=None if lifted is None else lifted.at,
            lifted_by=None if lifted is None else lifted.by,
            lift_reason=None if lifted is None else lifted.reason,
        )


class HoldsOut(BaseModel):
    """Holds, oldest first."""

    holds: list[HoldOut]
