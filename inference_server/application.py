"""A running server: the app, and the threads behind it."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog
from fastapi import FastAPI

from inference_server.adapters.opening import Adapters
from inference_server.web.readiness import Phase
from inference_server.web.services import Services

_LEAST_S = 0.2  # each part has this long to end, however late it is
_log = structlog.get_logger("server")


class Threads(Protocol):
    """Threads that work behind the app."""

    def start(self) -> None:
        """Begin."""
        ...

    def stop(self, within_s: float) -> bool:
        """Begin nothing more and finish what is in hand; False if that is not done in time."""
        ...


@dataclass(slots=True, kw_only=True)
class Application:
    """A server: the app, and the threads behind it. Start it, serve the app, stop it."""

    app: FastAPI
    services: Services
    record: Adapters
    console_secret: str | None
    max_message_bytes: int
    threads: tuple[Threads, ...]
    reload_models: Callable[[], None]
    busy_s: Callable[[], float]
    stop_within_s: float
    stops_at_s: float = math.inf

    def start(self) -> None:
        """Begin to analyse and to deliver; from here on frames are accepted."""
        for part in self.threads:
            part.start()
        self.services.readiness.phase = Phase.SERVING

    def drain(self) -> None:
        """Accept nothing more; what is in hand goes on, for `stop_within_s` from here."""
        if self.services.readiness.phase is not Phase.DRAINING:
            self.stops_at_s = time.monotonic() + self.stop_within_s
        self.services.readiness.phase = Phase.DRAINING

    def stop(self) -> None:
        """Finish the frames in hand, then close everything; what waits is analysed after the next start."""
        self.drain()
        for part in self.threads:
            if not part.stop(max(self.stops_at_s - time.monotonic(), _LEAST_S)):
                _log.warning("stopped_in_the_middle", part=type(part).__name__)
        self.record.close()
