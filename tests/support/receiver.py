"""The outside world of the vehicle: a real HTTP server that takes frames and can be told to misbehave.

It knows the wire format and the rule "same key, same answer", and nothing else of the inspection server.
"""

import hashlib
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

Key = tuple[str, str, str, str]


@dataclass(frozen=True)
class Received:
    """One request as it arrived."""

    key: Key
    meta: dict[str, Any]
    token: str
    content_type: str


class HangUp(Response):
    """Closes the connection in the middle of the answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Promise a hundred bytes and send none."""
        await send({"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"100")]})


@dataclass
class Receiver:
    """What arrived, and how to answer: `orders` are used up one per request, then everything is accepted."""

    requests: list[Received] = field(default_factory=list)
    stored: dict[Key, str] = field(default_factory=dict)
    times_new: int = 0
    orders: deque[Callable[[], Response]] = field(default_factory=deque)
    refuse: Callable[[dict[str, Any]], Response | None] = lambda meta: None
    delay_s: float = 0.0
    url: str = ""

    async def take(self, request: Request) -> Response:
        """Answer one POST /v1/frames."""
        async with request.form() as form:
            meta = json.loads(str(form["meta"]))
            image = form["image"]
            assert not isinstance(image, str)
            sha256 = hashlib.sha256(await image.read()).hexdigest()
            content_type = image.content_type or ""
        key = (meta["device"], meta["camera"], meta["taken_at"], sha256)
        token = request.headers.get("authorization", "")
        self.requests.append(Received(key=key, meta=meta, token=token, content_type=content_type))
        if self.delay_s:
            await _sleep(self.delay_s)
        if self.orders:
            ordered = self.orders.popleft()()
            if isinstance(ordered, HangUp):
                self._store(key)
            return ordered
        return self.refuse(meta) or self._store(key)

    def _store(self, key: Key) -> Response:
        if key in self.stored:
            return JSONResponse({"frame": self.stored[key], "status": "duplicate"}, 200)
        self.times_new += 1
        self.stored[key] = f"frame-{self.times_new}"
        return JSONResponse({"frame": self.stored[key], "status": "accepted"}, 202)


async def _sleep(seconds: float) -> None:
    import asyncio

    await asyncio.sleep(seconds)


def problem(status: int, code: str, detail: str = "", **headers: str) -> Response:
    """A problem+json answer."""
    body = {"type": "about:blank", "title": code.replace("_", " "), "status": status, "detail": detail, "code": code}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return JSONResponse(body, status, media_type="application/problem+json", headers=named)


@contextmanager
def running(receiver: Receiver, *, port: int = 0) -> Iterator[Receiver]:
    """The receiver on a port of 127.0.0.1, in a thread of this process."""
    app = Starlette(routes=[Route("/v1/frames", receiver.take, methods=["POST"])])
    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, ws="none", log_level="critical", lifespan="off", date_header=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the receiver did not start"
        time.sleep(0.01)
    receiver.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield receiver
    finally:
        server.should_exit = True
        thread.join(timeout=10)
