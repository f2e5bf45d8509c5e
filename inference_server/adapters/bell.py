"""How one thread tells others that there may be something to do."""

import threading


class Bell:
    """A count of rings. Who reads it before looking for work and waits afterwards never misses a ring in between."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._rings = 0

    @property
    def rings(self) -> int:
        """How often it has rung."""
        with self._condition:
            return self._rings

    def ring(self) -> None:
        """Wake everybody who waits."""
        with self._condition:
            self._rings += 1
            self._condition.notify_all()

    def wait(self, heard: int, timeout_s: float) -> None:
        """Return when it has rung more than `heard` times, or when the time is over."""
        with self._condition:
            self._condition.wait_for(lambda: self._rings != heard, timeout_s)
