"""Fields of a model card, read one by one so that an error can name the one that is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detector.model_errors import CardError


@dataclass(frozen=True, slots=True)
class Fields:
    """The members of one JSON object of the card called `card_name`; `prefix` is its own place, as in `input.`."""

    card_name: str
    prefix: str
    content: Mapping[str, Any]

    def error(self, field: str, problem: str) -> CardError:
        """The error to raise about a field."""
        return CardError(f"{self.card_name}: {self.prefix}{field} {problem}")

    def text(self, field: str) -> str:
        """A text that is not empty."""
        value = self._value(field)
        if not isinstance(value, str) or not value:
            raise self.error(field, "must be a text")
        return value

    def number(self, field: str) -> float:
        """A number."""
        value = self._value(field)
        if not _is_number(value):
            raise self.error(field, "must be a number")
        return float(value)

    def texts(self, field: str) -> tuple[str, ...]:
        """A list of texts."""
        value = self._value(field)
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            raise self.error(field, "must be a list of texts")
        return tuple(value)

    def numbers(self, field: str) -> tuple[float, ...]:
        """A list of numbers."""
        value = self._value(field)
        if not isinstance(value, list) or not all(_is_number(item) for item in value):
            raise self.error(field, "must be a list of numbers")
        return tuple(float(item) for item in value)

    def one_of(self, field: str, allowed: tuple[str, ...]) -> str:
        """A text out of a few."""
        value = self.text(field)
        if value not in allowed:
            raise self.error(field, f"must be {' or '.join(allowed)}, not {value!r}")
        return value

    def inner(self, field: str) -> Fields:
        """The members of an object inside this one."""
        value = self._value(field)
        if not isinstance(value, dict):
            raise self.error(field, "must be an object")
        return Fields(self.card_name, f"{self.prefix}{field}.", value)

    def demand_keys_among(self, allowed: tuple[str, ...]) -> None:
        """Nothing; raises CardError for a member that is not one of the allowed ones."""
        for field in self.content:
            if field not in allowed:
                raise self.error(field, "is about a class that the card does not have")

    def _value(self, field: str) -> Any:
        if field not in self.content:
            raise self.error(field, "is missing")
        return self.content[field]


def read_card_file(path: Path) -> Fields:
    """The top level of a card's JSON file; raises CardError where there is no such file or no JSON object in it."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CardError(f"{path.name}: cannot be read ({error.strerror})") from None
    except ValueError as error:  # neither UTF-8 nor JSON
        raise CardError(f"{path.name}: is not JSON ({error})") from None
    if not isinstance(content, dict):
        raise CardError(f"{path.name}: must hold one JSON object")
    return Fields(path.name, "", content)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value
