"""Two picture files and no record: the same gates and the same decision, for the command line and for measuring."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from detector.picture_errors import PictureError
from inference_server.closure.judging import Judge, Judged, Opened, Question, judged_of
from inference_server.domain.closing import Decided, Decider, Matter, Switches, propose
from inference_server.domain.frame import sha256_of
from inference_server.domain.observation import Box
from inference_server.domain.verdict import PhotoFacts, Side
from inference_server.domain.verification import Answer, Closing, Gate, GateResult, Reason, ReasonCode


@dataclass(frozen=True, slots=True, eq=False)
class PairVerdict:
    """What became of one pair of files, and how long it took."""

    judged: Judged
    decided: Decided
    milliseconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PairVerifier:
    """Verifies pairs of files as cases of one matter. Every gate is asked, whatever the one before says."""

    judge: Judge
    decider: Decider
    matter: Matter

    def verify(self, before: bytes, after: bytes, regions: Sequence[Box] = ()) -> PairVerdict:
        """The verdict. regions: of the problem, in pixels of the photograph before; none: the detector looks for it."""
        started_s = time.perf_counter()
        opened: list[Opened] = []
        faults: list[tuple[Side, Reason]] = []
        for side, data in ((Side.BEFORE, before), (Side.AFTER, after)):
            facts = PhotoFacts(sha256=sha256_of(data), side=side)
            facts = replace(facts, regions=tuple(regions)) if side is Side.BEFORE else facts
            try:
                opened.append(self.judge.open(facts, data))
            except PictureError:
                faults.append((side, Reason(ReasonCode.PHOTO_UNREADABLE)))
        question = Question(classes=self.matter.classes, asks_all=True)
        judged = judged_of(self.judge, opened, faults, question)
        key = f"{sha256_of(before)}{sha256_of(after)}"
        decided = self.decider.decide(key, judged.gates, self.matter, Switches())
        return PairVerdict(judged, decided, (time.perf_counter() - started_s) * 1000.0)


def alone(gates: Mapping[Gate, GateResult]) -> dict[Gate, Closing]:
    """What each gate would lead to with the other two switched off."""
    passed = {gate: GateResult(gate=gate, answer=Answer.PASS, score=1.0) for gate in Gate}
    silent = Closing.HUMAN
    return {gate: propose({**passed, gate: gates[gate]}) if gate in gates else silent for gate in Gate}
