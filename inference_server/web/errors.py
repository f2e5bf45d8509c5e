"""From exceptions to answers: one table, one shape (RFC 9457, application/problem+json)."""

import dataclasses
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from detector.picture_errors import PictureError, PictureFormatRefused, PictureTooLarge, PictureUnreadable
from inference_server.domain import errors as domain
from inference_server.web import refusals

MEDIA_TYPE: Final = "application/problem+json"
DATABASE_AWAY: Final = (OperationalError, InterfaceError)
_DATABASE_RETRY_S: Final = 5.0
_log = structlog.get_logger("web")

# code -> status and title; the exceptions carry the code
PROBLEMS: Final[Mapping[str, tuple[int, str]]] = {
    domain.BadInput.code: (422, "A field is missing, malformed or outside its limit"),
    domain.UnknownDatum.code: (422, "The datum of a coordinate is unknown"),
    domain.NotFound.code: (404, "There is no such thing"),
    domain.Gone.code: (410, "The picture was deleted when its time was over"),
    domain.IllegalMove.code: (409, "The case may not be moved like this"),
    domain.Conflict.code: (409, "The thing is not as the request expects"),
    domain.QueueFull.code: (429, "Too many frames are waiting"),
    PictureTooLarge.code: (413, "The picture is larger than the limits allow"),
    PictureFormatRefused.code: (415, "The picture is no JPEG, PNG or WebP that is read"),
    PictureUnreadable.code: (422, "The picture is cut off or damaged"),
    refusals.NotAuthenticated.code: (401, "No valid token"),
    refusals.NotAllowed.code: (403, "The token does not reach so far"),
    refusals.Malformed.code: (400, "The body is not what its content type says"),
    refusals.MediaTypeRefused.code: (415, "The content type is not taken here"),
    refusals.BodyTooLarge.code: (413, "The body is too large"),
    refusals.BodyTooSlow.code: (408, "The body did not arrive in time"),
    refusals.ClockAhead.code: (422, "The frame was taken in the future"),
    refusals.TooMany.code: (429, "Too many requests from one address"),
    refusals.NotReady.code: (503, "The server starts or drains"),
    refusals.Busy.code: (503, "The server cannot take more at this moment"),
    "method_not_allowed": (405, "The address knows no such method"),
    "client_gone": (400, "The client went away"),
    "internal_error": (500, "The server is at fault"),
}
_HTTP_CODES: Final = {404: "not_found", 405: "method_not_allowed", 400: "malformed"}
_WHERE: Final = frozenset({"body", "query", "path", "header"})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What a problem says beyond its code and its text."""

    field: str | None = None
    limit: float | None = None
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    like: str | None = None  # a code of the table whose status is taken, for codes that stand in none


def problem(code: str, detail: str, fault: Fault = Fault()) -> JSONResponse:
    """The answer that says what is wrong, under a stable code."""
    status, title = PROBLEMS[fault.like or code]
    body: dict[str, Any] = {
        "type": f"urn:xuncheng:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
    }
    body |= {name: value for name, value in (("field", fault.field), ("limit", fault.limit)) if value is not None}
    return JSONResponse(body, status, headers=dict(fault.headers), media_type=MEDIA_TYPE)


def refusal(error: domain.InspectionError | PictureError) -> JSONResponse:
    """The answer to a fault of the caller. A class that the table does not know is answered like its parent."""
    fault = Fault(
        field=getattr(error, "field", None),
        limit=getattr(error, "limit", None),
        headers=headers_of(error),
        like=_known_code(error),
    )
    return problem(error.code, error.message, fault)


def status_of(error: domain.InspectionError | PictureError) -> int:
    """The HTTP status of a fault of the caller."""
    return PROBLEMS[_known_code(error)][0]


def headers_of(error: domain.InspectionError | PictureError) -> dict[str, str]:
    """What the answer to a fault says beside its body."""
    headers = {}
    retry_after_s = getattr(error, "retry_after_s", None)
    if retry_after_s is not None:
        headers["Retry-After"] = str(max(1, math.ceil(retry_after_s)))
    if isinstance(error, refusals.NotAuthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="xuncheng"'
    if isinstance(error, refusals.BodyTooSlow):
        headers["Connection"] = "close"
    return headers


def _known_code(error: domain.InspectionError | PictureError) -> str:
    codes = [getattr(kind, "code", "") for kind in type(error).__mro__]
    return next((code for code in codes if code in PROBLEMS), domain.BadInput.code)


def database_away() -> refusals.Busy:
    """What a caller is told while the database does not answer."""
    return refusals.Busy("the database does not answer", retry_after_s=_DATABASE_RETRY_S)


def describe(faults: Sequence[Any]) -> tuple[str | None, str]:
    """The field and the text of the first of pydantic's complaints; never the value, which may be a secret."""
    first = faults[0]
    culprit = ".".join(str(part) for part in first["loc"] if part not in _WHERE) or None
    text = str(first["msg"]).removeprefix("Value error, ")
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return culprit, f"{culprit or 'the body'}: {text}{more}"


def install(app: FastAPI) -> None:
    """Teach an app the table."""
    handlers: dict[Any, Callable[[Request, Any], Awaitable[JSONResponse]]] = {
        domain.InspectionError: _refused,
        PictureError: _refused,
        RequestValidationError: _invalid,
        HTTPException: _http,
        ClientDisconnect: _gone,
        **dict.fromkeys(DATABASE_AWAY, _away),
        Exception: _failed,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


async def _refused(request: Request, error: domain.InspectionError | PictureError) -> JSONResponse:
    _log.info("refused", path=request.url.path, code=error.code, field=getattr(error, "field", None))
    return refusal(error)


async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    faults = error.errors()
    if any(fault["type"] == "json_invalid" for fault in faults):
        return problem("malformed", "the body is not JSON")
    where, detail = describe(faults)
    return problem("bad_input", detail, Fault(field=where))


async def _http(request: Request, error: HTTPException) -> JSONResponse:
    code = _HTTP_CODES.get(error.status_code, "internal_error" if error.status_code >= 500 else "malformed")
    return problem(code, str(error.detail), Fault(headers=error.headers or {}))


async def _gone(request: Request, error: ClientDisconnect) -> JSONResponse:
    return problem("client_gone", "the client went away before the body was complete")


async def _away(request: Request, error: DBAPIError) -> JSONResponse:
    """The database is away or busy: what was asked has not been done, and may be asked again."""
    _log.warning("database_away", path=request.url.path, error=type(error).__name__)
    return refusal(database_away())


async def _failed(request: Request, error: Exception) -> JSONResponse:
    _log.error("failed", path=request.url.path, error=type(error).__name__)
    return problem("internal_error", "the fault is on this side and has been logged")
