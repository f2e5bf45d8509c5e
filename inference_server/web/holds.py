"""Legal holds: set, listed, lifted."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from inference_server.domain.errors import NotFound
from inference_server.domain.hold import Hold, HoldId
from inference_server.domain.reach import Reach
from inference_server.web.deps import FromHolder, FromReaderOrHolder, Given, operator, reach
from inference_server.web.hold_schema import HoldIn, HoldOut, HoldsOut, LiftIn
from inference_server.web.refusals import NotAllowed
from inference_server.web.responses import answers
from inference_server.web.services import Services

router = APIRouter(prefix="/v1/holds", tags=["holds"])

HoldIdPath = Annotated[str, Path(pattern="^[0-9A-Za-z]{1,26}$", examples=["01JD9GZ3T2V8Q4W6R1X5Y7Z9AB"])]


@router.post("", status_code=201, response_model=HoldOut, responses=answers(400, 401, 403, 404, 413, 422))
def set_hold(services: Given, token: FromHolder, wanted: HoldIn, response: Response) -> HoldOut:
    """From now on no picture of the case, or of the device in that time, is deleted. What is gone stays gone."""
    held, mine = wanted.held(), reach(token)
    if held.case_id is not None:
        services.sight.case(held.case_id, mine)
    elif held.device is not None:
        if not mine.is_whole:
            raise NotAllowed("devices belong to no district: this needs a token of the whole city", field="device")
        services.registry.device(held.device)
    hold = services.holds.hold(held, by=operator(token), reason=wanted.reason)
    response.headers["Location"] = f"/v1/holds/{hold.id}"
    return HoldOut.of(hold)


@router.get("", response_model=HoldsOut, responses=answers(401, 403, 422))
def list_holds(
    services: Given,
    token: FromReaderOrHolder,
    standing: Annotated[bool, Query(description="only those that were not lifted")] = True,
) -> HoldsOut:
    """Holds, oldest first."""
    mine = reach(token)
    holds = services.holds.holds(standing=standing)
    return HoldsOut(holds=[HoldOut.of(hold) for hold in holds if _is_seen(services, hold, mine)])


@router.get("/{hold_id}", response_model=HoldOut, responses=answers(401, 403, 404, 422))
def get_hold(services: Given, token: FromReaderOrHolder, hold_id: HoldIdPath) -> HoldOut:
    """One hold."""
    return HoldOut.of(_seen(services, hold_id, reach(token)))


@router.post("/{hold_id}/lift", response_model=HoldOut, responses=answers(400, 401, 403, 404, 409, 413, 422))
def lift_hold(services: Given, token: FromHolder, hold_id: HoldIdPath, why: LiftIn) -> HoldOut:
    """The hold ends: from now on its pictures go when their time is over."""
    hold = _seen(services, hold_id, reach(token))
    return HoldOut.of(services.holds.lift(hold.id, by=operator(token), reason=why.reason))


def _seen(services: Services, hold_id: str, mine: Reach) -> Hold:
    hold = services.holds.find(HoldId(hold_id))
    if not _is_seen(services, hold, mine):
        raise NotFound(f"no hold {hold_id}", field="hold")
    return hold


def _is_seen(services: Services, hold: Hold, mine: Reach) -> bool:
    """A hold lies where its case does; one of a device is for people of the whole city."""
    if mine.is_whole or hold.held.case_id is None:
        return mine.is_whole
    try:
        services.sight.case(hold.held.case_id, mine)
    except NotFound:
        return False
    return True
