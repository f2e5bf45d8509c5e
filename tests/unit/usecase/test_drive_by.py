"""Patrol passes after a report: they confirm the fix, refuse it, or reopen what was closed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from support.drive import START
from support.street import Going, Standing, Street, a_street, shipped_policy

from inference_server.domain.closing_rules import ClosingRules
from inference_server.domain.drive_by import UNMEASURED_MISS_RATE, ClearPasses, miss_rate
from inference_server.domain.verification_record import Switch

HEAP = Standing(place=(5.0, 40.0))
GONE = replace(HEAP, until=100.0)
RULES = replace(shipped_policy().closing, miss_rates={"garbage": 0.06})


@contextmanager
def reported(folder: Path, *things: Standing, closing: ClosingRules = RULES) -> Iterator[Street]:
    """A street whose only case was filed in one pass and is reported fixed after 300 s."""
    policy = replace(shipped_policy(), closing=closing)
    with a_street(folder, list(things), policy=policy) as street:
        street.goes(Going())
        street.moves("dispatched", 200.0)
        street.moves("reported_fixed", 300.0)
        yield street


def later(number: int) -> Going:
    return Going(starts_s=600.0 * number)


def test_clear_passes_close_a_reported_fix_once_all_of_them_missing_it_is_unlikely(tmp_path: Path) -> None:
    with reported(tmp_path, GONE) as street:
        street.goes(later(1))
        assert (street.case().state, street.case().absences) == ("reported_fixed", 1)
        street.goes(later(2))
        case = street.case()
        assert case.state == "closed"
        line = street.record.store.history(case.id)[-1]
        assert line.reason == "drive-by: clear passes without it: 2, all missing it: 0.0036"


def test_a_pass_that_looks_twice_counts_once(tmp_path: Path) -> None:
    with reported(tmp_path, GONE) as street:
        street.goes(Going(starts_s=600.0, step_s=0.3))
        street.goes(Going(starts_s=618.0, step_s=0.3, southwards=True))
        assert street.case().state == "reported_fixed"


def test_clear_passes_before_the_report_prove_nothing(tmp_path: Path) -> None:
    policy = replace(shipped_policy(), closing=RULES)
    with a_street(tmp_path, [GONE], policy=policy) as street:
        street.goes(Going())
        street.moves("dispatched", 200.0)
        street.goes(later(1))
        street.goes(later(2))
        street.moves("reported_fixed", 1500.0)
        street.goes(later(3))
        assert (street.case().state, street.case().absences) == ("reported_fixed", 3)


def test_a_thing_that_is_still_there_goes_back_to_the_handler(tmp_path: Path) -> None:
    with reported(tmp_path, HEAP) as street:
        street.goes(later(1))
        case = street.case()
        assert case.state == "dispatched"
        line = street.record.store.history(case.id)[-1]
        assert line.by == "system"
        assert line.reason is not None
        assert line.reason.startswith("drive-by: seen again")


def test_a_closed_case_that_a_later_pass_sees_is_reopened(tmp_path: Path) -> None:
    back = replace(HEAP, since=1500.0)
    with reported(tmp_path, GONE, back) as street:
        street.goes(later(1))
        street.goes(later(2))
        assert street.case().state == "closed"
        street.goes(later(3))
        assert (street.case().state, street.case().reopened) == ("filed", 1)


@pytest.mark.parametrize(
    "closing",
    [
        pytest.param(replace(RULES, codes=("07001",)), id="a class that is not listed"),
        pytest.param(replace(RULES, off=("06010",)), id="a policy that switches it off"),
        pytest.param(replace(RULES, shadow=("*@330102",)), id="a district in shadow mode"),
    ],
)
def test_the_list_and_the_switches_hold_for_the_drive_by_too(tmp_path: Path, closing: ClosingRules) -> None:
    with reported(tmp_path, GONE, closing=closing) as street:
        street.goes(later(1))
        street.goes(later(2))
        assert (street.case().state, street.case().absences) == ("reported_fixed", 2)


def test_a_switch_thrown_by_hand_holds_for_the_drive_by(tmp_path: Path) -> None:
    with reported(tmp_path, GONE) as street:
        at = START + timedelta(seconds=400)
        off = Switch(scope="06010", is_off=True, why="complaints", by="operator:wang", at=at)
        street.record.verifications.throw(off)
        street.goes(later(1))
        street.goes(later(2))
        assert street.case().state == "reported_fixed"


def test_a_place_behind_a_bus_is_not_seen_clear(tmp_path: Path) -> None:
    buses = [Standing(place=(4.8, y), class_name="bus", since=500.0) for y in np.arange(32.0, 42.0, 0.5)]
    with reported(tmp_path, GONE, *buses) as street:
        street.goes(later(1))
        assert street.case().absences == 0


def test_a_thing_that_would_show_too_small_is_not_missed(tmp_path: Path) -> None:
    policy = shipped_policy()
    strict = replace(policy, absence=replace(policy.absence, min_size_px=200.0), closing=RULES)
    with a_street(tmp_path, [GONE], policy=strict) as street:
        street.goes(Going())
        street.goes(later(1))
        assert street.case().absences == 0


def test_the_miss_rate_is_the_policys_then_the_models_then_a_half() -> None:
    measured = {"garbage": 0.4, "graffiti": 0.7}
    assert miss_rate("garbage", RULES, measured) == 0.06
    assert miss_rate("graffiti", RULES, measured) == 0.7
    assert miss_rate("soil_heap", RULES, measured) == UNMEASURED_MISS_RATE


def test_the_product_of_the_miss_rates_decides() -> None:
    seven, eight = ClearPasses(passes=7, miss_rate=0.5), ClearPasses(passes=8, miss_rate=0.5)
    assert not seven.prove(RULES)
    assert eight.prove(RULES)
    assert not ClearPasses(passes=0, miss_rate=0.0).prove(RULES)
