"""Who goes first: a person waits for a verification, a frame waits in a queue."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Precedence:
    """What is `ahead` keeps others waiting, but none for longer than `at_most_s` each time: frames go on, slowly."""

    def __init__(self, at_most_s: float = 1.0) -> None:
        self._at_most_s = at_most_s
        self._changed = threading.Condition()
        self._ahead = 0

    @contextmanager
    def ahead(self) -> Iterator[None]:
        """For the length of the block others wait."""
        with self._changed:
            self._ahead += 1
        try:
            yield
        finally:
            with self._changed:
                self._ahead -= 1
                self._changed.notify_all()

    def give_way(self) -> None:
        """Return when nothing is ahead any more, or the longest time of waiting is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._ahead == 0, self._at_most_s)
