"""One worker process and who looks after it: heard of every quarter of a second, killed and replaced when it hangs.

The child writes one line a beat into a pipe: for how many seconds its slowest thread has been at one thing. Silence and
a large number mean the same. A thread that hangs cannot be ended from within Python, so its process is.
"""

import os
import select
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from inference_server.ticking import Rounds

_BEAT_S = 0.25
_LOOK_S = 0.1
_LINE_BYTES = 4096

_log = structlog.get_logger("supervisor")


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchRules:
    """When a worker is taken for hung, how long it may take to start and to stop, and how often it is replaced.

    A child that ends with one of `hopeless` codes would do so again: it is not replaced.
    """

    hang_after_s: float = 4.5
    start_within_s: float = 120.0
    stop_within_s: float = 8.0
    most_restarts: int = 5
    per_s: float = 60.0
    hopeless: frozenset[int] = frozenset({2, 3})


class Beats(Rounds):
    """The child's side: says through a pipe that it lives, at once and then four times a second. Where nobody reads any
    more, `alone` is called."""

    def __init__(self, pipe: int, busy_s: Callable[[], float], alone: Callable[[], None]) -> None:
        super().__init__("beats", self._beat)
        self._pipe, self._busy_s, self._alone = pipe, busy_s, alone

    def _beat(self) -> float:
        try:
            os.write(self._pipe, f"{self._busy_s():.3f}\n".encode())
        except BrokenPipeError:
            self._alone()
        return _BEAT_S


class Child:
    """A worker process as its supervisor sees it."""

    def __init__(self, command: Sequence[str], rules: WatchRules) -> None:
        self._rules = rules
        self._pipe, theirs = os.pipe()
        try:
            self.process = subprocess.Popen([*command, "--beats", str(theirs)], pass_fds=(theirs,))  # noqa: S603
        finally:
            os.close(theirs)
        self._begun_s = self._heard_s = time.monotonic()
        self._has_beaten, self._busy_s, self._rest = False, 0.0, ""

    def listen(self) -> None:
        """Take in the beats that have come; waits a tenth of a second for one."""
        if not select.select([self._pipe], [], [], _LOOK_S)[0]:
            return
        text = os.read(self._pipe, _LINE_BYTES).decode()
        if not text:
            time.sleep(_LOOK_S)  # the end of the pipe: the process ends, or has ended
            return
        *lines, self._rest = (self._rest + text).split("\n")
        if lines:
            self._has_beaten, self._busy_s, self._heard_s = True, float(lines[-1]), time.monotonic()

    def fault(self) -> str | None:
        """Why it is taken for hung; None while it seems well."""
        silent_s = time.monotonic() - self._heard_s
        if not self._has_beaten:
            late = time.monotonic() - self._begun_s > self._rules.start_within_s
            return f"not started within {self._rules.start_within_s:g} s" if late else None
        if silent_s > self._rules.hang_after_s:
            return f"silent for {silent_s:.1f} s"
        if self._busy_s > self._rules.hang_after_s:
            return f"a thread has been at one thing for {self._busy_s:.1f} s"
        return None

    def end(self, *, kill: bool = False) -> int:
        """The exit code, after SIGTERM and the time to stop, or at once after SIGKILL."""
        if not kill:
            self.process.terminate()
            try:
                self.process.wait(self._rules.stop_within_s + 1.0)
            except subprocess.TimeoutExpired:
                _log.warning("worker_killed", pid=self.process.pid, why="it does not stop")
        self.process.kill()
        code = self.process.wait()
        os.close(self._pipe)
        return code


class Supervisor:
    """Keeps one worker process running until `stop`. `command` must take `--beats DESCRIPTOR`."""

    def __init__(self, command: Sequence[str], rules: WatchRules) -> None:
        self._command, self._rules = command, rules
        self._stopping = threading.Event()
        self._restarts_s: deque[float] = deque(maxlen=rules.most_restarts)
        self._child: Child | None = None

    def stop(self) -> None:
        """End the worker in good order, then `run` returns. May be called by a signal handler."""
        self._stopping.set()

    def signal(self, number: int) -> None:
        """Pass a signal on to the worker, if one runs."""
        if self._child is not None:
            self._child.process.send_signal(number)

    def run(self) -> int:
        """The exit code: that of a worker that ended in good order, or for a reason that will not go away."""
        while True:
            self._child = Child(self._command, self._rules)
            _log.info("worker_started", pid=self._child.process.pid)
            code = self._attend(self._child)
            if self._stopping.is_set() or code in self._rules.hopeless:
                return code
            wait_s = self._pause_s()
            _log.warning("worker_replaced", code=code, after_s=round(wait_s, 1))
            if self._stopping.wait(wait_s):
                return 0
            self._restarts_s.append(time.monotonic())

    def _attend(self, child: Child) -> int:
        """The exit code of a worker, once it has ended, has been told to, or hangs and is killed."""
        while not self._stopping.is_set():
            child.listen()
            if child.process.poll() is not None:
                return child.end(kill=True)
            fault = child.fault()
            if fault is not None:
                _log.error("worker_hangs", pid=child.process.pid, why=fault)
                return child.end(kill=True)
        return child.end()

    def _pause_s(self) -> float:
        """How long the next restart has to wait, for there to be no more of them in a while than the rules allow."""
        if len(self._restarts_s) < self._rules.most_restarts:
            return 0.0
        return max(0.0, self._restarts_s[0] + self._rules.per_s - time.monotonic())
