"""The first thing a request meets: small bodies are read whole, under limits, before any route sees them."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inference_server.domain.errors import InspectionError
from inference_server.web.errors import refusal
from inference_server.web.refusals import BodyTooLarge, BodyTooSlow

MAX_SMALL_BODY_BYTES = 65_536
# What a route says itself stays: pictures may be kept, pages have a policy of their own.
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)


@dataclass(frozen=True, slots=True)
class Guard:
    """ASGI middleware. `streamed` lists the addresses whose routes read their body themselves."""

    app: ASGIApp
    streamed: frozenset[str]
    within_s: float
    max_bytes: int = MAX_SMALL_BODY_BYTES
    headers: Iterable[tuple[bytes, bytes]] = field(default=_HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["path"] not in self.streamed:
            try:
                receive = await self._read_whole(scope, receive)
            except InspectionError as error:
                await refusal(error)(scope, receive, send)
                return
        await self.app(scope, receive, self._with_headers(send))

    async def _read_whole(self, scope: Scope, receive: Receive) -> Receive:
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > self.max_bytes:
            raise BodyTooLarge(self.max_bytes)
        try:
            async with asyncio.timeout(self.within_s):
                first = await self._gather(receive)
        except TimeoutError:
            raise BodyTooSlow(self.within_s) from None
        waiting = [first]

        async def replay() -> Message:
            return waiting.pop() if waiting else await receive()

        return replay

    async def _gather(self, receive: Receive) -> Message:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return message
            body += message.get("body", b"")
            if len(body) > self.max_bytes:
                raise BodyTooLarge(self.max_bytes)
            if not message.get("more_body", False):
                return {"type": "http.request", "body": bytes(body), "more_body": False}

    def _with_headers(self, send: Send) -> Send:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                named = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(row for row in self.headers if row[0] not in named)]
            await send(message)

        return send_with_headers
