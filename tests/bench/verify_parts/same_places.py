"""Pairs that show one place: how many does the second gate accept?"""

from __future__ import annotations

from collections.abc import Iterator

from inference_server.domain.verification import Answer
from inference_server.scene.same_scene import compare
from verify_parts.baseline import FUNDAMENTAL_AT, HOMOGRAPHY_AT, inliers
from verify_parts.figures import Figure
from verify_parts.pairs import HONEST, Pair, closure_pairs
from verify_parts.work import Work, kept_look, say

PART = "same_places"
_WANTED = 11  # of the 16 honest pairs


def run(work: Work) -> Iterator[Figure]:
    """The honest pairs against the target, every other category for comparison, and the baseline on both."""
    pairs = work.few(closure_pairs())
    gates = list(work.spread(gate_of, pairs, PART))
    baseline = list(work.spread(inliers, pairs, f"{PART} baseline"))
    for pair, (answer, score, codes) in zip(pairs, gates, strict=True):
        if pair.kind in HONEST:
            say(f"  {pair.name}: {answer} {score:.2f} {' '.join(codes)}")
    honest = [index for index, pair in enumerate(pairs) if pair.kind in HONEST]
    passed = [answer is Answer.PASS for answer, _, _ in gates]
    yield _figure("before_after and sf_street accepted", [passed[i] for i in honest], _WANTED)
    for name, accepted in (
        ("baseline F", [found.fundamental >= FUNDAMENTAL_AT for found in baseline]),
        ("baseline H", [found.homography >= HOMOGRAPHY_AT for found in baseline]),
    ):
        yield _figure(f"before_after and sf_street accepted, {name}", [accepted[i] for i in honest])
    for kind in sorted({pair.kind for pair in pairs} - set(HONEST)):
        yield _figure(f"{kind} accepted", [ok for ok, pair in zip(passed, pairs, strict=True) if pair.kind == kind])


def gate_of(pair: Pair) -> tuple[Answer, float, list[str]]:
    """Answer, score and reasons of the second gate, for the whole picture."""
    result = compare(kept_look(pair.before), kept_look(pair.after)).result
    return result.answer, result.score, [reason.code.value for reason in result.reasons]


def _figure(name: str, accepted: list[bool], wanted: int | None = None) -> Figure:
    return Figure(part=PART, name=name, count=sum(accepted), of=len(accepted), at_least=wanted)
