"""`xuncheng-patrol`: the vehicle's side, from the command line.

stdout is the answer (`--json`: JSON lines), stderr the talk. Exit codes: 0 fine, 1 a check failed (the server refused
a frame), 2 wrong usage, 3 wrong input, 4 something outside (server, network, disk) is at fault.
"""

import sqlite3
import sys
from collections.abc import Callable
from importlib import import_module

import typer

from patrol.commands import buffered
from patrol.commands.talk import talk
from patrol.errors import ExitCode, InputError, PatrolError


def create_cli() -> typer.Typer:
    """All verbs. Those that read or draw pictures need the extra `patrol`; the buffer and the upload do not."""
    cli = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)
    for verb in (_with_extra("replay"), _with_extra("simulate"), buffered.send, buffered.status, buffered.retry):
        cli.command()(verb)
    return cli


def _with_extra(name: str) -> Callable[..., None]:
    try:
        found: Callable[..., None] = getattr(import_module(f"patrol.commands.{name}"), name)
    except ImportError as error:
        return _missing(name, str(error))
    return found


def _missing(name: str, reason: str) -> Callable[..., None]:
    def ask_for_extra() -> None:
        raise InputError(f"{name} needs more than is installed ({reason}): pip install 'xuncheng[patrol]'")

    ask_for_extra.__name__ = name
    ask_for_extra.__doc__ = "Not installed: pip install 'xuncheng[patrol]'"
    return ask_for_extra


def main() -> None:
    """Run a verb and end with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """The exit code of a verb with its arguments; every fault that has a name is told in one line."""
    try:
        create_cli()(arguments)
    except SystemExit as end:  # typer ends every verb like this, and wrong usage with 2
        return end.code if isinstance(end.code, int) else ExitCode.FINE
    except PatrolError as error:
        talk(str(error))
        return error.exit_code
    except (OSError, sqlite3.Error) as error:
        talk(f"outside: {type(error).__name__}: {error}")
        return ExitCode.OUTSIDE
    return ExitCode.FINE


if __name__ == "__main__":
    main()
