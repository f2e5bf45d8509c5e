"""A clock that stands still until it is told to go on."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from support.builders import NOON


@dataclass
class SetClock:
    """The port, with a moment that the test decides."""

    moment: datetime = NOON

    def now(self) -> datetime:
        """The moment."""
        return self.moment

    def advance(self, seconds: float) -> None:
        """Go on."""
        self.moment += timedelta(seconds=seconds)
