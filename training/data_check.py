"""Everything that is wrong with a data folder, each with file and line; nothing stops at the first fault."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from detector.image import Limits, decode, probe
from detector.picture_errors import PictureError
from training.index import STATES, DataError, DataIndex, Picture, load_index, read_rows
from training.labels import read_labels

KNOWN_STATES = (*STATES, "unknown")


def check_folder(folder: Path, *, whole: bool = False) -> list[str]:
    """The faults as `file:line: problem`; empty where there is none. `whole` decodes every picture."""
    try:
        index = load_index([folder])
    except DataError as error:
        return [str(error)]
    faults = list(_state_faults(folder))
    boxes: Counter[tuple[str, int]] = Counter()
    copies: dict[str, Picture] = {}
    for picture in index.pictures:
        faults += _picture_faults(picture, copies, whole=whole)
        faults += _label_faults(picture, index, boxes)
    faults += _empty_class_faults(folder, index, boxes)
    return faults


def _state_faults(folder: Path) -> Iterator[str]:
    path = folder / "sources.csv"
    for line, row in read_rows(path, {"source", "class", "state"}):
        if row["state"] not in KNOWN_STATES:
            allowed = ", ".join(KNOWN_STATES)
            yield str(DataError(path, line, f"state {row['state']!r} says nothing; meant are: {allowed}"))


def _picture_faults(picture: Picture, copies: dict[str, Picture], *, whole: bool) -> Iterator[str]:
    data = picture.image.read_bytes()
    try:
        info = probe(data, Limits())
        if whole:
            decode(data, Limits())
    except PictureError as error:
        yield str(DataError(picture.image, None, error.message))
        return
    if (info.width_px, info.height_px) != (picture.width_px, picture.height_px):
        told = f"the index says {picture.width_px}x{picture.height_px}"
        yield str(DataError(picture.image, None, f"is {info.width_px}x{info.height_px}, {told}"))
    first = copies.setdefault(hashlib.sha256(data).hexdigest(), picture)
    if first.split != picture.split:
        yield str(
            DataError(picture.image, None, f"is the same picture as {first.image}, on the other side of the split")
        )


def _label_faults(picture: Picture, index: DataIndex, boxes: Counter[tuple[str, int]]) -> Iterator[str]:
    try:
        rows = read_labels(picture.labels, len(index.classes))
    except DataError as error:
        yield str(error)
        return
    absent = index.classes_in_state(picture.source, "absent")
    for line, row in enumerate(rows, start=1):
        name = index.classes[int(row[0])]
        boxes[(picture.source, int(row[0]))] += 1
        if name in absent:
            yield str(DataError(picture.labels, line, f"{name} is absent in {picture.source} by sources.csv"))
    if len(rows) > 1:
        for line in np.flatnonzero(_repeats(rows)).tolist():
            yield str(DataError(picture.labels, line + 1, "the same box twice"))


def _repeats(rows: np.ndarray) -> np.ndarray:
    """(n,) whether an earlier row is the same."""
    _, first = np.unique(rows, axis=0, return_index=True)
    return ~np.isin(np.arange(len(rows)), first)


def _empty_class_faults(folder: Path, index: DataIndex, boxes: Counter[tuple[str, int]]) -> Iterator[str]:
    for source in index.sources:
        for name in index.classes_in_state(source, "labelled"):
            if not boxes[(source, index.classes.index(name))]:
                yield str(
                    DataError(folder / "sources.csv", None, f"{source} says {name} is labelled, yet has no box of it")
                )
