"""What one check of authenticity says, and how many of them become one answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from inference_server.domain.verification import WORKING_POINT, Answer, Gate, GateResult, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What one check says: it objects, with a reason, where `score`, 0..1, lies under WORKING_POINT.

    `is_certain`: what it found is a fact (these bytes, this time) and no suspicion.
    """

    score: float
    reasons: tuple[Reason, ...] = ()
    is_certain: bool = False
    measures: Mapping[str, float] = field(default_factory=dict)

    @property
    def objects(self) -> bool:
        """Whether the photograph does not pass this check."""
        return self.score < WORKING_POINT


NO_OBJECTION = Check(score=1.0)


def certain(*reasons: Reason) -> Check:
    """An objection that rests on facts."""
    return Check(score=0.0, reasons=reasons, is_certain=True)


def judged(checks: Sequence[Check]) -> GateResult:
    """All checks as one answer: the lowest score counts; suspicions alone are `cannot_tell`, for a person to decide."""
    objecting = [check for check in checks if check.objects]
    answer = Answer.PASS
    if objecting:
        answer = Answer.FAIL if any(check.is_certain for check in objecting) else Answer.CANNOT_TELL
    return GateResult(
        gate=Gate.AUTHENTIC,
        answer=answer,
        score=min((check.score for check in checks), default=1.0),
        reasons=tuple(reason for check in objecting for reason in check.reasons),
        measures={name: value for check in checks for name, value in check.measures.items()},
    )
