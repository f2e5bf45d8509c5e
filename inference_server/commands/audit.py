"""xuncheng audit show|verify"""

from typing import Annotated, Any

import typer

from inference_server.commands.record import own_record
from inference_server.commands.talk import ExitCode, answer, answer_json, answer_table, talk
from inference_server.domain.audit import AuditEntry, check_chain
from inference_server.domain.errors import BadInput

app = typer.Typer(no_args_is_help=True, help="The audit log: who did what, as a chain that shows every change.")

_HEX = frozenset("0123456789abcdef")
AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON lines.")]


@app.command()
def show(
    last: Annotated[int, typer.Option(min=1, max=1_000_000, help="So many of the latest entries.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show the latest entries, oldest first."""
    with own_record() as record:
        entries = record.audit.latest(last)
    if as_json:
        for entry in entries:
            answer_json(_document(entry))
        return
    answer_table(("#", "at", "who", "role", "action", "object", "details"), (_row(entry) for entry in entries))


@app.command()
def verify(
    head: Annotated[str | None, typer.Option(help="A hash noted earlier, which the chain must still hold.")] = None,
    as_json: AsJson = False,
) -> None:
    """Prove the whole chain and print the hash of its last entry. Exit code 1 where it is broken, and where first.

    Note that hash where nobody who can write to the database can write: only with it a cut-off end is seen.
    """
    if head is not None and (len(head) != 64 or not set(head) <= _HEX):
        raise BadInput("a head is the hash of an entry: 64 hex digits", field="head")
    with own_record() as record:
        found = check_chain(record.audit.entries(), head)
    broken = found.broken
    if as_json:
        at = {} if broken is None else {"broken_at": broken.sequence, "why": broken.why}
        answer_json({"entries": found.entries, "head": found.head, "sound": broken is None, **at})
    elif broken is None:
        answer(found.head)
    if broken is not None:
        talk(f"broken at entry {broken.sequence}: {broken.why}")
        raise typer.Exit(ExitCode.CHECK_FAILED)
    talk(f"{found.entries} entries, unbroken")


def _document(entry: AuditEntry) -> dict[str, Any]:
    note = entry.note
    return {
        "sequence": entry.sequence,
        "at": entry.at.isoformat(timespec="microseconds"),
        "who": note.who,
        "role": note.role,
        "action": note.action,
        "object": note.object,
        "details": dict(note.details),
        "previous": entry.previous,
        "hash": entry.hash,
    }


def _row(entry: AuditEntry) -> tuple[Any, ...]:
    note = entry.note
    details = " ".join(f"{name}={value}" for name, value in note.details.items() if value is not None)
    at = entry.at.isoformat(timespec="seconds")
    return entry.sequence, at, note.who, note.role, str(note.action), note.object, details
