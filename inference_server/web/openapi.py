"""The OpenAPI document: FastAPI's, with the schemas that are not found by looking at signatures."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from inference_server.web.responses import Problem
from inference_server.web.schema import FrameMeta
from inference_server.web.verification_schema import VerificationIn

_ABOUT = """Frames in, cases out. Times are RFC 3339 with a zone, answers are in UTC; positions in answers are on WGS84.
Refusals are `application/problem+json` with a stable `code`. The stream of frames over WebSocket (`/v1/stream`) is
described in docs/api.md."""
_REF = "#/components/schemas/{model}"


def documented(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """A maker of the document of an app, which makes it once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    return openapi


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=app.version, description=_ABOUT, routes=app.routes, tags=_TAGS)
    schemas = document["components"]["schemas"]
    for model in (FrameMeta, VerificationIn, Problem):
        schema = model.model_json_schema(ref_template=_REF)
        schemas.update(schema.pop("$defs", {}))
        schemas[model.__name__] = schema
    return document


_TAGS = [
    {"name": "frames", "description": "What devices send"},
    {"name": "cases", "description": "What the case system and operators read and move"},
    {"name": "verifications", "description": "Photographs before and after: is it fixed?"},
    {"name": "grids", "description": "Unit grids of the city"},
    {"name": "devices", "description": "Vehicles' devices and their cameras"},
    {"name": "tokens", "description": "Who may do what"},
    {"name": "reviews", "description": "What people are asked, and what they answer"},
    {"name": "tips", "description": "What people told, for those who judge it"},
    {"name": "open311", "description": "GeoReport v2, for the world outside: refusals have its shape there"},
    {"name": "models", "description": "Which models run, and which are wanted"},
    {"name": "health", "description": "For the machine room"},
]
