"""xuncheng retain"""

from typing import Annotated

import typer

from inference_server.bootstrap import build_keeper, open_record
from inference_server.commands.talk import answer_json, talk
from inference_server.retention import GRACE
from inference_server.rules import read_rules
from inference_server.settings import Settings


def retain(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is due; mark and delete nothing.")] = False,
) -> None:
    """Ask of every stored picture who still needs it; mark those whose time is over, and delete those that were marked
    ten minutes ago or more and are still not needed. A running server does the same by itself, part by part."""
    settings = Settings()
    rules = read_rules(settings)
    record = open_record(settings, rules)
    try:
        keeper = build_keeper(settings, rules, record)
        looked = keeper.look(marks=not dry_run)
        erased = None if dry_run else keeper.erase()
        found = {
            "kept": dict(sorted(looked.kept.items())),
            "due": dict(sorted(looked.due.items())),
            "due_bytes": looked.due_bytes,
            "marked": record.retention.marked(),
            "deleted": {} if erased is None else erased.deleted,
            "spared": {} if erased is None else erased.spared,
            "freed_bytes": 0 if erased is None else erased.freed_bytes,
            "tips_forgotten": 0 if dry_run else keeper.forget(),
            "frames_thinned": 0 if dry_run else keeper.thin().frames,
        }
    finally:
        record.close()
    answer_json(found)
    if not keeper.retention.deletes:
        talk("the policy has no section [retention]: nothing is ever deleted")
    elif found["marked"] and not dry_run:
        talk(
            f"what is marked goes {GRACE.total_seconds() / 60:.0f} minutes later: run this again, or let a server do it"
        )
