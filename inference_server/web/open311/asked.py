"""The query of GET requests: names and limits as GeoReport v2 has them, and the usual `page` and `page_size`."""

from datetime import datetime, timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from inference_server.domain.case_states import CaseStates
from inference_server.domain.errors import BadInput
from inference_server.domain.reach import Reach
from inference_server.ports import CaseFilter
from inference_server.web.schema import Moment
from inference_server.web.service_list import ServiceList

MOST_REQUESTS: Final = 1000
_SPAN: Final = timedelta(days=90)
_LAST_INSTANT: Final = timedelta(microseconds=1)  # end_date is the latest moment, `filed_until` the first one after it
_MOST_PAGES: Final = 100_000
_moment: Final[TypeAdapter[datetime]] = TypeAdapter(Moment)


class RequestsQuery(BaseModel):
    """Which requests; an empty parameter is the same as none, as the specification wants it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"service_code": "06010,06013", "status": "open"}]})

    service_request_id: str | None = Field(None, description="ids, apart by commas; overrides all other filters")
    service_code: str | None = Field(None, description="codes, apart by commas", examples=["06010,06013"])
    start_date: str | None = Field(
        None, description="earliest requested_datetime, with a zone", examples=["2026-11-01T00:00:00+08:00"]
    )
    end_date: str | None = Field(None, description="latest requested_datetime, at most 90 days after start_date")
    status: str | None = Field(None, description="open, closed, or both, apart by commas", examples=["open"])
    page: str | None = Field(None, description="from 1 on", examples=["1"])
    page_size: str | None = Field(None, description="at most 1000, which is the default", examples=["50"])

    @property
    def ids(self) -> list[str]:
        """The ids that were asked for, each once; raises BadInput for too many."""
        found = list(dict.fromkeys(_listed(self.service_request_id)))
        if len(found) > MOST_REQUESTS:
            raise BadInput(f"at most {MOST_REQUESTS} ids", field="service_request_id")
        return found

    def wanted(self, services: ServiceList, states: CaseStates, reach: Reach, now: datetime) -> CaseFilter:
        """The filter of the store, newest first; raises BadInput, or NotFound for a service."""
        since, until = self._span(now)
        page, size = _number(self.page, "page", 1, _MOST_PAGES), _number(self.page_size, "page_size", 1000, 1000)
        classes = [one.class_name for code in _listed(self.service_code) for one in services.service(code).classes]
        return CaseFilter(
            states=self._states(states),
            class_names=tuple(classes),
            filed_since=since,
            filed_until=until + _LAST_INSTANT,
            limit=size,
            offset=(page - 1) * size,
            newest_first=True,
            reach=reach,
        )

    def _span(self, now: datetime) -> tuple[datetime, datetime]:
        start, end = _date(self.start_date, "start_date"), _date(self.end_date, "end_date")
        if end is None:
            end = now if start is None else min(now, start + _SPAN) if start <= now else start
        if start is None:
            start = end - _SPAN
        if not timedelta() <= end - start <= _SPAN:
            raise BadInput("at most 90 days after start_date, and not before it", field="end_date")
        return start, end

    def _states(self, states: CaseStates) -> tuple[str, ...]:
        asked = set(_listed(self.status))
        if not asked <= {"open", "closed"}:
            raise BadInput("open, closed, or both", field="status")
        if len(asked) != 1:
            return ()
        return tuple(name for name in states.states if states.is_open(name) == ("open" in asked))


def _listed(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def _date(text: str | None, name: str) -> datetime | None:
    if not text:
        return None
    try:
        return _moment.validate_python(text.replace(" ", "+"))  # a plus sign that was not escaped
    except ValidationError:
        raise BadInput("a date and time after W3C with a zone, such as 2026-11-01T00:00:00Z", field=name) from None


def _number(text: str | None, name: str, default: int, most: int) -> int:
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
        raise BadInput(f"a whole number from 1 to {most}", field=name)
    return int(text)
