"""xuncheng outbox status|replay"""

import typer

from inference_server.commands.record import own_record
from inference_server.commands.talk import ExitCode, answer_json, shell_user, talk
from inference_server.domain.audit import AuditAction, AuditNote

app = typer.Typer(no_args_is_help=True, help="Events on their way to the case system.")
_STATES = ("pending", "sent", "dead")


@app.command()
def status() -> None:
    """Count events that wait, were sent, or are dead letters. Ends with 1 where there are dead ones."""
    with own_record() as record:
        counts = record.store.counts()
    events = {state: counts.get(f"events.{state}", 0) for state in _STATES}
    answer_json(events)
    if events["dead"]:
        talk("dead letters: see the log for the answers of the case system, then `xuncheng outbox replay`")
        raise typer.Exit(ExitCode.CHECK_FAILED)


@app.command()
def replay() -> None:
    """Put all dead letters back: they are delivered anew, in their order."""
    with own_record() as record:
        record.audit.add(AuditNote.by(shell_user(), AuditAction.EVENTS_REPLAYED, "outbox"))
        answer_json({"replayed": record.outbox.replay_dead()})
