"""A tiny data folder for training tests: grey pictures with one bright or dark rectangle each."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

CLASSES = ("pale", "dark", "unseen")
STATES = (
    ("walls", "pale", "labelled"),
    ("walls", "dark", "labelled"),
    ("floors", "pale", "labelled"),
    ("floors", "unseen", "absent"),
)
HEADER = ("source", "image", "split", "group", "width_px", "height_px", "boxes", "boxes_of_other_classes")


@dataclass(frozen=True, slots=True)
class Drawn:
    """One picture to make: which source, split and group, and the id of the class drawn in it."""

    source: str
    split: str
    group: str
    class_id: int


def plan(train: int, val: int) -> list[Drawn]:
    """Pictures of both sources in turn, each a group of its own; `floors` never holds a dark one."""
    made = []
    for number in range(train + val):
        split = "train" if number < train else "val"
        source = ("walls", "floors")[number % 2]
        class_id = (number // 2) % 2 if source == "walls" else 0
        made.append(Drawn(source, split, f"{source}_{number}", class_id))
    return made


def write_data(folder: Path, pictures: list[Drawn], seed: int = 0) -> Path:
    """The folder, filled with pictures, labels, classes, sources and index."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "classes.txt").write_text("\n".join(CLASSES) + "\n", encoding="utf-8")
    write_rows(folder / "sources.csv", ("source", "class", "state"), [list(row) for row in STATES])
    rows = [_write_picture(folder, number, drawn, rng) for number, drawn in enumerate(pictures)]
    write_rows(folder / "index.csv", HEADER, rows)
    return folder


def write_rows(path: Path, header: tuple[str, ...], rows: list[list[str]]) -> None:
    """None; writes a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([list(header), *rows])


def _write_picture(folder: Path, number: int, drawn: Drawn, rng: np.random.Generator) -> list[str]:
    width, height = 160, 96
    pixels = rng.integers(100, 140, (height, width, 3), dtype=np.uint8)
    box_width, box_height = rng.integers(30, 70), rng.integers(24, 50)
    left, top = rng.integers(0, width - box_width), rng.integers(0, height - box_height)
    pixels[top : top + box_height, left : left + box_width] = 240 if drawn.class_id == 0 else 10
    name = f"{drawn.source}/{number:03d}"
    image, labels = folder / "images" / f"{name}.png", folder / "labels" / f"{name}.txt"
    for path in (image, labels):
        path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(image), pixels)
    centre = ((left + box_width / 2) / width, (top + box_height / 2) / height)
    numbers = (*centre, box_width / width, box_height / height)
    labels.write_text(f"{drawn.class_id} " + " ".join(f"{n:.6f}" for n in numbers) + "\n", encoding="utf-8")
    return [drawn.source, f"images/{name}.png", drawn.split, drawn.group, str(width), str(height), "1", "0"]
