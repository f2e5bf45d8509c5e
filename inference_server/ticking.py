"""Threads that do one small thing again and again."""

import threading
from collections.abc import Callable


class Rounds:
    """One round after another from `start` to `stop`. A round says for how many seconds to pause; it must not raise."""

    def __init__(self, name: str, do: Callable[[], float], *, first_pause_s: float = 0.0) -> None:
        self._do, self._first_pause_s = do, first_pause_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, within_s: float) -> bool:
        """Wait for the round in hand; False if it is not done after that time."""
        self._stopping.set()
        self._thread.join(within_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        pause_s = self._first_pause_s
        while not self._stopping.wait(pause_s):
            pause_s = self._do()


class Ticking(Rounds):
    """The same every so often, for the first time after that time. What it does must not raise."""

    def __init__(self, name: str, every_s: float, do: Callable[[], None]) -> None:
        def tick() -> float:
            do()
            return every_s

        super().__init__(name, tick, first_pause_s=every_s)
