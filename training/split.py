"""Which side of the split a group stands on: whole groups only, the same ones for the same seed."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from training.index import DataError


def choose_val(groups: Sequence[str], val_share: float, seed: int = 0) -> set[str]:
    """The groups that validate, given the group of every picture; together at most `val_share` of the pictures.

    Groups come in the order of a hash: what is added later moves few of the others.
    """
    sizes = Counter(groups)
    room = int(val_share * len(groups))
    chosen: set[str] = set()
    for group in sorted(sizes, key=lambda name: hashlib.sha256(f"{seed}|{name}".encode()).digest()):
        if sizes[group] <= room:
            chosen.add(group)
            room -= sizes[group]
    return chosen


def split_source(folder: Path, source: str, val_share: float, seed: int = 0) -> tuple[int, int]:
    """(train, val) pictures of a source of a data folder after its groups were shared out anew in `index.csv`."""
    path = folder / "index.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        rows, columns = list(reader), list(reader.fieldnames or ())
    of_source = [row for row in rows if row["source"] == source]
    if not of_source:
        raise DataError(path, None, f"no picture of source {source!r} is in it")
    val = choose_val([row["group"] for row in of_source], val_share, seed)
    for row in of_source:
        row["split"] = "val" if row["group"] in val else "train"
    write_index(path, columns, rows)
    count = sum(row["split"] == "val" for row in of_source)
    return len(of_source) - count, count


def write_index(path: Path, columns: Sequence[str], rows: Sequence[dict[str, str]]) -> None:
    """None; `path` holds the rows, or still the old ones if writing broke off."""
    part = path.with_suffix(".csv.part")
    with part.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows(rows)
    part.replace(path)
