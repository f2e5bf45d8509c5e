"""JSON files of other tools, read so that an error names the member that is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from training.formats.labelled import Place
from training.index import DataError


def read_json(path: Path) -> Any:
    """The content of a JSON file; raises DataError naming file and line."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(path, None, f"cannot be read ({error.strerror})") from None
    except json.JSONDecodeError as error:
        raise DataError(path, error.lineno, f"is not JSON ({error.msg})") from None
    except UnicodeDecodeError:
        raise DataError(path, None, "is not UTF-8") from None


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file; raises DataError where it is none."""
    content = read_json(path)
    if not isinstance(content, dict):
        raise DataError(path, None, "must hold one JSON object")
    return content


def list_of(content: dict[str, Any], name: str, place: Place) -> list[dict[str, Any]]:
    """A member that must be a list of objects; raises DataError where it is none."""
    entries = content.get(name)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise place.error(f"{name} must be a list of objects")
    return entries
