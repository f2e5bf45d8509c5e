"""When results are committed: the load looks into the database file, as a reader beside the server."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

_LOOK_EVERY_S = 0.005
_AT_ONCE = 500  # asked for in one statement
_REST = 20  # times as long as a look took: thousands of waiting frames must not cost the cores that are measured


class Commits:
    """Looks into the database every few milliseconds; less often it takes less of the processor that the server needs,
    and the longer a look takes, the longer it rests. `done_s` is when each frame was seen done (time.perf_counter);
    whoever waits for it is woken. Under load, when many wait, all of them are asked for: frames are done in no order,
    so that the oldest ones alone would hide the rest."""

    def __init__(self, database: Path, look_every_s: float = _LOOK_EVERY_S) -> None:
        self._database, self._look_every_s = database, look_every_s
        self._waiting: dict[str, threading.Event] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.done_s: dict[str, float] = {}

    def __enter__(self) -> Commits:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    @property
    def waiting(self) -> int:
        """How many expected frames are not done."""
        return len(self._waiting)

    def expect(self, frame_id: str) -> threading.Event:
        """Set once the result of a frame is committed."""
        return self._waiting.setdefault(frame_id, threading.Event())

    def _watch(self) -> None:
        with sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, isolation_level=None) as reader:
            took_s = 0.0
            while not self._stopping.wait(max(self._look_every_s, _REST * took_s)):
                begun_s = time.perf_counter()
                for waiting in _batches(list(self._waiting), _AT_ONCE):
                    self._look_for(reader, waiting)
                took_s = time.perf_counter() - begun_s

    def _look_for(self, reader: sqlite3.Connection, waiting: Sequence[str]) -> None:
        marks = ",".join("?" * len(waiting))
        question = f"SELECT id FROM frames WHERE state <> 'queued' AND id IN ({marks})"
        for (frame_id,) in reader.execute(question, waiting).fetchall():
            self.done_s[frame_id] = time.perf_counter()
            self._waiting.pop(frame_id).set()


def _batches(of: Sequence[str], most: int) -> Iterator[Sequence[str]]:
    """The items in order, so many at a time."""
    return (of[start : start + most] for start in range(0, len(of), most))
