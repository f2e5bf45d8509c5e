"""What the server's answer to one frame means for the buffer."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from patrol.errors import Halt

_TRY_LATER = frozenset({408, 425, 429})
_PROBLEM = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The frame is durable on the server; `duplicate` when the server had it before."""

    server_frame: str
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """The server will never take this frame as it is."""

    code: str
    message: str


class TryLater(Exception):
    """Nothing is wrong with the frame; `retry_after_s` is what the server asked for, None if it did not say."""

    def __init__(self, trouble: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(trouble)
        self.retry_after_s = retry_after_s


def read_answer(response: httpx.Response) -> Accepted | Refused:
    """What an answer says of the frame; raises TryLater or Halt where it says nothing of it.

    A token that is unknown or speaks for another device, and an address without a server, are no fault of the frame:
    parking on them would park the whole drive.

    A success counts only in the agreed form: the sign-in page of a mobile network answers 200 to everything.
    """
    status = response.status_code
    if status in (200, 202):
        return _accepted(response)
    if status in _TRY_LATER or status >= 500:
        raise TryLater(f"the server answered {_told(response)}", retry_after_s=retry_after_s(response.headers))
    if status in (401, 403):
        raise Halt(f"the server does not accept the token: {_told(response)}")
    if status < 400:
        raise TryLater(f"not an answer of Xuncheng: status {status}")
    if status in (404, 405):
        raise Halt(f"no Xuncheng server at this address: {response.url} answered {status}")
    problem = _json_object(response) if _is_problem(response) else {}
    return Refused(code=str(problem.get("code") or f"http_{status}"), message=_told(response))


def _accepted(response: httpx.Response) -> Accepted:
    body = _json_object(response)
    frame, status = body.get("frame"), body.get("status")
    if not isinstance(frame, str) or not frame or status not in ("accepted", "duplicate"):
        raise TryLater("not an answer of Xuncheng: a success without a frame id (a sign-in page of the network?)")
    return Accepted(server_frame=frame, duplicate=status == "duplicate")


def retry_after_s(headers: httpx.Headers) -> float | None:
    """Seconds a Retry-After header asks for, None where there is none or it cannot be read.

    A date is measured against the answer's own Date header: the vehicle's clock may be wrong.

    >>> retry_after_s(httpx.Headers({"retry-after": "2"}))
    2.0
    >>> dates = {"retry-after": "Sun, 22 Nov 2026 10:00:30 GMT", "date": "Sun, 22 Nov 2026 10:00:00 GMT"}
    >>> retry_after_s(httpx.Headers(dates))
    30.0
    >>> retry_after_s(httpx.Headers({"retry-after": "soon"})) is None
    True
    """
    text = headers.get("retry-after", "").strip()
    if text.isdecimal():
        return float(text)
    then = _http_date(text)
    if then is None:
        return None
    now = _http_date(headers.get("date", "")) or datetime.now(UTC)
    return max(0.0, (then - now).total_seconds())


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _is_problem(response: httpx.Response) -> bool:
    stated: str = response.headers.get("content-type", "")
    return stated.split(";")[0].strip().lower() == _PROBLEM


def _json_object(response: httpx.Response) -> dict[str, object]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _told(response: httpx.Response) -> str:
    problem = _json_object(response)
    said = [str(problem[name]) for name in ("title", "detail") if problem.get(name)]
    return ": ".join([str(response.status_code), *said])
