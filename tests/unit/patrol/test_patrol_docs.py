"""What docs/patrol.md shows can be typed."""

import re
import shlex
from pathlib import Path

import click
import pytest
import typer

from patrol.cli import create_cli

_TEXT = (Path(__file__).resolve().parents[3] / "docs" / "patrol.md").read_text(encoding="utf-8")
_LINES = [
    line for block in re.findall(r"```console\n(.*?)```", _TEXT, re.DOTALL) for line in block.splitlines() if line
]


@pytest.mark.parametrize("line", _LINES)
def test_every_command_in_the_docs_is_one_the_program_understands(line: str) -> None:
    program, verb, *arguments = shlex.split(line)
    assert program == "xuncheng-patrol"
    group = typer.main.get_command(create_cli())
    command = group.commands[verb]  # type: ignore[attr-defined]
    command.make_parser(click.Context(command)).parse_args(arguments)  # raises for an option it does not know


def test_every_verb_is_in_the_docs() -> None:
    group = typer.main.get_command(create_cli())
    shown = {shlex.split(line)[1] for line in _LINES}
    assert shown == set(group.commands)  # type: ignore[attr-defined]
