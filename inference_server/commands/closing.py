"""xuncheng closing off|on|list"""

from typing import Annotated

import typer

from inference_server.adapters.clock import SystemClock
from inference_server.commands.record import own_record
from inference_server.commands.talk import answer_json, answer_table, shell_user, talk
from inference_server.domain.closing_rules import checked_scope
from inference_server.domain.plain import plain
from inference_server.domain.verification_record import Switch

app = typer.Typer(no_args_is_help=True, help="The kill-switch of closing without a person; it holds at once.")

Scope = Annotated[str, typer.Argument(help='A code, "*" for all, or either with a district: 06010@330106.')]
Why = Annotated[str, typer.Option(help="Kept with the switch.")]


@app.command()
def off(scope: Scope, why: Why) -> None:
    """From now on nothing of this scope is closed without a person."""
    _throw(scope, True, why)


@app.command()
def on(scope: Scope, why: Why) -> None:
    """Take a switch of this very scope back; what the policy or blind checks forbid stays forbidden."""
    _throw(scope, False, why)


@app.command("list")
def list_switches(as_json: Annotated[bool, typer.Option("--json", help="Answer as JSON lines.")] = False) -> None:
    """The latest line of each scope."""
    with own_record() as record:
        switches = record.verifications.switches()
    if as_json:
        for one in switches:
            answer_json(plain(one))
        return
    rows = ((one.scope, "off" if one.is_off else "on", one.why, one.by, one.at.isoformat()) for one in switches)
    answer_table(("scope", "closing is", "why", "by", "at"), rows)


def _throw(scope: str, is_off: bool, why: str) -> None:
    switch = Switch(scope=checked_scope(scope), is_off=is_off, why=why, by=shell_user(), at=SystemClock().now())
    with own_record() as record:
        record.verifications.throw(switch)
    talk(f"closing of {scope} is {'off' if is_off else 'on, as far as nothing else forbids it'}")
