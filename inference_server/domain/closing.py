"""Close, rework, a person, or another photograph: what follows from the three gates and from what a city allows."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from inference_server.domain.bounds import upper_bound
from inference_server.domain.calibration import Calibration
from inference_server.domain.closing_rules import ClosingRules, covers
from inference_server.domain.verification import WORKING_POINT, Answer, Closing, Gate, GateResult, Reason, ReasonCode

_SURER = 0.1  # the band `strict` asks for a tenth of the target
# Another photograph would help.
_PHOTO_FAULTS = frozenset(
    {
        ReasonCode.MISSING_PHOTO,
        ReasonCode.MISSING_TIME,
        ReasonCode.MISSING_POSITION,
        ReasonCode.PHOTO_UNREADABLE,
        ReasonCode.BLUR,
        ReasonCode.DARK,
        ReasonCode.OCCLUDED,
        ReasonCode.VIEW_TOO_DIFFERENT,
        ReasonCode.PLACE_NOT_VISIBLE,
        ReasonCode.PROBLEM_HIDDEN,
    }
)
# The handler has more to do.
_WORK_LEFT = frozenset(
    {
        ReasonCode.PROBLEM_REMAINS,
        ReasonCode.PROBLEM_PARTLY_REMAINS,
        ReasonCode.PROBLEM_MOVED,
        ReasonCode.NO_VISIBLE_CHANGE,
    }
)


class RiskBand(StrEnum):
    """How careful the case system wants us to be with this one case."""

    STANDARD = "standard"
    STRICT = "strict"
    HUMAN = "human"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What the case is about, as far as closing goes. `code` is of GB/T 47678.5-2026; None: it has no counterpart."""

    code: str | None
    is_safety: bool
    district: str | None = None
    band: RiskBand = RiskBand.STANDARD
    classes: tuple[str, ...] = ()  # the detector's, that stand for the code


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """Blind checks of proposed closings: how many were answered, how many were wrong."""

    answered: int = 0
    wrong: int = 0

    @property
    def bound(self) -> float:
        """Upper bound of the wrong share."""
        return upper_bound(self.wrong, self.answered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """What stands against closing right now, beyond the policy: a switch that a person threw, and blind checks."""

    thrown: tuple[str, ...] = ()  # scopes, as in ClosingRules
    checks: Checks = Checks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """The decision. `proposed` is what the gates alone lead to; `decision` what the city allows of it."""

    proposed: Closing
    decision: Closing
    probability: float
    close_at: float | None
    reasons: tuple[Reason, ...]
    is_spot_check: bool = False


def propose(gates: Mapping[Gate, GateResult]) -> Closing:
    """What the gates lead to, in their order; a gate that was not asked counts as one that cannot tell.

    A suspicion of forgery leads to a person. Only a problem that was found in the same place leads back to the handler.
    """
    for gate in Gate:
        result = gates.get(gate)
        if result is not None and result.answer is Answer.PASS:
            continue
        codes = {reason.code for reason in result.reasons} if result is not None else set()
        if gate is Gate.PROBLEM_GONE and result is not None and result.answer is Answer.FAIL and codes & _WORK_LEFT:
            return Closing.REWORK
        if codes and codes <= _PHOTO_FAULTS:
            return Closing.NEED_PHOTO
        return Closing.HUMAN
    return Closing.CLOSE


def weakest_score(gates: Mapping[Gate, GateResult]) -> float:
    """The lowest score of the three gates; 0 where one was not asked."""
    return min(gates[gate].score if gate in gates else 0.0 for gate in Gate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decider:
    """The rules of a city and what its scores are worth."""

    rules: ClosingRules
    calibration: Calibration

    def decide(self, key: str, gates: Mapping[Gate, GateResult], matter: Matter, switches: Switches) -> Decided:
        """The decision; `key` names the verification and seeds the sample of blind checks."""
        weakest = weakest_score(gates)
        table = self.calibration.table(matter.code or "")
        close_at = self.close_at(matter)
        proposed = propose(gates)
        reasons = [reason for gate in Gate if gate in gates for reason in gates[gate].reasons]
        against = self._against(proposed, matter, switches)
        if proposed is Closing.CLOSE and (close_at is None or weakest < close_at):
            proposed = Closing.HUMAN
            if self.rules.is_listed(matter.code or ""):
                low = Reason(ReasonCode.LOW_PROBABILITY, _measures(weakest, close_at, table.not_fixed))
                against = [low, *against]
        is_stopped = bool(against) and (proposed is Closing.CLOSE or matter.is_safety)
        decision = Closing.HUMAN if is_stopped else proposed
        is_spot = decision is Closing.CLOSE and is_spot_checked(key, self.rules)
        if is_spot:
            against.append(Reason(ReasonCode.SPOT_CHECK, {"share": self.rules.spot_share}))
        return Decided(
            proposed=proposed,
            decision=decision,
            probability=table.probability(weakest),
            close_at=close_at,
            reasons=(*reasons, *against),
            is_spot_check=is_spot,
        )

    def close_at(self, matter: Matter) -> float | None:
        """The weakest score from which a case may be closed; None where no score is enough."""
        if self.rules.is_open_to_all:
            return WORKING_POINT
        if matter.band is RiskBand.HUMAN or matter.code is None:
            return None
        target = self.rules.target(matter.code) * (_SURER if matter.band is RiskBand.STRICT else 1.0)
        return self.calibration.table(matter.code).close_at(target)

    def _against(self, proposed: Closing, matter: Matter, switches: Switches) -> list[Reason]:
        """What stands against acting without a person."""
        if self.rules.is_open_to_all:
            return []
        if matter.is_safety:
            return [Reason(ReasonCode.HIGH_RISK_CLASS)]
        if proposed is not Closing.CLOSE:
            return []
        return against_closing(self.rules, matter, switches)


def against_closing(rules: ClosingRules, matter: Matter, switches: Switches) -> list[Reason]:
    """What stands against closing a case of this matter without a person, whatever the proof; empty: nothing."""
    code, district, checks = matter.code or "", matter.district, switches.checks
    if matter.is_safety:
        return [Reason(ReasonCode.HIGH_RISK_CLASS)]
    if not rules.is_listed(code):
        return [Reason(ReasonCode.CLASS_NOT_AUTOCLOSABLE)]
    if rules.is_off(code, district) or covers(switches.thrown, code, district):
        return [Reason(ReasonCode.CLOSING_SWITCHED_OFF)]
    if is_too_wrong(checks, rules):
        told = {"wrong": float(checks.wrong), "checked": float(checks.answered), "upper_bound": checks.bound}
        return [Reason(ReasonCode.CLOSING_SWITCHED_OFF, {**told, "limit": rules.spot_limit})]
    if rules.is_in_shadow(code, district):
        return [Reason(ReasonCode.SHADOW_MODE)]
    return []


def is_too_wrong(checks: Checks, rules: ClosingRules) -> bool:
    """Whether blind checks switch closing off: the upper bound is over the limit, or one of the first was wrong."""
    if checks.answered < rules.spot_min_checks:
        return checks.wrong > 0
    return checks.bound > rules.spot_limit


def is_spot_checked(key: str, rules: ClosingRules) -> bool:
    """Whether the seeded sample takes a closing: the same key always gives the same answer."""
    digest = hashlib.sha256(f"{rules.spot_seed}|{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < rules.spot_share * 2.0**64


def _measures(weakest: float, close_at: float | None, counted: int) -> dict[str, float]:
    known = {} if close_at is None else {"close_at": close_at}
    return {"weakest": weakest, "counted": float(counted), **known}
