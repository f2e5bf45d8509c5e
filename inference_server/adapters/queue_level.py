"""How full the queue is, how fast it empties, and who may put in one frame more."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

_TRUST_S = 1.0  # other processes put and take as well: after this long the database is asked again
_WINDOW_S = 60.0
_LEAST_WINDOW_S = 2.0
_UNKNOWN_RETRY_S = 5.0
_LEAST_RETRY_S, _MOST_RETRY_S = 1.0, 120.0
_ROOM_WANTED = 0.1  # who is sent away comes again when this part of the queue is free, not when one place is

# A device may hold this many times the room that is left. The rule is Choudhury and Hahne's dynamic threshold ("Dynamic
# queue length thresholds for shared-memory packet switches", IEEE/ACM ToN 6(2), 1998): a device alone gets 16/17 of the
# queue, n busy ones 16/(16n + 1) each, and there is always room for one that has nothing waiting.
_SHARE = 16


@dataclass(frozen=True, slots=True)
class Amount:
    """Frames and their bytes."""

    frames: int = 0
    size_bytes: int = 0

    def with_more(self, other: "Amount") -> "Amount":
        """Both together."""
        return Amount(self.frames + other.frames, self.size_bytes + other.size_bytes)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits, of all devices and of each, and the number of the last frame that ever arrived."""

    total: Amount = field(default_factory=Amount)
    by_device: Mapping[str, Amount] = field(default_factory=dict)
    last_arrival: int = 0


class QueueLevel:
    """What waits: exact after each question to the database, kept up with our own frames in between."""

    def __init__(self, ask: Callable[[], Waiting], most: Amount, now_s: Callable[[], float] = time.monotonic) -> None:
        self._ask, self._most, self._now_s = ask, most, now_s
        self._lock = threading.Lock()
        self._total = Amount()
        self._by_device: dict[str, Amount] = {}
        self._asked_s = float("-inf")
        self._done: deque[tuple[float, int]] = deque()  # when asked, and how many frames had ever been done

    def room(self, device: str, size_bytes: int) -> str | None:
        """Why a device may not put in a frame of this size now; None where it may."""
        with self._lock:
            self._refresh()
            total, own = self._total, self._by_device.get(device, Amount())
            left = Amount(self._most.frames - total.frames, self._most.size_bytes - total.size_bytes)
            if left.frames < 1 or left.size_bytes < size_bytes:
                return f"{total.frames} frames ({total.size_bytes} bytes) wait"
            if own.frames >= _SHARE * left.frames or own.size_bytes >= _SHARE * left.size_bytes:
                return f"{own.frames} frames of {device} wait: that is its share while {total.frames} wait in all"
            return None

    def fullest(self) -> str | None:
        """The device with the most waiting frames; None where none waits."""
        with self._lock:
            return max(self._by_device, key=lambda device: self._by_device[device].frames, default=None)

    def put(self, device: str, size_bytes: int) -> None:
        """One frame more."""
        self._add(device, Amount(1, size_bytes))

    def gone(self, device: str, size_bytes: int) -> None:
        """One frame less."""
        self._add(device, Amount(-1, -size_bytes))

    def retry_after_s(self, device: str) -> float:
        """When a device that was sent away will find room, at the rate of the last minute; 1 to 120 seconds.

        x frames must go before own - own/total * x <= share * (left + x), and a tenth of the queue at least.
        """
        with self._lock:
            rate = self._rate()
            if rate is None:
                return _UNKNOWN_RETRY_S
            total, own = self._total.frames, self._by_device.get(device, Amount()).frames
            over = own - _SHARE * (self._most.frames - total)
            to_go = max(_ROOM_WANTED * total, over / (_SHARE + own / max(total, 1)))
            return min(max(to_go / rate, _LEAST_RETRY_S), _MOST_RETRY_S) if rate > 0.0 else _MOST_RETRY_S

    def _add(self, device: str, amount: Amount) -> None:
        with self._lock:
            self._total = self._total.with_more(amount)
            self._by_device[device] = self._by_device.get(device, Amount()).with_more(amount)

    def _refresh(self) -> None:
        now_s = self._now_s()
        if now_s - self._asked_s <= _TRUST_S:
            return
        waiting = self._ask()
        self._total, self._by_device, self._asked_s = waiting.total, dict(waiting.by_device), now_s
        if not waiting.total.frames:
            self._done.clear()  # workers without work say nothing about how fast they are
        self._done.append((now_s, waiting.last_arrival - waiting.total.frames))
        while now_s - self._done[0][0] > _WINDOW_S:
            self._done.popleft()

    def _rate(self) -> float | None:
        """Frames a second that the workers of all processes have done lately; None where that is not known yet."""
        if not self._done:
            return None
        (first_s, first), (last_s, last) = self._done[0], self._done[-1]
        return (last - first) / (last_s - first_s) if last_s - first_s >= _LEAST_WINDOW_S else None
