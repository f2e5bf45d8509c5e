"""Which pictures of ../shared/data show one place at two moments: writes verify_parts/neighbours.csv.

    python tests/bench/neighbours.py [--processes N] [--write]

Groups of look-alikes, and frames of roads and views of cameras of which names do not say what is near what: of each of
these the few most alike by the description of their places (`scene/places.py`). The second gate says which of them show
one place. Two frames of one road share lines and kerbs wherever they were taken, those of a street its walls: there far
more evidence than the gate asks for is wanted.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from verify_parts.neighbours import NEIGHBOURS
from verify_parts.pairs import rows_of_data
from verify_parts.work import Work, kept_look, shared

from inference_server.scene.evidence import ACCEPT_AT
from inference_server.scene.places import Description, nearest, place_of
from inference_server.scene.same_scene import compare

_ROADS, _CAMERAS = ("road_brazil",), ("traffic_vietnam",)
_MOST_OF_ROAD, _MOST_OF_CAMERAS = 60, 60  # pictures that are searched
_NEAREST = 2
_GROUPED = ("patrol_saudi_a", "patrol_saudi_b", "traffic_vietnam", "graffiti_walls")
_MOST_OF_GROUP = 6  # pairs
# Evidence. Chosen on sheets: with less, frames of one road or of one long wall show other stretches of it as well.
_LEAST = {"road_brazil": 35.0, "patrol_saudi_a": 22.0, "patrol_saudi_b": 22.0}
_COLUMNS = ("one", "other", "evidence")


def main() -> int:
    """0."""
    arguments = _arguments()
    work = Work(None, arguments.processes)
    found = sorted(_neighbours(work))
    if arguments.write:
        with NEIGHBOURS.open("w", encoding="utf-8", newline="") as file:
            _write(found, file)
    else:
        _write(found, sys.stdout)
    return 0


def _write(found: list[tuple[str, str, float]], file: TextIO) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows((one, other, f"{evidence:.1f}") for one, other, evidence in found)


def _neighbours(work: Work) -> Iterator[tuple[str, str, float]]:
    pairs = _candidates(work)
    for (one, other), evidence in zip(pairs, work.spread(_compared, pairs, "compared"), strict=True):
        if evidence >= _LEAST.get(Path(one).parent.name, ACCEPT_AT):
            yield one, other, evidence


def _candidates(work: Work) -> list[tuple[str, str]]:
    """Pairs of pictures, each once, that look alike among those that can be of one place."""
    pools: dict[str, list[str]] = defaultdict(list)
    for row in rows_of_data():
        on_road = row["source"] in _ROADS
        pool = pools[row["group"] if on_road else row["source"]]
        if (on_road or row["source"] in _CAMERAS) and len(pool) < (_MOST_OF_ROAD if on_road else _MOST_OF_CAMERAS):
            pool.append(row["image"])
    names = [name for pool in pools.values() if len(pool) > 1 for name in pool]
    described = dict(zip(names, work.spread(_described, names, "described"), strict=True))
    pairs = {pair for pool in pools.values() for pair in _alike({name: described.get(name) for name in pool})}
    return sorted(pairs | set(_grouped()))


def _grouped() -> Iterator[tuple[str, str]]:
    """Some pairs of each group of look-alikes."""
    groups: dict[str, list[str]] = defaultdict(list)
    for row in rows_of_data():
        if row["source"] in _GROUPED:
            groups[row["group"]].append(row["image"])
    for names in groups.values():
        yield from itertools.islice(itertools.combinations(sorted(names), 2), _MOST_OF_GROUP)


def _alike(pool: dict[str, Description | None]) -> Iterator[tuple[str, str]]:
    known = {name: place for name, place in pool.items() if place is not None}
    for name, place in known.items():
        others = {other: value for other, value in known.items() if other != name}
        for near in nearest(place, others, _NEAREST):
            yield min(name, near.key), max(name, near.key)


def _described(name: str) -> Description | None:
    return place_of(kept_look(shared("data") / name).features)


def _compared(pair: tuple[str, str]) -> float:
    one, other = (kept_look(shared("data") / name) for name in pair)
    return compare(one, other).result.measures["evidence"]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="that work at once")
    parser.add_argument("--write", action="store_true", help="into verify_parts/neighbours.csv, not to stdout")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
