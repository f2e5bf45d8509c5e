"""Pairs of pictures that show one place at two moments, as `tests/bench/neighbours.py` found them."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from verify_parts.things import Picture, is_for_choosing, pictures

NEIGHBOURS = Path(__file__).with_name("neighbours.csv")

Two = tuple[Picture, Picture]


def two_moments(*, for_choosing: bool) -> list[Two]:
    """Pictures before and after, in a fixed shuffled order, of places of one half only.

    Places that any neighbours join are of one half, so that no place is in both.
    """
    halves = _halves()
    pairs = sorted(_found(), key=lambda names: zlib.crc32("".join(names).encode()))
    both = [(pictures()[one], pictures()[other]) for one, other in pairs]
    return [two for two in both if halves[two[0].group] is for_choosing]


def _found() -> Iterator[tuple[str, str]]:
    with NEIGHBOURS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield row["one"], row["other"]


@cache
def _halves() -> dict[str, bool]:
    """By group, whether it serves to choose: as the first, by name, of the groups that neighbours join says."""
    joined: dict[str, str] = {}

    def first(group: str) -> str:
        while joined.setdefault(group, group) != group:
            group = joined[group]
        return group

    for one, other in _found():
        a, b = first(pictures()[one].group), first(pictures()[other].group)
        joined[max(a, b)] = min(a, b)
    return {picture.group: is_for_choosing(first(picture.group)) for picture in pictures().values()}
