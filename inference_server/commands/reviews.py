"""xuncheng reviews status|export"""

import json
from pathlib import Path
from typing import Annotated

import typer

from inference_server.commands.record import own_record
from inference_server.commands.talk import answer_json, shell_user, talk
from inference_server.domain.audit import AuditAction, AuditNote
from inference_server.domain.errors import BadInput, NotFound
from inference_server.review_export import ReviewExport

app = typer.Typer(no_args_is_help=True, help="What people are asked, and what they answered.")

FILE = "reviews.jsonl"
_ENDINGS = ((b"\xff\xd8\xff", ".jpg"), (b"\x89PNG", ".png"), (b"RIFF", ".webp"))


@app.command()
def status() -> None:
    """How many items wait for an answer, by kind."""
    with own_record() as record:
        answer_json(record.reviews.open_reviews())


@app.command()
def export(
    out: Annotated[Path, typer.Option(help="Folder to write; it must be empty or not be there.", file_okay=False)],
) -> None:
    """Write all answered items with their pictures and their provenance, for `xuncheng-train mine`."""
    if out.exists() and any(out.iterdir()):
        raise BadInput(f"{out} is not empty", field="out")
    (out / "pictures").mkdir(parents=True, exist_ok=True)
    written, without = 0, 0
    with own_record() as record, (out / FILE).open("w") as file:
        record.audit.add(AuditNote.by(shell_user(), AuditAction.REVIEWS_EXPORTED, f"folder:{out}"))
        source = ReviewExport(record.reviews, record.store)
        for review in source.answered():
            try:
                picture = record.evidence.get(review.frame.sha256)
            except NotFound:
                without += 1
                talk(f"{review.item.id}: its picture is gone, left out")
                continue
            place = f"pictures/{review.frame.sha256}{_ending(picture)}"
            (out / place).write_bytes(picture)
            file.write(json.dumps(source.document(review, place), ensure_ascii=False) + "\n")
            written += 1
    answer_json({"out": str(out), "written": written, "without_picture": without})


def _ending(picture: bytes) -> str:
    return next((ending for start, ending in _ENDINGS if picture.startswith(start)), ".bin")
