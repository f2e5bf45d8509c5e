"""When and where an after-photo must have been taken, and by what."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from inference_server.domain.geo import LatLon, LocalPlane
from inference_server.domain.photo_rules import PhotoClaim, PhotoLimits, PhotoPlan, photo_faults
from inference_server.domain.verification import ReasonCode

DISPATCHED = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
PLACE = LatLon(30.27, 120.15)
PLAN = PhotoPlan(dispatched_at=DISPATCHED, position=PLACE)
LIMITS = PhotoLimits(clock_slack_s=60.0, max_distance_m=50.0)


def metres_east(metres: float) -> LatLon:
    """A position that far east of the case."""
    return LocalPlane(PLACE).latlon((metres, 0.0))  # type: ignore[arg-type]


def codes(claim: PhotoClaim, plan: PhotoPlan = PLAN, limits: PhotoLimits = LIMITS) -> list[ReasonCode]:
    """The reasons against a photograph."""
    return [fault.code for fault in photo_faults(claim, plan, limits)]


def test_a_photograph_of_then_and_there_is_not_objected_to() -> None:
    claim = PhotoClaim(taken_at=DISPATCHED + timedelta(hours=3), position=metres_east(20), accuracy_m=8.0, device="d")
    assert codes(claim) == []


def test_nothing_said_is_nothing_wrong_unless_it_is_demanded() -> None:
    assert codes(PhotoClaim()) == []
    demanding = replace(LIMITS, demand_time=True, demand_position=True)
    assert codes(PhotoClaim(), limits=demanding) == [ReasonCode.MISSING_TIME, ReasonCode.MISSING_POSITION]


@pytest.mark.parametrize(
    ("offset_s", "wrong"),
    [
        pytest.param(-61.0, True, id="more than the slack before dispatch"),
        pytest.param(-60.0, False, id="just within the slack"),
        pytest.param(0.0, False, id="at the dispatch"),
    ],
)
def test_a_photograph_from_before_the_dispatch_proves_nothing(offset_s: float, wrong: bool) -> None:
    claim = PhotoClaim(taken_at=DISPATCHED + timedelta(seconds=offset_s))
    assert codes(claim) == ([ReasonCode.TIME_BEFORE_DISPATCH] if wrong else [])


@pytest.mark.parametrize(
    ("hours", "outside_s"),
    [
        pytest.param(0.5, 1800.0, id="before the window"),
        pytest.param(1.0, None, id="at its first moment"),
        pytest.param(2.0, None, id="at its last moment"),
        pytest.param(2.5, 1800.0, id="after the window"),
    ],
)
def test_a_window_holds_at_both_ends(hours: float, outside_s: float | None) -> None:
    window = (DISPATCHED + timedelta(hours=1), DISPATCHED + timedelta(hours=2))
    faults = photo_faults(
        PhotoClaim(taken_at=DISPATCHED + timedelta(hours=hours)), replace(PLAN, window=window), LIMITS
    )
    found = [(fault.code, dict(fault.measures)) for fault in faults]
    assert found == ([] if outside_s is None else [(ReasonCode.TIME_OUTSIDE_WINDOW, {"outside_s": outside_s})])


def test_a_photograph_cannot_be_younger_than_the_answer_it_came_with() -> None:
    plan = replace(PLAN, answered_at=DISPATCHED + timedelta(hours=1))
    assert codes(PhotoClaim(taken_at=DISPATCHED + timedelta(hours=2)), plan) == [ReasonCode.TIME_OUTSIDE_WINDOW]


@pytest.mark.parametrize(
    ("hours_later", "wrong"),
    [
        pytest.param(24.5, False, id="next day at about the same hour"),
        pytest.param(23.5, False, id="a little earlier the next day"),
        pytest.param(36.0, True, id="at midday instead of midnight"),
    ],
)
def test_what_stands_there_in_the_evening_is_looked_for_in_the_evening(hours_later: float, wrong: bool) -> None:
    plan = replace(PLAN, same_hour_as=DISPATCHED)
    claim = PhotoClaim(taken_at=DISPATCHED + timedelta(hours=hours_later))
    assert codes(claim, plan) == ([ReasonCode.TIME_OUTSIDE_WINDOW] if wrong else [])


@pytest.mark.parametrize(
    ("away_m", "accuracy_m", "case_accuracy_m", "wrong"),
    [
        pytest.param(49.0, 0.0, 0.0, False, id="near"),
        pytest.param(51.0, 0.0, 0.0, True, id="too far, and exact"),
        pytest.param(70.0, 15.0, 0.0, False, id="the photograph's error may explain it"),
        pytest.param(70.0, 0.0, 15.0, False, id="the case's error may explain it"),
        pytest.param(90.0, 15.0, 15.0, True, id="too far for both errors"),
        pytest.param(5000.0, 101.0, 0.0, False, id="too vague to say anything"),
    ],
)
def test_a_distance_counts_beyond_the_errors_of_both_positions(
    away_m: float, accuracy_m: float, case_accuracy_m: float, wrong: bool
) -> None:
    claim = PhotoClaim(position=metres_east(away_m), accuracy_m=accuracy_m)
    assert codes(claim, replace(PLAN, accuracy_m=case_accuracy_m)) == ([ReasonCode.TOO_FAR] if wrong else [])


def test_the_distance_and_the_errors_are_told() -> None:
    (fault,) = photo_faults(PhotoClaim(position=metres_east(200), accuracy_m=10.0), PLAN, LIMITS)
    assert fault.measures["distance_m"] == pytest.approx(200.0, abs=0.1)
    assert fault.measures["errors_m"] == pytest.approx(10.0 * math.sqrt(math.log(0.05) / math.log(0.32)))


def test_a_position_without_accuracy_has_the_usual_one() -> None:
    claim = PhotoClaim(position=metres_east(70))
    assert codes(claim) == []
    assert codes(claim, limits=replace(LIMITS, default_accuracy_m=5.0)) == [ReasonCode.TOO_FAR]


def test_a_case_without_a_position_limits_no_place() -> None:
    assert codes(PhotoClaim(position=metres_east(9000), accuracy_m=1.0), replace(PLAN, position=None)) == []


def test_devices_may_be_listed_or_barred() -> None:
    listed, barred = replace(LIMITS, known_devices=frozenset({"a"})), replace(LIMITS, barred_devices=frozenset({"b"}))
    assert codes(PhotoClaim(device="a"), limits=listed) == []
    assert codes(PhotoClaim(device="b"), limits=listed) == [ReasonCode.DEVICE_NOT_ALLOWED]
    assert codes(PhotoClaim(), limits=listed) == [ReasonCode.DEVICE_NOT_ALLOWED]
    assert codes(PhotoClaim(device="b"), limits=barred) == [ReasonCode.DEVICE_NOT_ALLOWED]
    assert codes(PhotoClaim(), limits=barred) == []
