"""Verifications with sane values, so that a test shows only what matters to it."""

from dataclasses import replace
from typing import Any

from support.builders import PLACE, at

from inference_server.domain.case import CaseId
from inference_server.domain.frame import sha256_of
from inference_server.domain.observation import Box
from inference_server.domain.verdict import (
    CaseFacts,
    PairResult,
    PhotoFacts,
    SeenBox,
    Side,
    Verdict,
    VerificationId,
    VerificationRequest,
)
from inference_server.domain.verification import Answer, Closing, Gate, GateResult, Reason, ReasonCode
from inference_server.domain.verification_record import HumanAnswer, HumanSays, VerificationRecord, VerificationState

BEFORE, AFTER = sha256_of(b"before"), sha256_of(b"after")
BOX = Box(x1=10.0, y1=20.0, x2=110.5, y2=80.0)


def case_facts(**changes: Any) -> CaseFacts:
    """A heap of garbage in the West Lake district, by the case system's own number."""
    facts = CaseFacts(
        number="HZ-1",
        standard="GB/T 47678.5-2026",
        kind="matter",
        code="06010",
        district="330106",
        position=PLACE,
        dispatched_at=at(0),
    )
    return replace(facts, **changes)


def photo_facts() -> tuple[PhotoFacts, PhotoFacts]:
    """One photograph of each side."""
    before = PhotoFacts(sha256=BEFORE, side=Side.BEFORE, taken_at=at(-60), position=PLACE, regions=(BOX,))
    return before, PhotoFacts(sha256=AFTER, side=Side.AFTER, taken_at=at(3600), device="phone-7")


def request(key: str = "key-1", **changes: Any) -> VerificationRequest:
    """A question with its case inline."""
    asked = VerificationRequest(
        key=key, caller="caller", body_sha256=sha256_of(key.encode()), case=case_facts(), photos=photo_facts()
    )
    return replace(asked, **changes)


def verdict(number: int = 1, **changes: Any) -> Verdict:
    """A closing of a heap of garbage, with a weak suspicion."""
    gates = tuple(GateResult(gate=gate, answer=Answer.PASS, score=0.9, measures={"inliers": 40.0}) for gate in Gate)
    pair = PairResult(before=BEFORE, after=AFTER, gates=gates[1:], region=BOX, region_after=((1.0, 2.0), (3.0, 4.0)))
    made = Verdict(
        id=VerificationId(f"verification-{number}"),
        key=f"key-{number}",
        case_id=None,
        case=case_facts(),
        band=request().band,
        decision=Closing.CLOSE,
        proposed=Closing.CLOSE,
        probability=0.97,
        close_at=0.5,
        sub_scores=dict.fromkeys(Gate, 0.9),
        gates=gates,
        reasons=(Reason(ReasonCode.SPOT_CHECK, {"share": 0.03}),),
        photos=photo_facts(),
        pairs=(pair,),
        best=0,
        boxes=(SeenBox(side=Side.BEFORE, sha256=BEFORE, class_name="garbage", score=0.7, box=BOX),),
        versions={"model": "fixed 1"},
        evidence_hash="e" * 64,
        created_at=at(3700),
        milliseconds=512.5,
    )
    return replace(made, **changes)


def record(
    number: int = 1, *, case_id: CaseId | None = None, says: HumanSays | None = None, **changes: Any
) -> VerificationRecord:
    """A verification that is done; `changes` are of its verdict. `says`: a person has answered it."""
    asked = request(f"key-{number}", case_id=case_id)
    answer = None
    if says is not None:
        answer = HumanAnswer(says=says, by="operator:wang", at=at(4000 + number), is_blind=True)
    return VerificationRecord(
        id=VerificationId(f"verification-{number}"),
        request=asked,
        state=VerificationState.DONE,
        created_at=at(3700 + number),
        verdict=verdict(number, case_id=case_id, **changes),
        answer=answer,
    )


def waiting(number: int = 1, **changes: Any) -> VerificationRecord:
    """A verification that is to be answered by a callback."""
    return VerificationRecord(
        id=VerificationId(f"verification-{number}"),
        request=request(f"key-{number}", callback_url="https://example.org/answers", **changes),
        state=VerificationState.WAITING,
        created_at=at(3700 + number),
    )
