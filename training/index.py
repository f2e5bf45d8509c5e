"""The data index: which pictures there are, what their sources labelled, and on which side of the split they stand.

A data folder holds `classes.txt` (one class name a line), `sources.csv` (source, class, state), `index.csv`
(source, image, split, group, ...), `images/` and `labels/`. A state other than labelled or absent says nothing about
the class, just as no row does. Several folders can be read as one index as long as
they name the same classes in the same order.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

Split = str  # training knows train and val; a folder for evaluation may name its split as it likes
STATES = ("labelled", "absent")
DRAWN_SOURCES = frozenset({"drawn_city"})  # drawings prove nothing about streets: no figure and no threshold uses them
INDEX_COLUMNS = {"source", "image", "split", "group", "width_px", "height_px"}


class DataError(ValueError):
    """A data folder that cannot be used; the message names the file and, where there is one, the line."""

    def __init__(self, path: Path, line: int | None, problem: str) -> None:
        place = str(path) if line is None else f"{path}:{line}"
        super().__init__(f"{place}: {problem}")
        self.path, self.line = path, line


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of the index; `image` and `labels` are full paths, `group` ties look-alikes together."""

    source: str
    image: Path
    labels: Path
    split: Split
    group: str
    width_px: int
    height_px: int


@dataclass(frozen=True)
class DataIndex:
    """All pictures of one or more data folders, and per source which classes were labelled or are surely absent."""

    classes: tuple[str, ...]
    states: dict[str, dict[str, str]]
    pictures: tuple[Picture, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the sources that have pictures, in alphabetical order."""
        return tuple(sorted({picture.source for picture in self.pictures}))

    def of(self, split: Split, source: str | None = None) -> tuple[Picture, ...]:
        """Pictures of one split, of one source if it is named."""
        return tuple(p for p in self.pictures if p.split == split and source in (None, p.source))

    @property
    def splits(self) -> tuple[Split, ...]:
        """Names of the splits that have pictures, in alphabetical order."""
        return tuple(sorted({picture.split for picture in self.pictures}))

    def without(self, sources: Collection[str]) -> DataIndex:
        """The index without the pictures of these sources."""
        return replace(self, pictures=tuple(p for p in self.pictures if p.source not in sources))

    def classes_in_state(self, source: str, state: str) -> tuple[str, ...]:
        """Classes that have `state` (labelled or absent) in `source`, in the order of the class list."""
        of_source = self.states.get(source, {})
        return tuple(name for name in self.classes if of_source.get(name) == state)

    def class_mask(self, source: str) -> np.ndarray:
        """Float array (classes,): 1 where the source says labelled or absent, 0 where nothing is known.

        Only classes with 1 carry a classification loss in pictures of the source.
        """
        known = self.states.get(source, {})
        return np.array([1.0 if name in known else 0.0 for name in self.classes], dtype=np.float32)


def load_index(folders: Iterable[Path]) -> DataIndex:
    """The index of one or more data folders read as one. Raises DataError naming file and line."""
    classes: tuple[str, ...] = ()
    states: dict[str, dict[str, str]] = {}
    pictures: list[Picture] = []
    for folder in folders:
        names = _read_classes(folder / "classes.txt")
        if classes and names != classes:
            raise DataError(folder / "classes.txt", None, "other classes, or another order, than the first data folder")
        classes = names
        for source, of_source in _read_states(folder / "sources.csv", names).items():
            if source in states:
                raise DataError(folder / "sources.csv", None, f"source {source} is in two data folders")
            states[source] = of_source
        pictures.extend(_read_pictures(folder, states))
    if not classes:
        raise ValueError("no data folder was named")
    index = DataIndex(classes, states, tuple(pictures))
    check_groups(index)
    return index


def check_groups(index: DataIndex) -> None:
    """None; raises DataError if pictures of one group stand on both sides of the split."""
    side: dict[tuple[str, str], Picture] = {}
    for picture in index.pictures:
        first = side.setdefault((picture.source, picture.group), picture)
        if first.split != picture.split:
            problem = f"group {picture.group} is in {first.split} ({first.image.name}) and in {picture.split}"
            raise DataError(picture.image, None, problem)


def data_hash(index: DataIndex) -> str:
    """SHA-256 (hex) over sources, splits, picture names and label texts: the same data gives the same hash."""
    digest = hashlib.sha256("\n".join(index.classes).encode())
    for source in index.sources:
        digest.update(repr((source, sorted(index.states[source].items()))).encode())
    for picture in sorted(index.pictures, key=lambda p: (p.source, p.image.name)):
        digest.update(f"{picture.source}/{picture.image.name}/{picture.split}".encode())
        digest.update(picture.labels.read_bytes())
    return digest.hexdigest()


def read_rows(path: Path, columns: set[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Pairs (line number, row) of a CSV file that must have `columns`; raises DataError."""
    if not path.is_file():
        raise DataError(path, None, "the file is missing")
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        missing = columns - set(reader.fieldnames or ())
        if missing:
            raise DataError(path, 1, f"column missing: {', '.join(sorted(missing))}")
        for row in reader:
            yield reader.line_num, row


def _read_classes(path: Path) -> tuple[str, ...]:
    if not path.is_file():
        raise DataError(path, None, "the file is missing")
    names = tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    if len(set(names)) != len(names):
        raise DataError(path, None, "a class is named twice")
    return names


def _read_states(path: Path, classes: tuple[str, ...]) -> dict[str, dict[str, str]]:
    states: dict[str, dict[str, str]] = {}
    for line, row in read_rows(path, {"source", "class", "state"}):
        if row["class"] not in classes:
            raise DataError(path, line, f"unknown class {row['class']!r}")
        of_source = states.setdefault(row["source"], {})
        if row["class"] in of_source:
            raise DataError(path, line, f"{row['source']} names {row['class']} twice")
        of_source[row["class"]] = row["state"]
    known = {source: {name: s for name, s in row.items() if s in STATES} for source, row in states.items()}
    return known


def _read_pictures(folder: Path, states: dict[str, dict[str, str]]) -> Iterator[Picture]:
    path = folder / "index.csv"
    seen: set[str] = set()
    for line, row in read_rows(path, INDEX_COLUMNS):
        split = row["split"]
        if not split:
            raise DataError(path, line, "the split is empty")
        if row["source"] not in states:
            raise DataError(path, line, f"source {row['source']!r} is not in sources.csv")
        if row["image"] in seen:
            raise DataError(path, line, f"{row['image']} is listed twice")
        seen.add(row["image"])
        image = folder / row["image"]
        labels = folder / Path(row["image"].replace("images", "labels", 1)).with_suffix(".txt")
        for needed in (image, labels):
            if not needed.is_file():
                raise DataError(path, line, f"no such file: {needed}")
        width_px, height_px = (_whole(path, line, row[name]) for name in ("width_px", "height_px"))
        yield Picture(row["source"], image, labels, split, row["group"], width_px, height_px)


def _whole(path: Path, line: int, text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise DataError(path, line, f"{text!r} is no size in pixels")
    return int(text)
