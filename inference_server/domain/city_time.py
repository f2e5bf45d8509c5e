"""The clock of the city: which day it is there."""

from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from inference_server.domain.errors import BadInput

CITY_ZONE: Final = ZoneInfo("Asia/Shanghai")


def city_day(at: datetime, zone: ZoneInfo = CITY_ZONE) -> date:
    """The date that a moment falls on in the city; BadInput for a time without a zone.

    >>> from datetime import UTC
    >>> city_day(datetime(2026, 6, 30, 16, 0, tzinfo=UTC)).isoformat()
    '2026-07-01'
    """
    if at.tzinfo is None:
        raise BadInput("a time without a time zone says nothing about the day", field="at")
    return at.astimezone(zone).date()
