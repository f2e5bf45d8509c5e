"""`xuncheng-train compare|offer|promote|rollback`: which model is served. No torch is needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from detector.model_card import read_card
from training.comparison import as_table, side_by_side
from training.gates import Reason, Refusal, refusals
from training.price import FEWEST_BOXES
from training.registry import ModelRegistry

commands = typer.Typer()

Folder = Annotated[Path, typer.Option("--registry", help="Folder of the registry.", file_okay=False)]
Boxes = Annotated[int, typer.Option("--fewest-boxes", help="True boxes that a class needs to prove INT8 on.", min=1)]
Note = Annotated[str, typer.Option(help="Why; kept in the history.")]
_REFUSED = 1


@commands.command()
def compare(
    one: Annotated[str, typer.Argument(help="A: champion, candidate, an id, or the path of a card.")],
    other: Annotated[str, typer.Argument(help="B, likewise.")],
    registry: Folder = Path("registry"),
    fewest_boxes: Boxes = FEWEST_BOXES,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Figures of two models side by side, and what speaks against serving B in place of A."""
    models = ModelRegistry(registry)
    paths = [models.card_path(name) for name in (one, other)]
    rows = side_by_side(*(read_card(path).content for path in paths))
    against = refusals(paths[1], paths[0], fewest_boxes)
    if as_json:
        typer.echo("\n".join(json.dumps(row.as_json()) for row in rows))
        typer.echo(json.dumps({"refusals": [_told(refusal) for refusal in against]}))
    else:
        typer.echo(as_table(rows))
        typer.echo("\n".join(_line(refusal) for refusal in against) or "nothing speaks against B")


@commands.command()
def offer(
    card: Annotated[Path, typer.Argument(help="The card of a model, its networks beside it.", exists=True)],
    registry: Folder = Path("registry"),
) -> None:
    """Copy a model into the registry as its candidate: it may run in the shadow, it is not served."""
    typer.echo(ModelRegistry(registry).offer(card))


@commands.command()
def promote(
    candidate: Annotated[str, typer.Argument(help="candidate, an id, or the path of a card.")],
    registry: Folder = Path("registry"),
    fewest_boxes: Boxes = FEWEST_BOXES,
    note: Note = "",
    allow_slow_int8: Annotated[
        bool, typer.Option("--allow-slow-int8", help="The card was made on a processor on which INT8 does not pay.")
    ] = False,
) -> None:
    """Serve a model from now on, if nothing speaks against it; exit code 1 and the reasons if something does."""
    models = ModelRegistry(registry)
    path = models.card_path(candidate)
    against = refusals(path, models.champion(), fewest_boxes)
    typer.echo("\n".join(_line(refusal) for refusal in against), err=True, nl=bool(against))
    if any(not (allow_slow_int8 and refusal.reason is Reason.INT8_TIME) for refusal in against):
        raise typer.Exit(_REFUSED)
    model_id = models.id_of(path) or models.offer(path)
    typer.echo(models.promote(model_id, " · ".join(filter(None, [note, *(f"allowed: {one.text}" for one in against)]))))


@commands.command()
def rollback(registry: Folder = Path("registry"), note: Note = "") -> None:
    """Serve the champion before this one again."""
    typer.echo(ModelRegistry(registry).rollback(note))


def _line(refusal: Refusal) -> str:
    return f"refused: {refusal.reason}: {refusal.text}"


def _told(refusal: Refusal) -> dict[str, str]:
    return {"reason": str(refusal.reason), "text": refusal.text}
