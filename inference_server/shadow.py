"""The candidate looks at a share of the frames after the champion's work on them is committed.

A frame is handed over without waiting: where the shadow is still busy with others, it is let go and counted. The one
thread runs at a low priority and rests while frames wait, so the shadow uses what the live work leaves.
"""

import contextlib
import os
import queue
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from inference_server.domain.frame import Frame
from inference_server.domain.policy import Policy
from inference_server.domain.report import Report
from inference_server.domain.shadow import ShadowLook, compare, takes_part, worth_a_look
from inference_server.learning_ports import ShadowStore
from inference_server.ports import Clock, Detects, PictureUnreadable
from inference_server.sighted import limits_of

_MOST_WAITING = 4
_NICENESS = 10

COMPARED, BUSY, MODEL_CHANGED, UNREADABLE, FAILED = "compared", "busy", "model_changed", "unreadable", "failed"
OUTCOMES = (COMPARED, BUSY, MODEL_CHANGED, UNREADABLE, FAILED)

_log = structlog.get_logger("shadow")
_Shown = tuple[Frame, bytes, Report]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowRules:
    """`share` of the frames is looked at, drawn by `seed`; `is_busy` says that live frames wait."""

    share: float
    seed: int
    policy: Policy
    is_busy: Callable[[], bool]


class Pair(Protocol):
    """The model that decides, and the one that looks beside it, if there is one."""

    @property
    def champion(self) -> Detects:
        """The model that decides."""
        ...

    @property
    def candidate(self) -> Detects | None:
        """The model beside it."""
        ...


class Shadow:
    """Hands frames to the candidate, and keeps what it saw. `counts` says what became of the share, by OUTCOMES."""

    def __init__(self, models: Pair, store: ShadowStore, clock: Clock, rules: ShadowRules) -> None:
        self._models, self._store, self._clock, self._rules = models, store, clock, rules
        self._waiting: queue.Queue[_Shown | None] = queue.Queue(_MOST_WAITING)
        self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)
        self._stopping = threading.Event()
        self.counts: Counter[str] = Counter(dict.fromkeys(OUTCOMES, 0))

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, within_s: float) -> bool:
        """End after the frame in hand; what waits is let go, for nothing depends on it."""
        self._stopping.set()
        with contextlib.suppress(queue.Full):  # full: the thread wakes up for one of those that wait
            self._waiting.put_nowait(None)
        self._thread.join(within_s)
        return not self._thread.is_alive()

    def show(self, frame: Frame, picture: bytes, report: Report) -> None:
        """Hand over a frame that is done, if it belongs to the share; never waits."""
        is_wanted = report.is_analysed and self._models.candidate is not None
        if not is_wanted or not takes_part(frame.id, self._rules.share, self._rules.seed):
            return
        try:
            self._waiting.put_nowait((frame, picture, report))
        except queue.Full:
            self.counts[BUSY] += 1

    def _run(self) -> None:
        if sys.platform == "linux":
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        while not self._stopping.is_set():
            shown = self._waiting.get()
            if shown is None or self._stopping.is_set():
                return
            try:
                self.counts[self._look(*shown)] += 1
            except Exception:  # nothing depends on the shadow: whatever it was, the next frame is tried
                self.counts[FAILED] += 1
                _log.exception("shadow_fault", frame=shown[0].id)

    def _look(self, frame: Frame, picture: bytes, report: Report) -> str:
        """What became of a frame, one of OUTCOMES."""
        live, shadow = self._models.champion, self._models.candidate
        if shadow is None or report.model_version != live.model_version:
            return MODEL_CHANGED
        if self._rules.is_busy():
            return BUSY
        try:
            seen = shadow.open(picture).detect()
        except PictureUnreadable:
            return UNREADABLE
        policy = self._rules.policy
        mine = worth_a_look([one.detection for one in report.detections], limits_of(policy, live))
        theirs = worth_a_look(seen, limits_of(policy, shadow))
        self._store.add_look(
            ShadowLook(
                frame_id=frame.id,
                live_version=live.model_version,
                shadow_version=shadow.model_version,
                looked_at=self._clock.now(),
                finds=tuple(compare(mine, theirs)),
            )
        )
        return COMPARED
