"""Thousands of verifications in drawn cities, through the whole use case, every class allowed to close."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import inference_server
import patrol.simulate
from inference_server.domain.verification import Closing
from verify_parts.city_asking import Answered, answered
from verify_parts.city_cases import TURNS, CityCase, cases_of
from verify_parts.city_street import PLACES
from verify_parts.figures import Figure
from verify_parts.work import Work, kept, say

PART = "city"
LOOK, SEED = "test", 20261122  # of the reported figures; nothing was chosen on them
_WANTED = 4000
_A_CITY = PLACES * TURNS * 2 // 5  # not every place can be photographed as every kind of case wants it
_LEAST_AUTO, _MOST_WRONG = 0.6, 1
_SLICES = ("class", "source", "light after", "forgery")


@dataclass(frozen=True, slots=True)
class Share:
    """So many verifications at most of one city of a look and a seed."""

    look: str
    seed: int
    city: int
    most: int


def run(work: Work) -> Iterator[Figure]:
    """Wrong closings and the share decided without a person, then both by what was photographed."""
    look, seed = work.city or (LOOK, SEED)
    wanted = min(work.sample or _WANTED, _WANTED)
    shares = [
        Share(look, seed, number, min(_A_CITY, wanted - number * _A_CITY))
        for number in range(math.ceil(wanted / _A_CITY))
    ]
    found = [one for said in work.spread(_said, shares, PART, chunk=1) for one in said]
    yield from figures_of(found, f"look {look}, seed {seed}")


def figures_of(found: Sequence[Answered], where: str) -> Iterator[Figure]:
    """The figures of all answers."""
    fixed, not_fixed = ([one for one in found if one.is_fixed is truth] for truth in (True, False))
    wrong = [one for one in not_fixed if one.decision is Closing.CLOSE]
    for one in wrong:
        say(f"  WRONG {one.place}: {one.kind} {dict(one.told)}")
    yield _figure("not fixed and closed", wrong, not_fixed, at_most=_MOST_WRONG, where=where)
    yield _figure("decided without a person", _auto(found), found, at_least=_LEAST_AUTO, where=where)
    yield _figure("fixed and closed", _decided(fixed, Closing.CLOSE), fixed)
    yield _figure("fixed and sent back", _decided(fixed, Closing.REWORK), fixed)
    yield _figure("not fixed and sent back", _decided(not_fixed, Closing.REWORK), not_fixed)
    yield _figure("another photograph asked for", _decided(found, Closing.NEED_PHOTO), found)
    for kind, members in _groups((one.kind, one) for one in found):
        yield _figure(f"decided without a person: {kind}", _auto(members), members)
    for name in _SLICES:
        for value, members in _groups((one.told[name], one) for one in found if name in one.told):
            yield _figure(f"decided without a person: {name} {value}", _auto(members), members)


def _figure(
    name: str,
    hits: Sequence[Answered],
    of: Sequence[Answered],
    at_most: float | None = None,
    at_least: float | None = None,
    where: str = "",
) -> Figure:
    decisions = Counter(one.decision.value for one in of)
    wrong = sum(one.decision is Closing.CLOSE and not one.is_fixed for one in of)
    reasons = Counter(code for one in of if one.decision is not Closing.CLOSE for code in one.codes)
    more = {"decisions": dict(decisions), "wrong": wrong, "reasons": dict(reasons.most_common(6))}
    return Figure(
        part=PART, name=name, count=len(hits), of=len(of), at_most=at_most, at_least=at_least, where=where, more=more
    )


def _auto(found: Sequence[Answered]) -> list[Answered]:
    """Closed or sent back."""
    return [one for one in found if one.decision in (Closing.CLOSE, Closing.REWORK)]


def _decided(found: Sequence[Answered], decision: Closing) -> list[Answered]:
    return [one for one in found if one.decision is decision]


def _groups(rows: Iterable[tuple[str, Answered]]) -> list[tuple[str, list[Answered]]]:
    groups: dict[str, list[Answered]] = {}
    for name, one in rows:
        groups.setdefault(name, []).append(one)
    return sorted(groups.items())


def _said(share: Share) -> list[Answered]:
    """The answers of one city, kept under all code that has a part in them."""
    return kept("city answers", f"{share} {code_of(*_ANSWERING)}", (), lambda: answered(photographed(share)))


def photographed(share: Share) -> list[CityCase]:
    """The photographs of one city, kept under the code that draws them."""
    key = f"{share} {code_of(*_DRAWING)}"
    return kept("city photos", key, (), lambda: list(cases_of(share.look, share.seed, share.city, share.most)))


_SIMULATE, _SERVER, _HERE = (
    Path(patrol.simulate.__path__[0]),
    Path(inference_server.__path__[0]),
    Path(__file__).parent,
)
_DRAWING = (
    _SIMULATE,
    *(_HERE / f"city_{name}.py" for name in ("cases", "changes", "street", "views")),
    *(_HERE / f"{name}.py" for name in ("forging", "screen")),
)
_ANSWERING = (
    *_DRAWING,
    _HERE / "city_asking.py",
    *(_SERVER / name for name in ("scene", "closure", "domain", "policy", "catalogue", "verify.py")),
)


@cache
def code_of(*places: Path) -> str:
    """A hash of the files and folders."""
    files = [file for place in places for file in ([place] if place.is_file() else sorted(place.rglob("*.*")))]
    chosen = [file for file in files if file.suffix in (".py", ".toml", ".csv", ".json", ".npy")]
    return hashlib.sha256(b"".join(file.read_bytes() for file in chosen)).hexdigest()[:32]
