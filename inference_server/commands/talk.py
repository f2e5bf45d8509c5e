"""How commands speak: the answer on stdout, the talk on stderr, and how they end."""

import getpass
import json
import sys
from collections.abc import Iterable
from enum import IntEnum
from typing import Any

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

_PIPE_WIDTH = 250


class ExitCode(IntEnum):
    """0 fine; 1 a check failed; 2 wrong usage; 3 wrong input; 4 something outside: disk, database, network."""

    FINE = 0
    CHECK_FAILED = 1
    USAGE = 2
    INPUT = 3
    OUTSIDE = 4


def answer(text: str) -> None:
    """One line of the answer, on stdout."""
    typer.echo(text)


def talk(text: str) -> None:
    """One line to the person, on stderr."""
    typer.echo(text, err=True)


def answer_json(value: BaseModel | dict[str, Any]) -> None:
    """One JSON object on one line of stdout."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json", by_alias=True)
    answer(json.dumps(value, ensure_ascii=False))


def answer_table(columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    """A table on stdout, for people; into a pipe it is as wide as it needs to be."""
    table = Table(*columns)
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH).print(table)


def shell_user() -> str:
    """Who sits at the shell, as histories and the audit log write it."""
    return f"operator:{getpass.getuser()}"
