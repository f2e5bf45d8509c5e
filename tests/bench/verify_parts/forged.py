"""Which pictures are forged, how, and which honest pairs stand against them."""

from __future__ import annotations

import itertools
import zlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from verify_parts.forging import KINDS, forge
from verify_parts.pairs import Pair, closure_pairs, rows_of_data
from verify_parts.things import Box, Picture, Thing, is_for_choosing, pictures
from verify_parts.work import shared

_PER_KIND = 32
_SOURCES = ("street_bins", "patrol_saudi_a", "patrol_saudi_b", "graffiti_walls", "road_brazil", "pothole_web")
_LARGEST_THING, _LEAST_THING_PX = 0.3, 12
_MOST_OF_GROUP = 3
_STREET = ("patrol_saudi_a", "patrol_saudi_b")
FIXED_VIEWS = "traffic_vietnam"


@dataclass(frozen=True, slots=True)
class Forgery:
    """A picture, the thing in it, and what is done to it: made anew from its seed whenever it is asked for."""

    kind: str
    before: Path
    class_name: str
    box: Box
    seed: int

    def made(self) -> bytes:
        """The forged photograph after."""
        pixels = cv2.imread(str(self.before))
        return forge(KINDS[self.kind], np.asarray(pixels, np.uint8), self.box, np.random.default_rng(self.seed))


def forgeries(*, for_choosing: bool = False, per_kind: int = _PER_KIND) -> list[Forgery]:
    """So many of each kind, from as many pictures, one of a group."""
    things = itertools.cycle(_things(for_choosing))
    return [Forgery(kind, *next(things), seed) for seed in range(per_kind) for kind in KINDS]


def _things(for_choosing: bool) -> list[tuple[Path, str, Box]]:
    """Pictures with a labelled thing of a class that is a case, in a fixed shuffled order."""
    rows = [row for row in rows_of_data() if row["source"] in _SOURCES]
    first = {row["group"]: row["image"] for row in reversed(rows) if is_for_choosing(row["group"]) is for_choosing}
    ordered = sorted(first.values(), key=lambda name: zlib.crc32(name.encode()))
    found = ((pictures()[name].path, _largest_thing(pictures()[name])) for name in ordered)
    return [(path, thing.class_name, thing.box) for path, thing in found if thing]


def _largest_thing(picture: Picture) -> Thing | None:
    """The largest labelled thing that is a case and no more than a part of the picture."""
    fitting = [thing for thing in picture.cases if picture.share(thing) <= _LARGEST_THING]
    largest = max(fitting, key=picture.share, default=None)
    return largest if largest and largest.least_side_px >= _LEAST_THING_PX else None


def honest_pairs(*, for_choosing: bool = False) -> Iterator[Pair]:
    """Two exposures each: the real pairs by hand, neighbours from vehicles, and views of fixed cameras."""
    if not for_choosing:
        yield from (pair for pair in closure_pairs() if pair.kind != "edited_after")
    groups: dict[str, list[Path]] = defaultdict(list)
    for row in rows_of_data():
        if row["source"] in (*_STREET, FIXED_VIEWS) and is_for_choosing(row["group"]) is for_choosing:
            groups[row["group"]].append(shared("data") / row["image"])
    for paths in groups.values():
        for one, other in itertools.islice(itertools.combinations(sorted(paths), 2), _MOST_OF_GROUP):
            yield Pair(one.parent.name, one, other, f"{one.stem} {other.stem}")
