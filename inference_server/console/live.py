"""Server-sent events that say *something changed*; what changed is asked for in the ordinary way.

No state is kept per listener: an event's id is a digest of the record, so a browser that comes back with
`Last-Event-ID`, to any process, is told at once whether it missed something.
"""

import asyncio
import hashlib
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.concurrency import run_in_threadpool

from inference_server.console.views import version_of
from inference_server.domain.reach import WHOLE_CITY, Reach
from inference_server.ports import CaseFilter, CaseStore

_WATCHED_CASES: Final = 200
_QUIET_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Signature:
    """Digests of what the page shows: of the cases, and of the vehicles' trails."""

    cases: str
    trail: str

    def __str__(self) -> str:
        return f"{self.cases}.{self.trail}"


class Pulse:
    """The present signature, asked of the record at most once in `every_s` however many pages listen."""

    def __init__(self, store: CaseStore, every_s: float, is_stopping: Callable[[], bool]) -> None:
        self._store = store
        self._is_stopping = is_stopping
        self._every_s = every_s
        self._lock = threading.Lock()
        self._last: dict[Reach, tuple[float, Signature]] = {}  # when it was taken, and what it was

    def signature(self, reach: Reach) -> Signature:
        """The signature of what somebody sees, at most `every_s` old."""
        with self._lock:
            taken_at_s, last = self._last.get(reach, (-float("inf"), None))
            if last is None or time.monotonic() - taken_at_s >= self._every_s:
                last = signature_of(self._store, reach)
                self._last[reach] = (time.monotonic(), last)
            return last

    async def events(self, reach: Reach, seen: str | None, for_s: float) -> AsyncIterator[str]:
        """Events for one page that last saw `seen`, until the stream's time is over and the browser comes again."""
        yield f"retry: {int(self._every_s * 1000)}\n\n"
        ends_at_s, spoke_at_s = time.monotonic() + for_s, time.monotonic()
        while time.monotonic() < ends_at_s and not self._is_stopping():
            now = await run_in_threadpool(self.signature, reach)
            if str(now) != seen:
                seen, spoke_at_s = str(now), time.monotonic()
                yield f"event: changed\nid: {now}\ndata: {json.dumps({'cases': now.cases, 'trail': now.trail})}\n\n"
            elif time.monotonic() - spoke_at_s >= _QUIET_S:
                spoke_at_s = time.monotonic()
                yield ": still here\n\n"
            await asyncio.sleep(self._every_s)


def signature_of(store: CaseStore, reach: Reach = WHOLE_CITY) -> Signature:
    """The signature of the record: of the cases by state and the newest ones, and of the frames by outcome.

    Frames are those of the whole city: that somewhere a vehicle drives is all that a district learns of the others.
    """
    newest = store.list_cases(CaseFilter(newest_first=True, limit=_WATCHED_CASES, reach=reach)).cases
    cases = [f"{name}={n}" for name, n in sorted(store.counts(reach).items()) if name.startswith("cases.")]
    frames = [f"{name}={n}" for name, n in sorted(store.counts().items()) if name.startswith("frames.")]
    return Signature(_digest([*cases, *(f"{case.id}:{version_of(case)}" for case in newest)]), _digest(frames))


def _digest(parts: Sequence[str]) -> str:
    return hashlib.blake2b("|".join(parts).encode(), digest_size=6).hexdigest()
