"""People, vehicles and problems of the city as the shared data label them: what is hidden of each."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from inference_server.domain.observation import Box
from inference_server.domain.private_parts import PRIVATE, private_part
from privacy_parts.hiding import COVERED, Finders, share, share_of_picture

READABLE_PX: Final = {"person": 80.0}  # of a person's height: a face of ten pixels
LEAST_VEHICLE_PX: Final = 60.0  # of a vehicle's height: a plate of three or four pixels

Counts = dict[tuple[str, str], list[int]]


def count_things(data: Path, finders: Finders, every: int) -> Iterator[dict[str, Any]]:
    """One line a finder and class, over every Nth validation picture."""
    names = (data / "classes.txt").read_text(encoding="utf-8").split()
    labelled = _labelled(data)
    counts: Counts = defaultdict(lambda: [0, 0, 0, 0])  # hidden and all, of any size; the same of those large enough
    costs: Counts = defaultdict(lambda: [0, 0])  # mostly hidden, and all
    shares: dict[str, list[float]] = defaultdict(list)
    for picture, source in _pictures(data)[::every]:
        hidden = finders.hide(picture.read_bytes())
        truth = _truth(data, picture, names, (hidden.width_px, hidden.height_px))
        for finder, parts in hidden.parts.items():
            shares[finder].append(share_of_picture(hidden, parts))
            for name, box in truth:
                if name in labelled[source]:
                    _count(counts[finder, name], box, name, parts)
                elif name not in PRIVATE:
                    _add(costs[finder, name], share(box, parts) > 0.5, True)
    for (finder, name), (found, of, found_large, large) in sorted(counts.items()):
        recall = round(found_large / large, 4) if large else None
        row = {"finder": finder, "class": name, "hidden": found, "of": of}
        yield {**row, "large": large, "hidden_large": found_large, "recall_large": recall}
    for (finder, name), (found, of) in sorted(costs.items()):
        yield {"finder": finder, "problem": name, "mostly_hidden": found, "of": of}
    for finder, each in sorted(shares.items()):
        mean = round(float(np.mean(each)), 4)
        yield {"finder": finder, "pictures": len(each), "hidden_share_of_picture": mean}


def _count(into: list[int], box: Box, name: str, parts: Sequence[Box]) -> None:
    part = private_part(name, box, rim=0.0)
    assert part is not None
    is_hidden = share(part, parts) >= COVERED
    is_large = box.height_px >= READABLE_PX.get(name, LEAST_VEHICLE_PX)
    _add(into, is_hidden, True, is_hidden and is_large, is_large)


def _add(into: list[int], *more: bool) -> None:
    for place, one in enumerate(more):
        into[place] += int(one)


def _labelled(data: Path) -> dict[str, set[str]]:
    """By source, the labelled classes that have a private part."""
    found: dict[str, set[str]] = defaultdict(set)
    with (data / "sources.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["state"] == "labelled" and row["class"] in PRIVATE:
                found[row["source"]].add(row["class"])
    return found


def _pictures(data: Path) -> list[tuple[Path, str]]:
    with (data / "index.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "val"]
    return [(data / row["image"], row["source"]) for row in rows]


def _truth(data: Path, picture: Path, names: list[str], size_px: tuple[int, int]) -> list[tuple[str, Box]]:
    label = (data / "labels" / picture.relative_to(data / "images")).with_suffix(".txt")
    found = []
    for line in label.read_text(encoding="utf-8").splitlines():
        number, *shares = line.split()
        x, y, w, h = (float(one) * side for one, side in zip(shares, size_px * 2, strict=True))
        found.append((names[int(number)], Box(x1=x - w / 2, y1=y - h / 2, x2=x + w / 2, y2=y + h / 2)))
    return found
