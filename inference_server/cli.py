"""`xuncheng`: the server and its record, from the command line.

stdout is the answer, stderr the talk. Exit codes: 0 fine, 1 a check failed, 2 wrong usage, 3 wrong input, 4 something
outside (disk, database, network) is at fault.
"""

import json
import sys

import typer
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from detector.model_errors import ModelError
from inference_server.commands import (
    accounts,
    audit,
    backup,
    cases,
    closing,
    devices,
    grids,
    hold,
    keys,
    models,
    outbox,
    reviews,
    serving,
    tips,
    tokens,
    verify,
)
from inference_server.commands.doctor import doctor
from inference_server.commands.drift import drift
from inference_server.commands.retain import retain
from inference_server.commands.talk import ExitCode, answer, talk
from inference_server.domain.errors import InspectionError
from inference_server.journal import begin_journal
from inference_server.thrift import be_thrifty


def create_cli() -> typer.Typer:
    """All verbs."""
    cli = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)
    cli.callback()(_quiet)
    cli.command()(serving.serve)
    cli.command()(serving.work)
    cli.command()(doctor)
    cli.command()(backup.backup)
    cli.command()(backup.restore)
    cli.command()(openapi)
    cli.command("drift-report")(drift)
    cli.command()(retain)
    cli.command()(verify.verify)
    cli.command("verify-pairs")(verify.verify_pairs)
    cli.command("verify-reproduce")(verify.verify_reproduce)
    cli.command("verify-report")(verify.verify_report)
    cli.add_typer(closing.app, name="closing")
    for name, part in (
        ("accounts", accounts),
        ("audit", audit),
        ("cases", cases),
        ("devices", devices),
        ("grids", grids),
        ("hold", hold),
        ("keys", keys),
        ("models", models),
        ("outbox", outbox),
        ("reviews", reviews),
        ("tips", tips),
        ("tokens", tokens),
    ):
        cli.add_typer(part.app, name=name)
    return cli


def _quiet() -> None:
    # what a verb answers must not drown in the log; `serve` and `work` begin the one of the settings
    begin_journal("warning", "text")
    be_thrifty()


def openapi() -> None:
    """Write the OpenAPI document."""
    answer(json.dumps(serving.describe_api(), ensure_ascii=False, indent=2))


def main() -> None:
    """Run a verb and end with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """The exit code of a verb with its arguments; every fault that has a name is told in one line."""
    try:
        create_cli()(arguments)
    except SystemExit as end:  # typer ends every verb like this, and wrong usage with 2
        return end.code if isinstance(end.code, int) else ExitCode.FINE
    except ValidationError as error:
        talk("; ".join(f"setting {'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()))
        return ExitCode.INPUT
    except InspectionError as error:
        talk(f"{error.code}: {error.message}")
        return ExitCode.INPUT
    except ModelError as error:
        talk(f"model: {error}")
        return ExitCode.INPUT
    except (OSError, SQLAlchemyError) as error:
        talk(f"outside: {type(error).__name__}: {error}")
        return ExitCode.OUTSIDE
    return ExitCode.FINE


if __name__ == "__main__":
    main()
