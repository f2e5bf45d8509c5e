"""Pairs where the problem is gone: how many are closed, and how many sent back to the handler?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from inference_server.domain.verification import Answer, Closing, Gate
from verify_parts import casting
from verify_parts.figures import Figure
from verify_parts.forgeries import said_of_edited
from verify_parts.lines import write_lines
from verify_parts.listed import of_listed_codes
from verify_parts.pairs import closure_pairs
from verify_parts.verifying import Verdict, verdict_asking_all
from verify_parts.work import Work

PART = "gone"
_MOST = 300
_CLOSED, _SENT_BACK = 0.5, 0.02


def run(work: Work) -> Iterator[Figure]:
    """Closed and sent back by all gates and by the third one alone; each gate's share; then the real pairs."""
    pairs = casting.gone(work, work.sample or _MOST)
    verdicts = list(work.spread(verdict_asking_all, pairs, PART))
    write_lines(work, PART, verdicts)
    yield _figure("closed", verdicts, [one.closes for one in verdicts], at_least=_CLOSED)
    listed = of_listed_codes(verdicts)
    yield _figure("closed, of listed codes", listed, [one.closes for one in listed])
    rework = [one.decided.decision is Closing.REWORK for one in verdicts]
    yield _figure("sent back for rework", verdicts, rework, at_most=_SENT_BACK)
    alone = [one.gone_alone is Closing.CLOSE for one in verdicts]
    yield _figure("called gone by the third gate alone", verdicts, alone, more=_third(verdicts))
    back = [one.gone_alone is Closing.REWORK for one in verdicts]
    yield _figure("sent back by the third gate alone", verdicts, back)
    for gate in (Gate.AUTHENTIC, Gate.SAME_SCENE):
        passed = [one.gates[gate].answer is Answer.PASS for one in verdicts]
        yield _figure(f"passes {gate.value} alone", verdicts, passed)
    for source in sorted({one.pair.before.parent.name for one in verdicts}):
        here = [one for one in verdicts if one.pair.before.parent.name == source]
        yield _figure(f"closed: {source}", here, [one.closes for one in here], more=_third(here))
    yield from _real_pairs(work)


def _real_pairs(work: Work) -> Iterator[Figure]:
    """The pairs of shared/closure, the detector to find the thing; nobody has said what it is."""
    said = list(work.spread(said_of_edited, closure_pairs("before_after"), f"{PART} real"))
    for decision in (Closing.CLOSE, Closing.REWORK):
        hits = sum(one.decision is decision for one in said)
        yield Figure(part=PART, name=f"real before_after pairs: {decision.value}", count=hits, of=len(said))


def _third(verdicts: Sequence[Verdict]) -> dict[str, dict[str, int]]:
    said: Counter[str] = Counter()
    for one in verdicts:
        gone = one.gates[Gate.PROBLEM_GONE]
        said[" ".join([gone.answer.value, *(reason.code.value for reason in gone.reasons)])] += 1
    return {"third_gate": dict(said.most_common())}


def _figure(
    name: str,
    verdicts: Sequence[Verdict],
    hits: Sequence[bool],
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    more: dict[str, dict[str, int]] | None = None,
) -> Figure:
    return Figure(
        part=PART, name=name, count=sum(hits), of=len(verdicts), at_least=at_least, at_most=at_most, more=more or {}
    )
