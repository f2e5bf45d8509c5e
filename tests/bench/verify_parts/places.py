"""Is the frame of the same place among the nearest? Each after of shared/closure asked among all befores."""

from __future__ import annotations

from collections.abc import Iterator

from inference_server.scene.bridge import MOST_TRIED
from inference_server.scene.places import Description, nearest, place_of
from verify_parts.figures import Figure
from verify_parts.pairs import HONEST, Pair, closure_pairs
from verify_parts.work import Work, kept_look

PART = "places"


def run(work: Work) -> Iterator[Figure]:
    """How often the right one comes first, and among those that would be tried."""
    pairs = work.few(closure_pairs())
    described = list(work.spread(_both, pairs, PART))
    known = {index: before for index, (before, _) in enumerate(described) if before is not None}
    for name, kinds in (("before_after and sf_street", HONEST), ("all categories", None)):
        asked = [index for index, pair in enumerate(pairs) if kinds is None or pair.kind in kinds]
        for most in (1, MOST_TRIED):
            count = sum(_is_found(described[index][1], known, index, most) for index in asked)
            told = {"among": len(known)}
            yield Figure(part=PART, name=f"{name}: among the first {most}", count=count, of=len(asked), more=told)


def _both(pair: Pair) -> tuple[Description | None, Description | None]:
    return place_of(kept_look(pair.before).features), place_of(kept_look(pair.after).features)


def _is_found(wanted: Description | None, known: dict[int, Description], index: int, most: int) -> bool:
    return wanted is not None and index in {one.key for one in nearest(wanted, known, most)}
