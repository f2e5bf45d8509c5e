"""HTTP connections that must get on: nobody may hold one by sending slowly, or nothing at all.

uvicorn bounds how many connections there are, and how long one may rest between two requests. Without a bound on the
request itself a few hundred silent clients would be all that it serves.
"""

import asyncio
from typing import Any, ClassVar, Final

import h11
import structlog
from uvicorn.protocols.http.h11_impl import H11Protocol

_BODY_SLACK: Final = 1.5  # a body that is read under a deadline of its own gets its own answer first
_log = structlog.get_logger("server")


class BoundedHttp(H11Protocol):
    """One connection; `_deadline` runs while a request is on its way in."""

    header_within_s: ClassVar[float]
    body_within_s: ClassVar[float]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._deadline: asyncio.TimerHandle | None = None
        self._deadline_of: Any = None
        self._is_http = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there; its first request may take its time from here on."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Some bytes of a request."""
        super().data_received(data)
        self._watch()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """From here on the connection belongs to another protocol, which has its own pings."""
        super().handle_websocket_upgrade(event)
        self._is_http = False

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone, or was sent away."""
        self._forget()
        super().connection_lost(exc)

    def _watch(self) -> None:
        """A deadline for each part of a request, which more bytes of the same part do not move."""
        part = self.conn.their_state
        if part is self._deadline_of:
            return
        self._forget()
        within_s = {h11.IDLE: self.header_within_s, h11.SEND_BODY: _BODY_SLACK * self.body_within_s}.get(part)
        if within_s is not None and self._is_http and not self.transport.is_closing():
            self._deadline_of = part
            self._deadline = self.loop.call_later(within_s, self._too_slow)

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self._deadline_of = None

    def _too_slow(self) -> None:
        self._forget()
        _log.info("connection_too_slow", client=None if self.client is None else self.client[0])
        self.transport.abort()


def bounded_http(header_within_s: float, body_within_s: float) -> type[BoundedHttp]:
    """The protocol for uvicorn's `http`: a connection is closed where the headers of a request take longer than
    `header_within_s` from their first byte (or from the start of the connection), or its body half as long again as
    `body_within_s`."""
    limits = {"header_within_s": header_within_s, "body_within_s": body_within_s}
    return type("BoundedHttp", (BoundedHttp,), limits)
