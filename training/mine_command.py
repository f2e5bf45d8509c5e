"""`xuncheng-train mine`: reviews into a data folder. No torch is needed."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Annotated

import typer

from training.index import DataError
from training.mine import MineRules, mine, write_mined
from training.reviewed import read_reviews


def mine_reviews(
    export: Annotated[Path, typer.Argument(help="What `xuncheng reviews export` wrote.", exists=True, file_okay=False)],
    out: Annotated[Path, typer.Option(help="Data folder to write; empty or not there.", file_okay=False)],
    taxonomy: Annotated[Path, typer.Option(help="The classes and their ids.")] = Path("datasets/taxonomy.csv"),
    most: Annotated[int | None, typer.Option(min=1, help="Pictures to take, the worthiest first.")] = None,
    val: Annotated[float, typer.Option(min=0.0, max=0.9, help="Share of the pictures that validate.")] = 0.2,
    seed: Annotated[int, typer.Option(help="Another seed, other places validate.")] = 0,
    place_m: Annotated[float, typer.Option(min=1.0, help="Side of the cells that count as one place, metres.")] = 64.0,
) -> None:
    """Turn answered reviews into labelled pictures with provenance: hard negatives and uncertain ones first, spread
    over the street, places whole on one side of the split. Each reviewed box teaches its own class only."""
    rules = MineRules(classes=_classes(taxonomy), most=most, val_share=val, seed=seed, place_m=place_m)
    reviews = read_reviews(export)
    mined = mine(reviews, rules)
    write_mined(mined, rules, out)
    splits = [split for _, _, split in mined.pictures]
    found = {
        "reviews": len(reviews),
        "train": splits.count("train"),
        "val": splits.count("val"),
        "boxes": sum(len(one.boxes) for one, _, _ in mined.pictures),
        "hard_negatives": sum(one.is_hard_negative for one, _, _ in mined.pictures),
        "dropped": dict(sorted(mined.dropped.items())),
    }
    typer.echo(json.dumps(found))


def _classes(path: Path) -> tuple[str, ...]:
    """The class names of a taxonomy in the order of their ids."""
    if not path.is_file():
        raise DataError(path, None, "the file is missing")
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return tuple(row["class"] for row in sorted(rows, key=lambda row: int(row["id"])))
