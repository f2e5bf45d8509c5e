"""Threads that take frames from the queue, have them analysed, and let them go when their report is committed."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from inference_server.domain.frame import Frame
from inference_server.domain.observation import Drop, DropReason
from inference_server.domain.report import Report
from inference_server.ports import CaseStore, Claimed, Clock, FrameQueue

_WAIT_S = 0.2  # also how long a thread without work may take to notice that it shall stop
_PAUSE_AFTER_FAULT_S = 1.0

_log = structlog.get_logger("worker")


class Inspects(Protocol):
    """The use case: a frame and its picture become a report that is committed when this returns."""

    def __call__(self, frame: Frame, picture: bytes) -> Report:
        """The report."""
        ...


class Hears(Protocol):
    """Who wants to know of each report: metrics, people who wait for one."""

    def __call__(self, frame: Frame, report: Report, seconds: float) -> None:
        """A frame is done; `seconds` is what its analysis took."""
        ...


def _deaf(frame: Frame, report: Report, seconds: float) -> None:
    """Nobody wants to know."""


class Shows(Protocol):
    """Who wants to look at a picture again after its frame is done: the shadow model. It must not wait."""

    def __call__(self, frame: Frame, picture: bytes, report: Report) -> None:
        """A frame is done and gone from the queue."""
        ...


def _unseen(frame: Frame, picture: bytes, report: Report) -> None:
    """Nobody wants to look."""


def _go_on() -> None:
    """Nobody goes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What the threads need. A frame that failed `max_attempts` times ends as the drop `failed`: a frame that no
    attempt can digest must not stop its camera for ever. `gives_way` returns when the next frame may be taken: soon,
    whatever goes first."""

    queue: FrameQueue
    store: CaseStore
    inspect: Inspects
    clock: Clock
    max_attempts: int = 5
    hears: Hears = _deaf
    shows: Shows = _unseen
    gives_way: Callable[[], None] = _go_on


class Workers:
    """Threads over one queue. Frames of one camera keep their order, for the queue hands out one at a time."""

    def __init__(self, work: Work, threads: int) -> None:
        self._work = work
        self._stopping = threading.Event()
        self._began_s: dict[str, float] = {}  # thread -> when it began what it is at
        self._threads = [threading.Thread(target=self._run, name=f"worker-{i}", daemon=True) for i in range(threads)]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self, within_s: float) -> bool:
        """Take no more frames and wait for those in hand; False if some thread is not done in time.

        A frame whose thread was not done stays in the queue, and is analysed after the next start.
        """
        self._stopping.set()
        until_s = time.monotonic() + within_s
        for thread in self._threads:
            thread.join(max(0.0, until_s - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    @property
    def alive(self) -> int:
        """How many threads run."""
        return sum(thread.is_alive() for thread in self._threads)

    @property
    def busy_s(self) -> float:
        """For how long the slowest thread has been at one thing: a frame, or waiting for one (0.2 s at most)."""
        began_s = list(self._began_s.values())
        return time.monotonic() - min(began_s) if began_s else 0.0

    def _run(self) -> None:
        me = threading.current_thread().name
        while not self._stopping.is_set():
            self._began_s[me] = time.monotonic()
            self._work.gives_way()
            try:
                work_once(self._work, wait_s=_WAIT_S)
            except Exception:  # one of the two broad handlers: whatever it is, the other frames must go on
                _log.exception("worker_fault")
                self._stopping.wait(_PAUSE_AFTER_FAULT_S)
        del self._began_s[me]


def work_once(work: Work, wait_s: float = 0.0) -> bool:
    """Whether there was a frame; it is analysed and gone, or back in the queue with the fault raised."""
    claimed = work.queue.claim(wait_s)
    if claimed is None:
        return False
    begun_s = time.monotonic()
    is_done = False
    try:
        report = _gave_up(work, claimed) or work.inspect(claimed.frame, claimed.picture)
        work.queue.release(claimed)
        is_done = True
    finally:
        if not is_done:
            _log.warning("frame_given_back", frame=claimed.frame.id, attempts=claimed.attempts + 1)
            work.queue.give_back(claimed)
    seconds = time.monotonic() - begun_s
    _log.info("frame_done", **_line(claimed.frame, report), seconds=round(seconds, 4))
    work.hears(claimed.frame, report, seconds)
    work.shows(claimed.frame, claimed.picture, report)
    return True


def _gave_up(work: Work, claimed: Claimed) -> Report | None:
    """The report of a frame that failed too often; None while it may be tried."""
    if claimed.attempts < work.max_attempts:
        return None
    drop = Drop(DropReason.FAILED, {"attempts": claimed.attempts})
    report = Report(frame_id=claimed.frame.id, analysed_at=work.clock.now(), drop=drop)
    with work.store.work(()) as unit:
        unit.finish(claimed.frame, report)
    return report


def _line(frame: Frame, report: Report) -> dict[str, object]:
    """What the log says of a frame: why it was dropped, or what became of its detections."""
    found: dict[str, object] = {"frame": frame.id, "camera": frame.camera}
    if report.drop is not None:
        return {**found, "drop": report.drop.reason.value}
    reasons = Counter(
        f"dropped_{one.drop.reason.value}" if one.drop else one.outcome.value for one in report.detections
    )
    return {**found, **reasons}
