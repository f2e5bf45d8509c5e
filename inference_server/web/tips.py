"""What people told, for those who judge it: the tips of a case, and tips of which nobody knows yet where they are."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from inference_server.domain.case import CaseId
from inference_server.domain.datum import to_wgs84
from inference_server.domain.errors import NotFound
from inference_server.domain.tip import Tip, TipId
from inference_server.web.deps import FromWriter, Given, operator, reach
from inference_server.web.frame_schema import PositionOut
from inference_server.web.responses import answers
from inference_server.web.schema import PositionIn

router = APIRouter(prefix="/v1", tags=["tips"])

CaseIdPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9_\-]{1,64}$")]
TipIdPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9_\-]{1,64}$")]


class TipOut(BaseModel):
    """One tip, in the words of who told it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": "01K8ZB", "class_name": "garbage"}]})

    id: str = Field(description="also its service_request_id, or its token, in Open311")
    received_at: datetime
    class_name: str
    position: PositionOut | None
    address: str | None
    description: str | None
    media_url: str | None = Field(description="a link that a stranger gave: open it with care")
    case: str | None

    @classmethod
    def of(cls, tip: Tip) -> "TipOut":
        """The tip without who handed it in."""
        words = tip.words
        return cls(
            id=tip.id,
            received_at=tip.received_at,
            class_name=words.class_name,
            position=PositionOut.of(words.position, round(1.515 * words.sigma_m, 1)),
            address=words.address,
            description=words.description,
            media_url=words.media_url,
            case=tip.case_id,
        )


class PlaceIn(PositionIn):
    """Where a tip is, as somebody has found out."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"lat": 30.2741, "lon": 120.1551, "datum": "wgs84"}]})


@router.get("/cases/{case_id}/tips", response_model=list[TipOut], responses=answers(401, 403, 404, 422))
def tips_of_case(services: Given, token: FromWriter, case_id: CaseIdPath) -> list[TipOut]:
    """What people told of the thing of a case, oldest first. Needs `cases:write`: it is their own text."""
    case = services.sight.case(CaseId(case_id), reach(token))
    return [TipOut.of(tip) for tip in services.open311.tips.of_case(case.id)]


@router.get("/tips", response_model=list[TipOut], responses=answers(401, 403, 422))
def unplaced_tips(
    services: Given, token: FromWriter, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> list[TipOut]:
    """Tips that came with an address in words only, and wait for somebody who places them, oldest first.

    They belong to no district: a token of some districts sees none.
    """
    return [TipOut.of(tip) for tip in services.open311.tips.unplaced(limit)] if reach(token).is_whole else []


@router.put("/tips/{tip_id}/position", response_model=TipOut, responses=answers(400, 401, 403, 404, 409, 413, 422))
def place_tip(services: Given, token: FromWriter, tip_id: TipIdPath, place: PlaceIn) -> TipOut:
    """Say where a tip is: it then belongs to the open case there, or becomes a case in review."""
    if not reach(token).is_whole:
        raise NotFound(f"no tip {tip_id}", field="tip")
    position = to_wgs84(place.lat, place.lon, place.datum)
    return TipOut.of(services.open311.tipping.place(TipId(tip_id), position, operator(token)))
