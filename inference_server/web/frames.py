"""POST /v1/frames and GET /v1/frames/{id}."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from detector.picture_errors import PictureUnreadable
from inference_server.domain.frame import FrameId
from inference_server.domain.observation import DropReason
from inference_server.domain.report import Report
from inference_server.ports import CaseStore
from inference_server.web.deps import DEVICE, FromDevice, FromDeviceOrReader, Given, reach
from inference_server.web.frame_schema import FrameAnswer, FrameOut, ReportOut
from inference_server.web.refusals import NotAllowed
from inference_server.web.responses import answers
from inference_server.web.schema import EXAMPLE_META

router = APIRouter(prefix="/v1/frames", tags=["frames"])

_FIRST_LOOK_S, _LAST_LOOK_S = 0.02, 0.25
_FORM: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["meta", "image"],
                "additionalProperties": False,
                "properties": {
                    "meta": {"$ref": "#/components/schemas/FrameMeta"},  # put into the document by openapi.py
                    "image": {"type": "string", "format": "binary", "description": "JPEG, PNG or WebP"},
                },
            },
            "encoding": {"meta": {"contentType": "application/json"}},
            "examples": {"frame": {"value": {"meta": EXAMPLE_META, "image": "<bytes of the picture>"}}},
        }
    },
}
FrameIdPath = Annotated[str, Path(pattern="^[0-9a-f]{32}$", examples=["0f8c1d2e3b4a5f60718293a4b5c6d7e8"])]


@router.post(
    "",
    status_code=202,
    response_model=FrameAnswer,
    openapi_extra={"requestBody": _FORM},
    responses=answers(400, 401, 403, 408, 413, 415, 422, 429, 503)
    | {200: {"model": FrameAnswer, "description": "Accepted before, or (with wait) analysed"}},
)
async def post_frame(
    request: Request,
    response: Response,
    services: Given,
    token: FromDevice,
    wait: Annotated[bool, Query(description="wait for the report, some seconds at most")] = False,
) -> FrameAnswer:
    """Accept one frame. 202: stored durably, analysis follows; 200: known already, or analysed while you waited."""
    received_at = services.clock.now()
    services.readiness.demand_serving()
    with services.budget.hold() as held:
        body = await services.reader.read(request, held)
        accept = services.acceptance.accept
        accepted = await run_in_threadpool(accept, body.meta, body.picture, token, received_at)
        del body
    report = None
    if wait or not accepted.is_new:  # who does not wait for a new frame gets no report, however fast the workers are
        report = await _report(services.store, accepted.frame_id, services.wait_s if wait else 0.0)
    if wait:
        _demand_readable(report)
    response.headers["Location"] = f"/v1/frames/{accepted.frame_id}"
    if not accepted.is_new or (wait and report is not None):
        response.status_code = 200
    status = "accepted" if accepted.is_new else "duplicate"
    return FrameAnswer(frame=accepted.frame_id, status=status, report=ReportOut.of(report))  # type: ignore[arg-type]


@router.get("/{frame_id}", response_model=FrameOut, responses=answers(401, 403, 404, 422))
def get_frame(services: Given, token: FromDeviceOrReader, frame_id: FrameIdPath) -> FrameOut:
    """One frame and what became of it. A device reads its own frames only."""
    frame = services.sight.frame(FrameId(frame_id), reach(token))
    if token.scopes == {DEVICE} and token.device != frame.device:
        raise NotAllowed("this frame was taken by another device")
    return FrameOut.of(frame, services.sight.report(frame.id, reach(token)))


async def _report(store: CaseStore, frame: FrameId, within_s: float) -> Report | None:
    """The report of a frame as soon as it is there; None when the time is over."""
    loop = asyncio.get_running_loop()
    ends_at, pause_s = loop.time() + within_s, _FIRST_LOOK_S
    while True:
        report = await run_in_threadpool(store.report, frame)
        if report is not None or loop.time() + pause_s > ends_at:
            return report
        await asyncio.sleep(pause_s)
        pause_s = min(_LAST_LOOK_S, pause_s * 1.5)


def _demand_readable(report: Report | None) -> None:
    if report is None or report.drop is None or report.drop.reason is not DropReason.PICTURE_UNREADABLE:
        return
    why = report.drop.numbers.get("why", "cut off or damaged")
    raise PictureUnreadable(f"frame {report.frame_id}: {why}")
