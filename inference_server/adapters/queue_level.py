"""How full the queue is, and how fast it empties."""

import threading
import time
from collections import deque
from collections.abc import Callable

_TRUST_S = 1.0  # other processes put and take as well: after this long the database is asked again
_RATE_WINDOW = 200
_UNKNOWN_RETRY_S = 5.0


class QueueLevel:
    """Count and bytes of waiting frames: exact after each question to the database, kept up with our own in between."""

    def __init__(self, ask: Callable[[], tuple[int, int]]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._count = self._bytes = 0
        self._asked_s = float("-inf")
        self._released_s: deque[float] = deque(maxlen=_RATE_WINDOW)

    def now(self) -> tuple[int, int]:
        """Waiting frames and their bytes."""
        with self._lock:
            if time.monotonic() - self._asked_s > _TRUST_S:
                self._count, self._bytes = self._ask()
                self._asked_s = time.monotonic()
            return self._count, self._bytes

    def put(self, size_bytes: int) -> None:
        """One frame more."""
        with self._lock:
            self._count += 1
            self._bytes += size_bytes

    def released(self, size_bytes: int) -> None:
        """One frame less."""
        with self._lock:
            self._count -= 1
            self._bytes -= size_bytes
            self._released_s.append(time.monotonic())

    def retry_after_s(self) -> float:
        """When a tenth of what waits will be gone at the present rate; between 1 and 60 seconds."""
        with self._lock:
            span_s = time.monotonic() - self._released_s[0] if self._released_s else 0.0
            if len(self._released_s) < 2 or span_s <= 0.0:
                return _UNKNOWN_RETRY_S
            rate = len(self._released_s) / span_s
            return min(max(0.1 * self._count / rate, 1.0), 60.0)
