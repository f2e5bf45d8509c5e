"""Dataclasses of the domain as plain JSON values, and back: by their types, so that no field can be forgotten."""

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

_Made = TypeVar("_Made")


def plain(value: Any) -> Any:
    """A value of the domain in the types of JSON: times as ISO 8601, bytes as hex, enumerations as their texts."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value


def made(kind: type[_Made], value: Any) -> _Made:
    """Undoes `plain` for a dataclass; a member that is missing takes its default.

    >>> from inference_server.domain.geo import LatLon
    >>> made(LatLon, plain(LatLon(30.2, 120.1)))
    LatLon(lat=30.2, lon=120.1)
    """
    result: _Made = _made(kind, value)
    return result


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    return get_type_hints(kind)


def _made(kind: Any, value: Any) -> Any:
    kind = getattr(kind, "__supertype__", kind)
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        inner = next(part for part in parts if part is not type(None))
        return None if value is None else _made(inner, value)
    if origin is tuple:
        kinds = parts[:1] * len(value) if parts[-1] is Ellipsis else parts
        return tuple(_made(part, one) for part, one in zip(kinds, value, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        return {_made(parts[0], key): _made(parts[1], one) for key, one in value.items()}
    return _simple(kind, value)


def _simple(kind: Any, value: Any) -> Any:
    if is_dataclass(kind):
        hints = _hints(kind)  # type: ignore[arg-type]
        return kind(**{name: _made(hints[name], one) for name, one in value.items() if name in hints})  # type: ignore[operator]
    if kind is datetime:
        return datetime.fromisoformat(value)
    if kind is bytes:
        return bytes.fromhex(value)
    if kind is float and isinstance(value, int):
        return float(value)
    return kind(value) if isinstance(kind, type) and issubclass(kind, StrEnum) else value
