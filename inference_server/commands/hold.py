"""xuncheng hold case|device|lift|list"""

from datetime import datetime
from typing import Annotated

import typer

from inference_server.commands.record import own_record
from inference_server.commands.talk import answer, answer_json, answer_table, shell_user, talk
from inference_server.domain.case import CaseId
from inference_server.domain.city_time import CITY_ZONE
from inference_server.domain.hold import Held, Hold, HoldId
from inference_server.web.hold_schema import HoldOut

app = typer.Typer(no_args_is_help=True, help="Legal holds: what is not deleted until a person says so.")

Why = Annotated[str, typer.Option(help="Kept with the hold and in the audit log.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON lines.")]


@app.command("case")
def hold_case(case_id: Annotated[str, typer.Argument(help="The case.")], why: Why) -> None:
    """Hold all pictures of a case and of its verifications. Prints the id of the hold."""
    _hold(Held(case_id=CaseId(case_id)), why)


@app.command("device")
def hold_device(
    device: Annotated[str, typer.Argument(help="The device.")],
    since: Annotated[datetime, typer.Option(help="From here on, in the city's time.")],
    until: Annotated[datetime, typer.Option(help="Until here.")],
    why: Why,
) -> None:
    """Hold what a device's frames of some time have left. Prints the id of the hold."""
    zoned = (since.replace(tzinfo=CITY_ZONE), until.replace(tzinfo=CITY_ZONE))
    _hold(Held(device=device, since=zoned[0], until=zoned[1]), why, demand_device=True)


@app.command()
def lift(hold_id: Annotated[str, typer.Argument(help="The hold.")], why: Why) -> None:
    """End a hold: from here on its pictures go when their time is over."""
    with own_record() as record:
        lifted = record.holds.lift(HoldId(hold_id), by=shell_user(), reason=why)
    talk(f"{lifted.held.thing} is held no more by {lifted.id}")


@app.command("list")
def list_holds(
    everything: Annotated[bool, typer.Option("--all", help="Those that were lifted, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the holds that stand, oldest first."""
    with own_record() as record:
        holds = record.holds.holds(standing=not everything)
    if as_json:
        for hold in holds:
            answer_json(HoldOut.of(hold))
        return
    answer_table(("hold", "of", "since", "until", "set at", "by", "why", "lifted"), (_row(hold) for hold in holds))


def _hold(held: Held, why: str, *, demand_device: bool = False) -> None:
    with own_record() as record:
        if demand_device:
            record.registry.device(held.device or "")
        hold = record.holds.hold(held, by=shell_user(), reason=why)
    answer(hold.id)


def _row(hold: Hold) -> tuple[str | None, ...]:
    held, lifted = hold.held, hold.lifted
    times = tuple(None if moment is None else moment.isoformat() for moment in (held.since, held.until))
    end = None if lifted is None else f"{lifted.at.isoformat(timespec='seconds')} {lifted.by}: {lifted.reason}"
    return (hold.id, held.thing, *times, hold.at.isoformat(timespec="seconds"), hold.by, hold.reason, end)
