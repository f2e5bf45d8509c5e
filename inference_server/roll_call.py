"""Worker processes tell the record that they work, so that servers on other machines know."""

import socket
from collections.abc import Callable
from datetime import timedelta

import structlog

from inference_server.ports import Clock, WorkerProcess, WorkerRoll
from inference_server.ticking import Ticking

_EVERY_S = 2.0
_GONE_AFTER = timedelta(seconds=10)

_log = structlog.get_logger("worker")


class RollCall(Ticking):
    """Says every two seconds that this process works, and for how long its slowest thread has been at one thing."""

    def __init__(self, roll: WorkerRoll, clock: Clock, name: str, threads: int, busy_s: Callable[[], float]) -> None:
        super().__init__("roll-call", _EVERY_S, self._report)
        self._roll, self._clock = roll, clock
        self._name, self._threads, self._busy_s = name, threads, busy_s

    def _report(self) -> None:
        process = WorkerProcess(
            name=self._name,
            host=socket.gethostname(),
            threads=self._threads,
            busy_s=self._busy_s(),
            seen_at=self._clock.now(),
        )
        try:
            self._roll.report(process)
        except Exception as error:  # a record that is away must not end the thread: it comes back
            _log.warning("roll_call_failed", error=type(error).__name__)


def roll_fault(roll: WorkerRoll, clock: Clock) -> str | None:
    """What is wrong with the worker processes of a server that analyses nothing itself; None where some work."""
    present = roll.seen_since(clock.now() - _GONE_AFTER)
    if present:
        return None
    return f"no worker process has been heard of for {_GONE_AFTER.seconds} s: frames wait"
