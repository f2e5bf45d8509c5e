"""How refusals appear in the OpenAPI document."""

from typing import Any

from pydantic import BaseModel, Field

from inference_server.web.errors import MEDIA_TYPE, PROBLEMS


class Problem(BaseModel):
    """RFC 9457. `code` is stable: programs go by it, people read `detail`."""

    type: str = Field(examples=["urn:xuncheng:problem:bad_input"])
    title: str
    status: int
    detail: str
    code: str = Field(examples=["bad_input"])
    field: str | None = Field(None, description="the culprit, as a path", examples=["meta.position.lat"])
    limit: float | None = Field(None, description="what is allowed, in bytes or seconds")


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals of a route by status, each with its codes and an example."""
    return {status: _answer(status) for status in statuses}


def _answer(status: int) -> dict[str, Any]:
    rows = [(code, title) for code, (of, title) in PROBLEMS.items() if of == status]
    examples = {code: {"value": _example(code, title, status)} for code, title in rows}
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": "; ".join(f"`{code}`: {title}" for code, title in rows),
        "content": {MEDIA_TYPE: {"schema": schema, "examples": examples}},
    }


def _example(code: str, title: str, status: int) -> dict[str, Any]:
    return {
        "type": f"urn:xuncheng:problem:{code}",
        "title": title,
        "status": status,
        "detail": f"{title}.",
        "code": code,
    }
