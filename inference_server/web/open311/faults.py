"""Refusals in the shape of GeoReport v2: a list of `code` (the HTTP status) and `description`."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

import structlog
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from inference_server.domain import errors as domain
from inference_server.web.errors import DATABASE_AWAY, database_away, describe, headers_of, status_of
from inference_server.web.open311.formats import MEDIA_TYPES, Format, answer

_log = structlog.get_logger("open311")
# The specification knows no 401 and no 422: a key that is missing is a 403, a bad value a 400.
_STATUSES: Final = {401: 403, 422: 400}
_EXAMPLES: Final = {
    400: "service_code: give the code of a service",
    403: "api_key: the token is unknown, expired or revoked",
    404: "no service request 01K8ZB",
    409: "another tip was handed in under this key",
    415: "send the form as application/x-www-form-urlencoded",
    429: "too many requests from this address",
    503: "the database does not answer",
}
_SCHEMA: Final[dict[str, Any]] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["code", "description"],
        "properties": {"code": {"type": "integer"}, "description": {"type": "string"}},
    },
}


class Open311Route(APIRoute):
    """A route whose refusals have the shape of the specification, in the format that was asked for."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of FastAPI, with what it raises turned into answers."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except domain.InspectionError as error:
                return _refused(request, error)
            except RequestValidationError as error:
                return _refused(request, _of_validation(error))
            except DATABASE_AWAY as error:
                _log.warning("database_away", path=request.url.path, error=type(error).__name__)
                return _refused(request, database_away())

        return handled


def faults(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals of a route for the OpenAPI document."""
    return {
        status: {
            "description": _EXAMPLES[status],
            "content": {
                MEDIA_TYPES[Format.JSON]: {
                    "schema": _SCHEMA,
                    "example": [{"code": status, "description": _EXAMPLES[status]}],
                },
                MEDIA_TYPES[Format.XML]: {},
            },
        }
        for status in statuses
    }


def _of_validation(error: RequestValidationError) -> domain.InspectionError:
    """What FastAPI complains of; an unknown format is an address that is not there."""
    found = error.errors()
    if any(fault["loc"][-1] == "format" for fault in found):
        return domain.NotFound("the formats are json and xml")
    field, detail = describe(found)
    return domain.BadInput(detail, field=field)


def _refused(request: Request, error: domain.InspectionError) -> Response:
    status = status_of(error)
    status = _STATUSES.get(status, status)
    _log.info("refused", path=request.url.path, code=error.code, field=error.field)
    wanted = Format.XML if request.url.path.endswith(".xml") else Format.JSON
    is_named = error.field is None or error.message.startswith(f"{error.field}: ")
    text = error.message if is_named else f"{error.field}: {error.message}"
    headers = {name: value for name, value in headers_of(error).items() if name != "WWW-Authenticate"}
    return answer("errors", [{"code": status, "description": text}], wanted, status, headers)
