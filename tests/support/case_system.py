"""A case system: a real HTTP server that takes signed events, verifies them with the public libraries and counts them.

For tests, and to look at from outside: `PYTHONPATH=tests python -m support.case_system --port 9000 --secret whsec_...`
prints one line per event.
"""

import argparse
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from fastapi import FastAPI, Request, Response
from standardwebhooks import Webhook, WebhookVerificationError

SECRET = "whsec_eHVuY2hlbmctdGVzdC1zZWNyZXQtMzItYnl0ZXMtbG8="
OTHER_SECRET = "whsec_YW5vdGhlci1zZWNyZXQtb2YtdGhpcnR5LXR3by1ieXQ="


@dataclass
class CaseSystem:
    """What it has heard. `orders` are the next answers, used up one per request; then everything is welcome."""

    secret: str = SECRET
    events: dict[str, BaseCloudEvent] = field(default_factory=dict)
    in_order: list[str] = field(default_factory=list)
    times_heard: Counter[str] = field(default_factory=Counter)
    times_refused: int = 0
    orders: deque[tuple[int, dict[str, str]]] = field(default_factory=deque)
    delay_s: float = 0.0
    talks: bool = False
    url: str = ""

    def hear(self, headers: dict[str, str], body: bytes) -> Response:
        """Verify first, read afterwards; the same id again changes nothing."""
        try:
            Webhook(self.secret).verify(body, headers, json_parse=False)
        except WebhookVerificationError as error:
            self.times_refused += 1
            return Response(str(error), 401)
        time.sleep(self.delay_s)
        self.times_heard[headers["webhook-id"]] += 1
        if self.orders:
            status, ordered = self.orders.popleft()
            return Response("as ordered", status, headers=ordered)
        event = from_structured_event(HTTPMessage(headers=headers, body=body))
        assert event.get_id() == headers["webhook-id"]
        if event.get_id() not in self.events:
            self.events[event.get_id()] = event
            self.in_order.append(event.get_id())
            self._say(event)
        return Response(status_code=204)

    def _say(self, event: BaseCloudEvent) -> None:
        if self.talks:
            sys.stdout.write(f"{event.get_time()} {event.get_type()} {event.get_subject()} {event.get_data()}\n")
            sys.stdout.flush()

    def data_of(self, event_id: str) -> Any:
        """The data of an event that it took."""
        return self.events[event_id].get_data()

    def app(self) -> FastAPI:
        """The server."""
        app = FastAPI()

        @app.post("/events")
        async def events(request: Request) -> Response:
            return self.hear(dict(request.headers), await request.body())

        return app


@contextmanager
def listening(system: CaseSystem, *, port: int = 0) -> Iterator[CaseSystem]:
    """The case system on a port of 127.0.0.1, in a thread of this process."""
    with serving(system.app(), port=port) as base:
        system.url = f"{base}/events"
        yield system


@contextmanager
def serving(app: Any, *, port: int = 0) -> Iterator[str]:
    """The address of an ASGI app that is served in a thread of this process."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, ws="none", log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def main() -> None:
    """Listen until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--secret", default=SECRET)
    asked = parser.parse_args()
    uvicorn.run(CaseSystem(secret=asked.secret, talks=True).app(), host="127.0.0.1", port=asked.port)


if __name__ == "__main__":
    main()
