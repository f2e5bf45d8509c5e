"""Lets a typer command take its options in dataclasses instead of in dozens of parameters."""

import dataclasses
import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, get_type_hints


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """The command with every dataclass parameter spread into one option for each of its fields.

    The fields carry the same `Annotated[..., typer.Option(...)]` as parameters would.
    """
    plain: list[inspect.Parameter] = []
    groups: dict[str, type[Any]] = {}
    for name, kind in get_type_hints(command, include_extras=True).items():
        if name == "return":
            continue
        if dataclasses.is_dataclass(kind) and isinstance(kind, type):
            groups[name] = kind
            plain += _fields_of(kind)
        else:
            default = inspect.signature(command).parameters[name].default
            plain.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind))

    @wraps(command)
    def spread(**values: Any) -> None:
        made = {name: kind(**_taken(kind, values)) for name, kind in groups.items()}
        command(**values, **made)

    spread.__signature__ = inspect.Signature(plain)  # type: ignore[attr-defined]
    spread.__annotations__ = {parameter.name: parameter.annotation for parameter in plain}
    return spread


def _fields_of(kind: type[Any]) -> list[inspect.Parameter]:
    hints = get_type_hints(kind, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in dataclasses.fields(kind)
    ]


def _taken(kind: type[Any], values: dict[str, Any]) -> dict[str, Any]:
    return {field.name: values.pop(field.name) for field in dataclasses.fields(kind)}
