"""A verification as it is kept: the question, the verdict, and what people said of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from inference_server.domain.case import CaseId
from inference_server.domain.closing import Checks, Switches, is_too_wrong
from inference_server.domain.closing_rules import ClosingRules
from inference_server.domain.reach import WHOLE_CITY, Reach
from inference_server.domain.verdict import Verdict, VerificationId, VerificationRequest
from inference_server.domain.verification import Closing

LATEST_CHECKS = 1000  # so many count: a city that has mended something need not wait for its past to fade


class VerificationState(StrEnum):
    """How far a verification is."""

    WAITING = "waiting"  # accepted, to be answered by a callback
    DONE = "done"
    FAILED = "failed"  # it could not be answered: the case had moved on


class HumanSays(StrEnum):
    """What a person sees in the photographs."""

    FIXED = "fixed"
    NOT_FIXED = "not_fixed"


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanAnswer:
    """A person's answer. Blind: it was given before the machine's was shown."""

    says: HumanSays
    by: str
    at: datetime
    is_blind: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationRecord:
    """One row of the record. `fault` says why a verification failed."""

    id: VerificationId
    request: VerificationRequest
    state: VerificationState
    created_at: datetime
    verdict: Verdict | None = None
    answer: HumanAnswer | None = None
    fault: str | None = None

    @property
    def awaits_person(self) -> bool:
        """Whether it stands in the queue of the console: decided by nobody yet, or picked for a blind check."""
        if self.verdict is None or self.answer is not None:
            return False
        return self.verdict.decision is Closing.HUMAN or self.verdict.is_spot_check


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeChecks:
    """Checks of proposed closings of one code in one district."""

    code: str
    district: str | None
    checks: Checks


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """A scope of closing (`06010`, `*@330106`) that a person has switched off or on again."""

    scope: str
    is_off: bool
    why: str
    by: str
    at: datetime


def switches_of(lines: Sequence[Switch], checks: Sequence[CodeChecks], rules: ClosingRules) -> Switches:
    """What stands against closing: thrown switches, and the checks that speak worst."""
    found = [one.checks for one in checks]
    bad = [one for one in found if is_too_wrong(one, rules)]
    return Switches(thrown=tuple(one.scope for one in lines if one.is_off), checks=(bad or found)[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationFilter:
    """Which verifications to list, oldest first; None means any."""

    awaits_person: bool | None = None
    case_id: CaseId | None = None
    states: Sequence[VerificationState] = ()
    after: VerificationId | None = None
    limit: int = 100
    reach: Reach = WHOLE_CITY


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduced:
    """A verdict made again from its record. `differences` has what is not the same, old and new."""

    id: VerificationId
    differences: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)

    @property
    def is_same(self) -> bool:
        """Whether nothing that decides is different."""
        return not self.differences
