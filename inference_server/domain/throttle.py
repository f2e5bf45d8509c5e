"""How often something may be tried: a bucket that each try fills by one and that time empties."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Bucket:
    """The rule of a bucket: so many tries at once, then one more every `leak_s`."""

    tries: int
    leak_s: float

    def level(self, level: float, since: datetime, now: datetime) -> float:
        """What is left of a level after some time."""
        return max(0.0, level - max((now - since).total_seconds(), 0.0) / self.leak_s)

    def wait_s(self, level: float) -> float:
        """How long to wait until one more try has room; 0 where it has.

        >>> Bucket(tries=5, leak_s=60.0).wait_s(4.5)
        30.0
        """
        return max(0.0, (level + 1.0 - self.tries) * self.leak_s)
