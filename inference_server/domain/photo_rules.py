"""When and where an after-photo must have been taken, and by what."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from inference_server.domain.geo import LatLon, distance_m
from inference_server.domain.verification import Reason, ReasonCode

# Of errors that are equal along both axes the radius that holds a share p is sigma * sqrt(-2 ln(1 - p)) (Rayleigh):
# from the 68 % of an accuracy to the 95 % beyond which nobody can say that the errors explain it.
_TO_95_PERCENT: Final = math.sqrt(math.log(1.0 - 0.95) / math.log(1.0 - 0.68))
_DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoClaim:
    """What is said about a photograph: by its sender, not by its pixels. None means: not said."""

    taken_at: datetime | None = None
    position: LatLon | None = None
    accuracy_m: float | None = None  # radius that holds 68 % of the errors
    device: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoLimits:
    """What the city asks of an after-photo. Clocks may differ by `clock_slack_s`."""

    max_distance_m: float = 50.0  # beyond what the errors of both positions explain
    default_accuracy_m: float = 15.0
    most_accuracy_m: float = 100.0  # a vaguer position says nothing about the place
    clock_slack_s: float = 120.0
    same_hour_slack_s: float = 3_600.0
    demand_time: bool = False
    demand_position: bool = False
    known_devices: frozenset[str] | None = None  # None: any device may send, also one that is not named
    barred_devices: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoPlan:
    """When and where the work was to be done; what is None limits nothing.

    `answered_at` is when the handler reported it fixed, `same_hour_as` a moment whose time of day counts: a stall that
    stands there every evening is not gone because the place is empty at noon. `accuracy_m` is of the case's position.
    """

    dispatched_at: datetime | None = None
    answered_at: datetime | None = None
    window: tuple[datetime, datetime] | None = None
    same_hour_as: datetime | None = None
    position: LatLon | None = None
    accuracy_m: float = 0.0


def photo_faults(claim: PhotoClaim, plan: PhotoPlan, limits: PhotoLimits) -> list[Reason]:
    """What is wrong with time, place and device of an after-photo; empty where nothing is."""
    return [*_time_faults(claim, plan, limits), *_place_faults(claim, plan, limits), *_device_faults(claim, limits)]


def _time_faults(claim: PhotoClaim, plan: PhotoPlan, limits: PhotoLimits) -> list[Reason]:
    if claim.taken_at is None:
        return [Reason(ReasonCode.MISSING_TIME)] if limits.demand_time else []
    faults = []
    if plan.dispatched_at is not None:
        early_s = (plan.dispatched_at - claim.taken_at).total_seconds()
        if early_s > limits.clock_slack_s:
            faults.append(Reason(ReasonCode.TIME_BEFORE_DISPATCH, {"early_s": early_s}))
    outside_s = _outside_s(claim.taken_at, plan)
    if outside_s > limits.clock_slack_s:
        faults.append(Reason(ReasonCode.TIME_OUTSIDE_WINDOW, {"outside_s": outside_s}))
    if plan.same_hour_as is not None:
        apart_s = (claim.taken_at - plan.same_hour_as).total_seconds() % _DAY_S
        apart_s = min(apart_s, _DAY_S - apart_s)
        if apart_s > limits.same_hour_slack_s:
            faults.append(Reason(ReasonCode.TIME_OUTSIDE_WINDOW, {"time_of_day_apart_s": apart_s}))
    return faults


def _outside_s(taken_at: datetime, plan: PhotoPlan) -> float:
    """By how many seconds a photograph misses the window or is younger than the answer it belongs to; else <= 0."""
    first, last = plan.window or (None, None)
    too_early_s = [(first - taken_at).total_seconds()] if first else []
    return max([0.0, *too_early_s, *((taken_at - end).total_seconds() for end in (last, plan.answered_at) if end)])


def _place_faults(claim: PhotoClaim, plan: PhotoPlan, limits: PhotoLimits) -> list[Reason]:
    accuracy_m = limits.default_accuracy_m if claim.accuracy_m is None else claim.accuracy_m
    if claim.position is None or accuracy_m > limits.most_accuracy_m:
        return [Reason(ReasonCode.MISSING_POSITION)] if limits.demand_position else []
    if plan.position is None:
        return []
    away_m = distance_m(plan.position, claim.position)
    errors_m = _TO_95_PERCENT * math.hypot(accuracy_m, plan.accuracy_m)
    if away_m <= limits.max_distance_m + errors_m:
        return []
    return [Reason(ReasonCode.TOO_FAR, {"distance_m": away_m, "errors_m": errors_m})]


def _device_faults(claim: PhotoClaim, limits: PhotoLimits) -> list[Reason]:
    is_unknown = limits.known_devices is not None and claim.device not in limits.known_devices
    if not is_unknown and claim.device not in limits.barred_devices:
        return []
    return [Reason(ReasonCode.DEVICE_NOT_ALLOWED)]
