"""Labelled things in the pictures of shared/data: what is pasted, and what stays where it is."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from verify_parts.pairs import rows_of_data
from verify_parts.work import shared

Box = tuple[int, int, int, int]  # x1, y1, x2, y2
CODES = {  # of the classes that are a case by themselves
    "garbage": "06010",
    "overflowing_bin": "06042",
    "pothole": "06013",
    "crack": "06013",
    "graffiti": "07001",
    "soil_heap": "06011",
}
VEHICLES = ("car", "truck", "bus")


@dataclass(frozen=True, slots=True)
class Thing:
    """One labelled thing of a picture; the box in its pixels."""

    picture: Path
    group: str
    class_name: str
    box: Box

    @property
    def least_side_px(self) -> int:
        """The shorter side of its box."""
        return min(self.box[2] - self.box[0], self.box[3] - self.box[1])


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of shared/data with its labels. share_of_things: of the picture, the area of the largest box."""

    path: Path
    source: str
    group: str
    split: str
    width_px: int
    height_px: int
    things: tuple[Thing, ...]

    @property
    def cases(self) -> list[Thing]:
        """Its things that are a case by themselves."""
        return [thing for thing in self.things if thing.class_name in CODES]

    def share(self, thing: Thing) -> float:
        """How much of the picture a thing's box fills."""
        x1, y1, x2, y2 = thing.box
        return (x2 - x1) * (y2 - y1) / (self.width_px * self.height_px)


def is_for_choosing(group: str) -> bool:
    """Whether pictures of a group serve to choose thresholds and weights; the other half of the groups is reported
    on."""
    return zlib.crc32(group.encode()) % 2 == 0


@cache
def pictures() -> dict[str, Picture]:
    """All pictures of shared/data by their name in the index, in a fixed shuffled order."""
    rows = sorted(rows_of_data(), key=lambda row: zlib.crc32(row["image"].encode()))
    return {row["image"]: _picture(row) for row in rows}


def _picture(row: dict[str, str]) -> Picture:
    path = shared("data") / row["image"]
    labels = shared("data") / row["image"].replace("images/", "labels/", 1).replace(".webp", ".txt")
    lines = [[float(word) for word in line.split()] for line in labels.read_text().splitlines()]
    size = int(row["width_px"]), int(row["height_px"])
    things = tuple(Thing(path, row["group"], _names()[int(line[0])], _box(line[1:], size)) for line in lines)
    return Picture(path, row["source"], row["group"], row["split"], *size, things)


@cache
def _names() -> Sequence[str]:
    return (shared("data") / "classes.txt").read_text().split()


def _box(line: list[float], size: tuple[int, int]) -> Box:
    x, y, w, h = line
    width, height = size
    x1, y1 = max(0, int((x - w / 2) * width)), max(0, int((y - h / 2) * height))
    return x1, y1, min(width, int((x + w / 2) * width)), min(height, int((y + h / 2) * height))
