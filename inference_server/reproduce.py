"""A verdict made again from its record: the same photographs, facts and rules must say the same."""

import math
from dataclasses import dataclass, replace
from typing import Any

from inference_server.closure.answer_document import answer_document
from inference_server.closure.assembling import Asked, assembled, evidence_hash
from inference_server.closure.judging import judged_of
from inference_server.domain.closing import Switches
from inference_server.domain.errors import BadInput
from inference_server.domain.verdict import Verdict, VerificationId
from inference_server.domain.verification_record import Reproduced, VerificationRecord
from inference_server.verify import Verification, question_of

_TOLERANCE = 1e-3  # other processors add up in another order
# What the photographs, the facts and the rules lead to. What stood against closing at that moment (switches, blind
# checks) is no part of it: `proposed` is compared, and not `decision`.
_COMPARED = ("proposed", "probability", "close_at", "sub_scores", "gates", "pairs", "best_pair", "boxes", "versions")


@dataclass(frozen=True, slots=True)
class Reproduction:
    """Makes verdicts again with the gates, rules and model of today."""

    verification: Verification

    def reproduce(self, wanted: VerificationId) -> Reproduced:
        """What is different; raises NotFound, and BadInput where there is no verdict yet."""
        record = self.verification.verifications.verification(wanted)
        if record.verdict is None:
            raise BadInput("there is no verdict yet", field="verification")
        again = self._again(record, record.verdict)
        differences: dict[str, tuple[Any, Any]] = {}
        if evidence_hash(record.verdict) != record.verdict.evidence_hash:
            differences["evidence_hash"] = (record.verdict.evidence_hash, evidence_hash(record.verdict))
        old, new = answer_document(record), answer_document(replace(record, verdict=again))
        for name in _COMPARED:
            if not _same(old[name], new[name]):
                differences[name] = (old[name], new[name])
        return Reproduced(id=wanted, differences=differences)

    def _again(self, record: VerificationRecord, verdict: Verdict) -> Verdict:
        one = self.verification
        judge = one.judge_now()
        opened, faults = one.open_photos(judge, verdict.photos)
        asked = Asked(
            id=verdict.id,
            at=verdict.created_at,
            request=record.request,
            case=verdict.case,
            photos=verdict.photos,
            uses=verdict.uses,
            versions={**one.versions, "model": judge.model_version},
        )
        matter = one.matters.matter(verdict.case, verdict.band)
        judged = judged_of(judge, opened, faults, question_of(asked, matter, one.photo_limits))
        decided = one.decider.decide(verdict.id, judged.gates, matter, Switches())
        return assembled(asked, judged, decided, one.evidence)


def _same(old: Any, new: Any) -> bool:
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(_same(old[key], new[key]) for key in old)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(_same(a, b) for a, b in zip(old, new, strict=True))
    if isinstance(old, float) and isinstance(new, float | int):
        return math.isclose(old, new, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
    return bool(old == new)
