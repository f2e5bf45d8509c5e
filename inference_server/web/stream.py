"""WebSocket /v1/stream: one binary message per frame, one JSON text per answer, in order.

A message is the length of the JSON (4 bytes, big-endian), the JSON `meta`, the picture. A wrong message is answered
and the stream goes on; only a message over the size limit, or a token that is no longer valid, ends it.
"""

import json
from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from fastapi.concurrency import run_in_threadpool

from detector.picture_errors import PictureError
from inference_server.domain.errors import InspectionError
from inference_server.ports import Token
from inference_server.web.deps import DEVICE, authenticate, demand_scope, services_of
from inference_server.web.errors import DATABASE_AWAY, database_away, refusal
from inference_server.web.messages import accepted_answer, refused_answer, seq_of, split_message
from inference_server.web.refusals import Busy, NotAuthenticated
from inference_server.web.services import Services

router = APIRouter()
_log = structlog.get_logger("web")
_POLICY_VIOLATION = 1008
_STREAMS_RETRY_S = 5.0


@dataclass(slots=True)
class OpenStreams:
    """How many streams are open in this process: each may hold one message in memory."""

    most: int
    count: int = 0

    def demand_room(self) -> None:
        """Nothing; raises Busy where no other stream may be opened."""
        if self.count >= self.most:
            raise Busy(f"{self.most} streams are open already", retry_after_s=_STREAMS_RETRY_S)


@router.websocket("/v1/stream")
async def stream(socket: WebSocket) -> None:
    """Frames in, answers out, until the device goes away."""
    services = services_of(socket)
    open_streams: OpenStreams = socket.app.state.streams
    try:
        open_streams.demand_room()
        await run_in_threadpool(_token, services, socket)
    except InspectionError as error:
        await socket.send_denial_response(refusal(error))
        return
    open_streams.count += 1
    try:
        await socket.accept()
        await _serve(services, socket)
    except WebSocketDisconnect:
        _log.debug("stream_closed")
    finally:
        open_streams.count -= 1


async def _serve(services: Services, socket: WebSocket) -> None:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        data = message.get("bytes")
        try:
            with services.budget.hold() as held:
                held.grow_to(len(data or b""))
                answer = await run_in_threadpool(_take, services, socket, data)
        except NotAuthenticated as error:
            await socket.send_text(json.dumps(refused_answer(data, error)))
            await socket.close(_POLICY_VIOLATION, error.code)
            return
        except (InspectionError, PictureError) as error:
            answer = refused_answer(data, error)
        except DATABASE_AWAY:
            answer = refused_answer(data, database_away())
        await socket.send_text(json.dumps(answer))


def _token(services: Services, socket: WebSocket) -> Token:
    token = authenticate(services.registry, socket.headers.get("authorization"))
    demand_scope(token, frozenset({DEVICE}))
    return token


def _take(services: Services, socket: WebSocket, data: bytes | None) -> dict[str, Any]:
    """The answer to one message; the token is asked for anew each time, for it may have been revoked meanwhile."""
    received_at = services.clock.now()
    token = _token(services, socket)
    meta, picture = split_message(data)
    accepted = services.acceptance.accept(meta, picture, token, received_at)
    return accepted_answer(seq_of(meta), accepted)
