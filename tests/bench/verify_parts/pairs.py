"""Pairs of photographs: the real ones of shared/closure, and disjoint ones of different places from shared/data."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from verify_parts.work import shared

HONEST = ("before_after", "sf_street")
_LOOKED_AT = Path(__file__).with_name("looked_at.csv")
_FIXED_CAMERAS = frozenset({"traffic_vietnam"})  # its groups are moments, not places
# Frames of drives through the same streets: the nearest look-alike is the next frame. By chance they may be paired.
_DRIVES = frozenset({"patrol_saudi_a", "patrol_saudi_b", "road_brazil"})
_SEED = 11
_DIRECTIONS = 8
_LOOK_ALIKE_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Pair:
    """Two photographs: `kind` is the category, or how the pair was chosen; `name` tells the pair."""

    kind: str
    before: Path
    after: Path
    name: str


def closure_pairs(*categories: str) -> list[Pair]:
    """The real pairs of these categories, all without any."""
    return [
        Pair(row["category"], _closure(row["before"]), _closure(row["after"]), row["before"].rsplit("_", 1)[0])
        for row in _rows(shared("closure") / "pairs.csv")
        if not categories or row["category"] in categories
    ]


def cross_pairs() -> list[Pair]:
    """Each before of shared/closure with each after of another place."""
    rows = _rows(shared("closure") / "pairs.csv")
    return [
        Pair("cross", _closure(one["before"]), _closure(other["after"]), f"{one['before']} {other['after']}")
        for one in rows
        for other in rows
        if one["place"] != other["place"]
    ]


def _closure(name: str) -> Path:
    found = sorted(shared("closure").rglob(name))
    if not found:
        raise SystemExit(f"shared data missing: no {name} in closure")
    return found[0]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def rows_of_data() -> list[dict[str, str]]:
    """The rows of the index of shared/data."""
    return _rows(shared("data") / "index.csv")


def one_of_each_group() -> list[tuple[str, Path]]:
    """Source and picture, one for each group of shared/data, in a fixed shuffled order."""
    folder = shared("data")
    rows = rows_of_data()
    first = {(row["source"], row["group"]): row for row in sorted(rows, key=lambda row: row["image"])}
    chosen = [(row["source"], folder / row["image"]) for row in first.values()]
    random.Random(_SEED).shuffle(chosen)
    return chosen


def disjoint_pairs(pictures: Sequence[Path], thumbs: NDArray[np.float32], most: int) -> list[Pair]:
    """At most `most` pairs of different places, no picture twice: half nearest look-alikes by (n, d) unit vectors, half
    by chance."""
    one_place = known_as_one_place()

    def may_pair(one: int, other: int) -> bool:
        names = pictures[one], pictures[other]
        return not _share(names, _FIXED_CAMERAS) and frozenset(path.stem for path in names) not in one_place

    def may_look_alike(one: int, other: int) -> bool:
        return may_pair(one, other) and not _share((pictures[one], pictures[other]), _DRIVES)

    alike = _nearest_first(thumbs, round(most * _LOOK_ALIKE_SHARE), may_look_alike)
    used = {index for pair in alike for index in pair}
    left = [index for index in range(len(pictures)) if index not in used]
    chance = _in_order(left, may_pair)[: most - len(alike)]
    kinds = [("look_alike", pair) for pair in alike] + [("chance", pair) for pair in chance]
    return [Pair(kind, pictures[a], pictures[b], f"{pictures[a].stem} {pictures[b].stem}") for kind, (a, b) in kinds]


def known_as_one_place() -> set[frozenset[str]]:
    """Pairs of pictures of different groups that were looked at by a person and show one place all the same."""
    return {frozenset((row["one"], row["other"])) for row in _rows(_LOOKED_AT) if row["shows"] == "one place"}


def _share(pictures: tuple[Path, Path], sources: frozenset[str]) -> bool:
    """Whether both pictures are of these sources."""
    return {path.parent.name for path in pictures} <= sources


def _in_order(left: list[int], may_pair: Callable[[int, int], bool]) -> list[tuple[int, int]]:
    """Each with the next one left that it may be paired with."""
    pairs: list[tuple[int, int]] = []
    while left:
        one, left = left[0], left[1:]
        other = next((index for index in left if may_pair(one, index)), None)
        if other is not None:
            left.remove(other)
            pairs.append((one, other))
    return pairs


def _nearest_first(
    vectors: NDArray[np.float32], most: int, may_pair: Callable[[int, int], bool]
) -> list[tuple[int, int]]:
    """Disjoint pairs of rows, the most alike first."""
    alike = vectors @ vectors.T
    rows, columns = np.triu_indices(len(vectors), 1)
    likeness = alike[rows, columns]
    best = np.argpartition(-likeness, min(len(likeness) - 1, 400 * most))[: 400 * most]
    pairs: list[tuple[int, int]] = []
    used: set[int] = set()
    for index in best[np.argsort(-likeness[best], kind="stable")]:
        one, other = int(rows[index]), int(columns[index])
        if len(pairs) < most and not {one, other} & used and may_pair(one, other):
            pairs.append((one, other))
            used |= {one, other}
    return pairs


def thumbnail_vector(path: Path) -> NDArray[np.float32]:
    """A unit vector of what a picture looks like as a whole: directions of edges and colours in 8 x 8 cells."""
    pixels = cv2.resize(cv2.imread(str(path)), (64, 64), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY).astype(np.float32)
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    turn = np.floor(np.arctan2(down, across) % np.pi / np.pi * _DIRECTIONS).astype(int) % _DIRECTIONS
    cells = np.add.outer(np.arange(64) // 8 * 8, np.arange(64) // 8)
    edges = np.bincount((cells * _DIRECTIONS + turn).ravel(), np.hypot(across, down).ravel(), 64 * _DIRECTIONS)
    edges = np.sqrt(edges / max(float(edges.sum()), 1.0))
    colour = cv2.resize(pixels, (8, 8), interpolation=cv2.INTER_AREA).astype(np.float32).ravel() - 128.0
    vector = np.concatenate([edges, 0.5 * colour / max(float(np.linalg.norm(colour)), 1.0)])
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def halves(pairs: Sequence[Pair]) -> tuple[list[Pair], list[Pair]]:
    """Every other pair to choose a threshold on, the rest to report on."""
    return list(pairs[::2]), list(pairs[1::2])
