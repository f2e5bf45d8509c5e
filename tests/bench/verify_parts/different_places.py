"""Pairs that show different places: how many does the second gate accept? None, that is the aim."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inference_server.domain.verification import Answer
from verify_parts.baseline import FUNDAMENTAL_AT, HOMOGRAPHY_AT, Inliers, inliers
from verify_parts.figures import Figure
from verify_parts.pairs import Pair, cross_pairs, disjoint_pairs, halves, one_of_each_group, thumbnail_vector
from verify_parts.same_places import gate_of
from verify_parts.work import Work, kept, say

PART = "different_places"
_WANTED_PAIRS = 3088
_MOST_CROSS = 2


def run(work: Work) -> Iterator[Figure]:
    """Disjoint pairs of shared/data, then the cross pairs of shared/closure; the baseline on both."""
    pairs = data_pairs(work)
    passed, baseline = _judge(work, pairs, "data pairs")
    chosen_on, reported_on = (set(half) for half in halves(pairs))
    yield _figure("pairs of different groups accepted", passed, at_most=0)
    for name, half in (("half that thresholds were chosen on", chosen_on), ("other half", reported_on)):
        yield _figure(f"... {name}", [ok for ok, pair in zip(passed, pairs, strict=True) if pair in half])
    for kind in ("look_alike", "chance"):
        yield _figure(f"... {kind} pairs", [ok for ok, pair in zip(passed, pairs, strict=True) if pair.kind == kind])
    yield from _of_baseline("pairs of different groups", baseline)
    crossed = work.few(cross_pairs())
    passed, baseline = _judge(work, crossed, "cross pairs")
    yield _figure("cross pairs of closure accepted", passed, at_most=_MOST_CROSS)
    yield from _of_baseline("cross pairs of closure", baseline)


def data_pairs(work: Work) -> list[Pair]:
    """The disjoint pairs of shared/data, or a sample spread over both kinds."""
    pictures = [path for _, path in one_of_each_group()]
    vectors = np.stack(list(work.spread(_kept_vector, pictures, "thumbnails")))
    pairs = disjoint_pairs(pictures, vectors, _WANTED_PAIRS)
    every = 1 if work.sample is None else max(1, len(pairs) // work.sample)
    return pairs[::every][: work.sample]


def _kept_vector(path: Path) -> NDArray[np.float32]:
    return kept("thumbnails", str(path), (), lambda: thumbnail_vector(path))


def _judge(work: Work, pairs: Sequence[Pair], what: str) -> tuple[list[bool], list[Inliers]]:
    passed = []
    for pair, (answer, score, _) in zip(pairs, work.spread(gate_of, pairs, what), strict=True):
        passed.append(answer is Answer.PASS)
        if passed[-1]:
            say(f"  accepted at {score:.2f} ({pair.kind}): {pair.name}")
    return passed, list(work.spread(inliers, pairs, f"{what}, baseline"))


def _figure(name: str, accepted: list[bool], at_most: int | None = None) -> Figure:
    return Figure(part=PART, name=name, count=sum(accepted), of=len(accepted), at_most=at_most)


def _of_baseline(name: str, found: Sequence[Inliers]) -> Iterator[Figure]:
    yield _figure(f"{name} accepted, baseline F", [one.fundamental >= FUNDAMENTAL_AT for one in found])
    yield _figure(f"{name} accepted, baseline H", [one.homography >= HOMOGRAPHY_AT for one in found])
    yield _figure(f"{name}, baseline raised an OpenCV error", [one.failed for one in found])
