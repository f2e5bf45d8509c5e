"""WebSocket /v1/stream: one binary message per frame, one JSON text per answer, in order.

A message is the length of the JSON (4 bytes, big-endian), the JSON `meta`, the picture. A wrong message is answered
and the stream goes on; only a message over the size limit, or a token that is no longer valid, ends it.
"""

import json
import struct
from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from fastapi.concurrency import run_in_threadpool

from detector.picture_errors import PictureError
from inference_server.domain.errors import BadInput, InspectionError
from inference_server.ports import Accepted, Token
from inference_server.web.body import MAX_META_BYTES
from inference_server.web.deps import DEVICE, authenticate, demand_scope, services_of
from inference_server.web.errors import refusal
from inference_server.web.refusals import BodyTooLarge, Busy, Malformed, NotAuthenticated
from inference_server.web.services import Services

router = APIRouter()
_log = structlog.get_logger("web")
_LENGTH = struct.Struct(">I")
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
            answer = await run_in_threadpool(_take, services, socket, data)
        except NotAuthenticated as error:
            await socket.send_text(json.dumps(_refused(data, error)))
            await socket.close(_POLICY_VIOLATION, error.code)
            return
        except (InspectionError, PictureError) as error:
            answer = _refused(data, error)
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
    return _accepted(_seq_of(meta), accepted)


def split_message(data: bytes | None) -> tuple[bytes, bytes]:
    """Meta and picture of a binary message; raises Malformed, BodyTooLarge or BadInput.

    >>> split_message(bytes([0, 0, 0, 2]) + b"{}" + b"picture")
    (b'{}', b'picture')
    """
    if data is None:
        raise Malformed("a frame is a binary message: 4 bytes of length, the JSON, the picture")
    if len(data) < _LENGTH.size:
        raise Malformed("the message is shorter than the length of its JSON")
    (length,) = _LENGTH.unpack_from(data)
    if length > MAX_META_BYTES:
        raise BodyTooLarge(MAX_META_BYTES, field="meta")
    start, end = _LENGTH.size, _LENGTH.size + length
    if end > len(data):
        raise Malformed(f"the JSON is said to have {length} bytes, the message has {len(data) - start}")
    if end == len(data):
        raise BadInput("the message has no picture", field="image")
    return data[start:end], data[end:]


def _seq_of(meta: bytes) -> int | None:
    """The number that the answer repeats, where the JSON is good enough to hold one."""
    try:
        seq = json.loads(meta)["seq"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return seq if isinstance(seq, int) and not isinstance(seq, bool) else None


def _accepted(seq: int | None, accepted: Accepted) -> dict[str, Any]:
    status = "accepted" if accepted.is_new else "duplicate"
    return {"seq": seq, "frame": accepted.frame_id, "status": status, "code": None, "retry_after_s": None}


def _refused(data: bytes | None, error: InspectionError | PictureError) -> dict[str, Any]:
    try:
        seq = _seq_of(split_message(data)[0])
    except InspectionError:
        seq = None
    return {
        "seq": seq,
        "frame": None,
        "status": "refused",
        "code": error.code,
        "retry_after_s": getattr(error, "retry_after_s", None),
        "detail": error.message,
        "field": getattr(error, "field", None),
    }
