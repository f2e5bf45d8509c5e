"""Pairs where the problem is still there: nothing may be closed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from inference_server.domain.verification import Answer, Closing, Gate
from verify_parts import casting
from verify_parts.figures import Figure
from verify_parts.lines import write_lines
from verify_parts.listed import of_listed_codes
from verify_parts.staged import TWO_EXPOSURES
from verify_parts.verifying import Verdict, verdict
from verify_parts.work import Work, say

PART = "remains"
_MOST = 320
_GONE_ALONE = 0.01


def run(work: Work) -> Iterator[Figure]:
    """Closed by all gates, and called gone by the third one alone; by kind; then why it was not closed."""
    pairs = casting.remains(work, work.sample or _MOST)
    verdicts = list(work.spread(verdict, pairs, PART))
    write_lines(work, PART, verdicts)
    for one in verdicts:
        if one.gone_alone is Closing.CLOSE:
            say(f"  called gone at {one.gates[Gate.PROBLEM_GONE].score:.2f} ({one.pair.kind}): {one.pair.name}")
    yield _figure("closed", verdicts, [one.closes for one in verdicts], at_most=0)
    listed = of_listed_codes(verdicts)
    yield _figure("closed, of listed codes", listed, [one.closes for one in listed])
    called = [one.gone_alone is Closing.CLOSE for one in verdicts]
    yield _figure("called gone by the third gate alone", verdicts, called, at_most=_GONE_ALONE)
    two = [one for one in verdicts if one.pair.kind in TWO_EXPOSURES]
    yield _figure("... of two exposures", two, [one.gone_alone is Closing.CLOSE for one in two])
    for kind in sorted({one.pair.kind for one in verdicts}):
        of_kind = [one for one in verdicts if one.pair.kind == kind]
        yield _figure(f"... {kind}", of_kind, [one.gone_alone is Closing.CLOSE for one in of_kind])
    passed = [one.gates[Gate.SAME_SCENE].answer is Answer.PASS for one in verdicts]
    yield _figure("accepted as the same scene", verdicts, passed)


def _figure(name: str, verdicts: Sequence[Verdict], hits: Sequence[bool], at_most: float | None = None) -> Figure:
    said = Counter(_said(one) for one in verdicts)
    more = {"third_gate": dict(said.most_common())}
    return Figure(part=PART, name=name, count=sum(hits), of=len(verdicts), at_most=at_most, more=more)


def _said(one: Verdict) -> str:
    gone = one.gates[Gate.PROBLEM_GONE]
    return " ".join([gone.answer.value, *(reason.code.value for reason in gone.reasons)])
