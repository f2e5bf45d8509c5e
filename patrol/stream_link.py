"""The WebSocket way, /v1/stream: one connection a lane stays open, one message a frame, one answer a message.

It spares the headers of a request and the handshake after each pause. The rules of what an answer means are the same.
"""

import json
import struct
from contextlib import ExitStack, suppress
from typing import Any

from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from patrol.answers import Accepted, Refused, TryLater
from patrol.buffer import Lane, Waiting
from patrol.errors import Halt
from patrol.link import UploadSettings, meta_now

_LENGTH = struct.Struct(">I")
_MAX_ANSWER_BYTES = 65_536
_TOKEN_CODES = frozenset({"not_authenticated", "not_allowed"})


class StreamLink:
    """Frames over /v1/stream. A connection that broke is made anew for the next try."""

    def __init__(self, settings: UploadSettings) -> None:
        """Nothing is connected before the first frame."""
        self._settings = settings
        self._url = settings.server.rstrip("/").replace("http", "ws", 1) + "/v1/stream"
        self._sockets: dict[Lane, ClientConnection] = {}
        self._open: dict[Lane, ExitStack] = {}

    def send(self, frame: Waiting) -> Accepted | Refused:
        """What the server says of the frame; raises TryLater or Halt where it says nothing of it."""
        try:
            socket = self._sockets.get(frame.lane) or self._connected(frame.lane)
            meta = meta_now(frame)
            socket.send(_LENGTH.pack(len(meta)) + meta + frame.picture)
            answer = socket.recv(timeout=self._settings.timeout_s)
        except InvalidStatus as error:
            raise _denied(error.response.status_code) from error
        except (OSError, TimeoutError, WebSocketException) as error:
            self._drop(frame.lane)  # an answer that comes later must not be taken for the next frame's
            raise TryLater(f"{type(error).__name__}: {error}") from error
        return self._read(frame, answer)

    def _connected(self, lane: Lane) -> ClientConnection:
        opening = connect(
            self._url,
            additional_headers={"Authorization": f"Bearer {self._settings.token_of(lane[0])}"},
            open_timeout=self._settings.timeout_s,
            compression=None,  # pictures are compressed already
            max_size=_MAX_ANSWER_BYTES,
        )
        with ExitStack() as opened:
            self._sockets[lane] = opened.enter_context(opening)
            self._open[lane] = opened.pop_all()
        return self._sockets[lane]

    def _read(self, frame: Waiting, answer: str | bytes) -> Accepted | Refused:
        said = _object(answer)
        status, code = said.get("status"), str(said.get("code"))
        if said.get("seq") not in (frame.meta["seq"], None) or status not in ("accepted", "duplicate", "refused"):
            self._drop(frame.lane)
            raise TryLater("not an answer of Xuncheng to this frame")
        if status != "refused":
            return Accepted(server_frame=str(said["frame"]), duplicate=status == "duplicate")
        message = f"{code}: {said.get('detail') or 'refused'}"
        if code in _TOKEN_CODES:
            raise Halt(f"the server does not accept the token: {message}")
        if said.get("retry_after_s") is not None:
            raise TryLater(message, retry_after_s=float(said["retry_after_s"]))
        return Refused(code=code, message=message)

    def _drop(self, lane: Lane) -> None:
        if self._sockets.pop(lane, None) is not None:
            with suppress(OSError, WebSocketException):
                self._open.pop(lane).close()

    def close(self) -> None:
        """Give the connections back."""
        for lane in list(self._sockets):
            self._drop(lane)


def _denied(status: int) -> Exception:
    """What a refused handshake means."""
    if status in (401, 403):
        return Halt(f"the server does not accept the token: status {status}")
    if status in (404, 405):
        return Halt(f"no Xuncheng stream at this address: status {status}")
    return TryLater(f"the stream was refused: status {status}")


def _object(answer: str | bytes) -> dict[str, Any]:
    try:
        found = json.loads(answer)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
