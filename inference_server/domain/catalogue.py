"""The code standards as data: what a class is called and numbered in each, and how they correspond."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

from inference_server.domain.errors import BadPolicy, NotFound
from inference_server.domain.observation import Contact

GB_2026: Final = "GB/T 47678.5-2026"
GB_2013: Final = "GB/T 30428.2-2013"
CJ_2007: Final = "CJ/T 214-2007"
LOCAL: Final = "local"
_STANDARD_FILES: Final = {
    GB_2026: "gbt_47678_5_2026.csv",
    GB_2013: "gbt_30428_2_2013.csv",
    CJ_2007: "cjt_214_2007.csv",
    LOCAL: "local.csv",
}
_KINDS: Final = ("matter", "component")

EntryKey = tuple[str, str, str]
_Row = dict[str, str]
_T = TypeVar("_T")


class Mark(StrEnum):
    """How sure a correspondence is: `confirmed` by a table that has both, or `carried` over from likeness."""

    CONFIRMED = "confirmed"
    CARRIED = "carried"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One code of one standard. `camera`: is it seen from a moving car (Y, P partly, N, or not judged)."""

    standard: str
    kind: str
    code: str
    name_zh: str
    name_en: str = ""
    camera: str = ""

    @property
    def key(self) -> EntryKey:
        """What names an entry: the same digits mean other things in another standard or kind."""
        return self.standard, self.kind, self.code


@dataclass(frozen=True, slots=True)
class Crossing:
    """The entry of another standard that corresponds, and how sure that is."""

    entry: Entry
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassEntry:
    """What a class of the detector stands for. Context classes have no code. Sizes are typical, for checks of
    plausibility; flat things have no height. Safety classes are never closed without a person."""

    class_name: str
    name_zh: str
    name_en: str
    kind: str
    code: str
    contact: Contact
    width_m: float
    height_m: float
    is_safety: bool


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All standards, the cross-walk between them, and the classes."""

    entries: dict[EntryKey, Entry]
    crossings: dict[EntryKey, tuple[tuple[EntryKey, Mark], ...]]
    classes: dict[str, ClassEntry]

    @classmethod
    def load(cls, folder: Path) -> "Catalogue":
        """The catalogue of a folder of CSV files; BadPolicy names the file and line that says something impossible."""
        entries: dict[EntryKey, Entry] = {}
        for standard, file in _STANDARD_FILES.items():
            for where, entry in _read(folder / file, _entry):
                if entry.standard != standard:
                    raise _bad(where, f"standard {entry.standard!r} in the file of {standard}")
                if entries.setdefault(entry.key, entry) is not entry:
                    raise _bad(where, f"{' '.join(entry.key)} is there twice")
        classes = {}
        for where, row in _read(folder / "classes.csv", _class_entry):
            if row.code and (GB_2026, row.kind, row.code) not in entries:
                raise _bad(where, f"no {row.kind} {row.code} in {GB_2026}")
            classes[row.class_name] = row
        return cls(entries, _crossings(folder / "crosswalk.csv", entries), classes)

    def entry(self, standard: str, kind: str, code: str) -> Entry:
        """The entry of a code; raises NotFound."""
        try:
            return self.entries[standard, kind, code]
        except KeyError:
            raise NotFound(f"no {kind} {code} in {standard}", field="code") from None

    def crosswalk(self, entry: Entry, to_standard: str) -> tuple[Crossing, ...]:
        """The entries of another standard that correspond, by one step or two; empty where none is known.

        A way over two steps is as sure as its weaker one.
        """
        if entry.standard == to_standard:
            return (Crossing(entry, Mark.CONFIRMED),)
        found: dict[EntryKey, Mark] = {}
        for middle, first in self.crossings.get(entry.key, ()):
            if middle[0] == to_standard:
                found.setdefault(middle, first)
            for end, second in self.crossings.get(middle, ()):
                if end[0] == to_standard:
                    sure = first == second == Mark.CONFIRMED
                    found.setdefault(end, Mark.CONFIRMED if sure else Mark.CARRIED)
        return tuple(Crossing(self.entries[key], mark) for key, mark in found.items())

    def of_class(self, class_name: str) -> ClassEntry:
        """What the catalogue knows of a class of the detector; raises NotFound."""
        try:
            return self.classes[class_name]
        except KeyError:
            raise NotFound(f"no class {class_name!r} in the catalogue", field="class_name") from None


def _read(path: Path, build: Callable[[_Row], _T]) -> Iterator[tuple[str, _T]]:
    with path.open(encoding="utf-8", newline="") as lines:
        for number, row in enumerate(csv.DictReader(lines), start=2):
            where = f"{path.name} line {number}"
            if None in row or None in row.values():
                raise _bad(where, "too few or too many fields")
            try:
                yield where, build(row)
            except (KeyError, TypeError, ValueError) as fault:
                raise _bad(where, f"{type(fault).__name__} {fault}") from fault


def _entry(row: _Row) -> Entry:
    _KINDS.index(row["kind"])
    if not (row["code"].isalnum() and row["name_zh"]):
        raise ValueError("an entry needs a code and a Chinese name")
    return Entry(**row)


def _class_entry(row: _Row) -> ClassEntry:
    return ClassEntry(
        class_name=row["class_name"],
        name_zh=row["name_zh"],
        name_en=row["name_en"],
        kind=row["kind"],
        code=row["code"],
        contact=Contact(row["contact"]),
        width_m=float(row["width_m"]),
        height_m=float(row["height_m"]),
        is_safety={"yes": True, "no": False}[row["safety"]],
    )


def _pair(row: _Row) -> tuple[EntryKey, EntryKey, Mark]:
    here = row["from_standard"], row["kind"], row["from_code"]
    return here, (row["to_standard"], row["kind"], row["to_code"]), Mark(row["mark"])


def _crossings(path: Path, entries: dict[EntryKey, Entry]) -> dict[EntryKey, tuple[tuple[EntryKey, Mark], ...]]:
    """Both directions of every line of the cross-walk."""
    ways: dict[EntryKey, tuple[tuple[EntryKey, Mark], ...]] = {}
    for where, (here, there, mark) in _read(path, _pair):
        for key in (here, there):
            if key not in entries:
                raise _bad(where, f"no {' '.join(key)} in any standard")
        ways[here] = (*ways.get(here, ()), (there, mark))
        ways[there] = (*ways.get(there, ()), (here, mark))
    return ways


def _bad(where: str, what: str) -> BadPolicy:
    return BadPolicy(f"{where}: {what}", field="catalogue")
