"""Sends what waits in the buffer to the server, each frame at least once and each lane in order.

A frame is marked sent only after the server has acknowledged it. A crash between the two leads to a second sending,
which the server recognises by the frame's key and answers as a duplicate: so no frame is lost and none counts twice.
"""

import fcntl
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import BinaryIO

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_when_event_set, wait_exponential_jitter
from tenacity.nap import sleep_using_event

from patrol.answers import Accepted, Refused, TryLater
from patrol.buffer import Buffer, Lane, Waiting
from patrol.buffer_state import counts
from patrol.errors import Halt, InputError, OutsideError
from patrol.link import HttpLink, Link, UploadSettings

_LOOK_EVERY_S = 0.1


class Uploader:
    """Works in the background while it is entered; `drain` waits until nothing waits any more."""

    def __init__(self, buffer: Buffer, settings: UploadSettings, link: Link | None = None) -> None:
        """Nothing is sent before the uploader is entered; `link` is the way, HTTP if not given."""
        self.tally: Counter[str] = Counter()  # accepted, duplicate, parked, failed_tries: of this run
        self._tally_lock = threading.Lock()
        self._buffer = buffer
        self._settings = settings
        self._link = link or HttpLink(settings)
        self._stop = threading.Event()
        self._slots = threading.Semaphore(settings.connections)
        self._lanes: dict[Lane, threading.Thread] = {}
        self._dispatcher = threading.Thread(target=self._dispatch, name="dispatch", daemon=True)
        self._blocked: dict[Lane, Halt] = {}
        self._failure: BaseException | None = None
        self._lock_file: BinaryIO | None = None

    def __enter__(self) -> "Uploader":
        """Start sending; raises InputError when another process sends from this buffer (order would be lost)."""
        self._buffer.bind(self._settings.server)
        self._lock_file = open(f"{self._buffer.path}.lock", "wb")
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock_file.close()
            raise InputError(f"another process is already uploading from {self._buffer.path}") from error
        self._dispatcher.start()
        return self

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        """Stop: frames under way are finished, the rest goes on waiting in the buffer. Raises as `check` does."""
        self._stop.set()
        self._dispatcher.join()
        for thread in self._lanes.values():
            thread.join()
        self._link.close()
        if self._lock_file is not None:
            self._lock_file.close()
        if error_type is None:
            self.check()

    def drain(self, *, patience_s: float, tick: Callable[[], None] = lambda: None) -> None:
        """Return when nothing waits; raises OutsideError after `patience_s` without any frame being answered.

        `tick` is called about ten times a second.
        """
        last_answered, since = -1, time.monotonic()
        while self._buffer.waiting_count():
            self.check()
            tick()
            answered = sum(self.tally[name] for name in ("accepted", "duplicate", "parked"))
            if answered != last_answered:
                last_answered, since = answered, time.monotonic()
            elif time.monotonic() - since > patience_s:
                raise OutsideError(self._gave_up(patience_s))
            time.sleep(_LOOK_EVERY_S)
        self.check()
        tick()

    def check(self) -> None:
        """Raise what stopped the sending: a failure here, or Halt when no lane that waits can go on."""
        if self._failure is not None:
            raise self._failure
        if self._blocked:
            waiting = self._buffer.waiting_lanes()
            if waiting and all(lane in self._blocked for lane in waiting):
                raise self._blocked[waiting[0]]

    def _gave_up(self, patience_s: float) -> str:
        left = counts(self._buffer.file)
        return (
            f"no answer for {patience_s:.0f} s ({left.trouble or 'no reason known'}); "
            f"{left.waiting} frames stay in {self._buffer.path} and can be sent later"
        )

    def _dispatch(self) -> None:
        try:
            while not self._stop.wait(_LOOK_EVERY_S):
                for lane in self._buffer.waiting_lanes():
                    self._start(lane)
        except Exception as error:
            self._failure = error  # shown by drain and check, in the caller's thread

    def _start(self, lane: Lane) -> None:
        running = self._lanes.get(lane)
        if lane not in self._blocked and (running is None or not running.is_alive()):
            self._lanes[lane] = threading.Thread(target=self._send_lane, args=(lane,), daemon=True)
            self._lanes[lane].start()

    def _send_lane(self, lane: Lane) -> None:
        try:
            while not self._stop.is_set() and (frame := self._buffer.next_of(lane)) is not None:
                self._send_until_answered(frame)
        except TryLater:
            return  # told to stop in the middle of a wait
        except Halt as halt:
            self._blocked[lane] = halt
        except Exception as error:
            self._failure = error  # shown by drain and check, in the caller's thread
            self._stop.set()

    def _send_until_answered(self, frame: Waiting) -> None:
        trying = Retrying(
            retry=retry_if_exception_type(TryLater),
            wait=self._wait_s,
            stop=stop_when_event_set(self._stop),
            sleep=sleep_using_event(self._stop),
            before_sleep=lambda state: self._note_failure(frame, state),
            reraise=True,
        )
        match trying(self._send_once, frame):
            case Accepted(server_frame, duplicate):
                self._buffer.mark_sent(frame.row, server_frame=server_frame, duplicate=duplicate)
                self._count("duplicate" if duplicate else "accepted")
            case Refused(code, message):
                self._buffer.park(frame.row, code=code, message=message)
                self._count("parked")

    def _send_once(self, frame: Waiting) -> Accepted | Refused:
        with self._slots:
            return self._link.send(frame)

    def _count(self, name: str) -> None:
        with self._tally_lock:
            self.tally[name] += 1

    def _wait_s(self, state: RetryCallState) -> float:
        settings = self._settings
        grown = wait_exponential_jitter(
            multiplier=settings.first_wait_s, max=settings.longest_wait_s, jitter=settings.first_wait_s
        )
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after_s if isinstance(error, TryLater) else None
        if asked is None:
            return grown(state)
        spread = 1.0 + 0.1 * random.random()  # noqa: S311 - so that a fleet does not come back in one instant
        return max(settings.first_wait_s, min(asked, settings.longest_retry_after_s)) * spread

    def _note_failure(self, frame: Waiting, state: RetryCallState) -> None:
        self._count("failed_tries")
        self._buffer.note_failure(frame.row, str(state.outcome.exception()) if state.outcome else "")
