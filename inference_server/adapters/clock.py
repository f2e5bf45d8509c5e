"""The machine's clock."""

from datetime import UTC, datetime


class SystemClock:
    """What time it is, by the machine's clock (which NTP should discipline)."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return datetime.now(UTC)
