"""What has changed on the street, and what is only chance."""

from datetime import date, timedelta

import numpy as np
import pytest

from inference_server.domain.drift import DriftFlag, DriftRules, WeekCounts, WeekKey, drift_report, is_large, psi

MONDAY = date(2026, 11, 16)
EVEN, LOW = [100] * 10, [400, 300, 100, 50, 50, 25, 25, 25, 15, 10]


def a_week(back: int = 0, device: str = "car-1", model: str = "old 1") -> WeekKey:
    """A week so many before the present one."""
    return WeekKey(week=MONDAY - timedelta(weeks=back), device=device, model_version=model)


def counts(by_bin: list[int], answers: int = 0, rejected: int = 0, **by_class: int) -> WeekCounts:
    named = by_class or {"garbage": sum(by_bin)}
    return WeekCounts(by_bin=list(by_bin), by_class=named, answers=answers, rejected=rejected)


def only(weeks: dict[WeekKey, WeekCounts]):
    (row,) = drift_report(weeks, MONDAY, DriftRules())
    return row


@pytest.mark.parametrize(
    ("now", "flags"),
    [
        pytest.param(counts(EVEN), (), id="the same"),
        pytest.param(counts(LOW), (DriftFlag.SCORES,), id="scores have sunk"),
        pytest.param(counts(EVEN, garbage=200, pothole=800), (DriftFlag.CLASSES,), id="other classes"),
        pytest.param(counts(EVEN, answers=50, rejected=40), (DriftFlag.REJECTIONS,), id="people reject more"),
        pytest.param(counts(EVEN, answers=3, rejected=2), (), id="too few answers to say so"),
        pytest.param(counts([5, 1, 0, 0, 0, 0, 0, 0, 0, 0]), (), id="too few detections to say so"),
    ],
)
def test_a_week_is_held_against_the_weeks_before(now: WeekCounts, flags: tuple[DriftFlag, ...]) -> None:
    before = counts(EVEN, answers=200, rejected=40)
    row = only({a_week(1): before, a_week(): now})
    assert (row.reference, row.flags) == ("device", flags)


def test_another_model_is_no_drift_and_a_new_device_is_held_against_the_fleet() -> None:
    assert only({a_week(1, model="new 1"): counts(LOW), a_week(): counts(EVEN)}).reference == "none"
    row = only({a_week(1, device="car-2"): counts(LOW), a_week(): counts(EVEN)})
    assert (row.reference, row.reference_detections, row.flags) == ("fleet", 1000, (DriftFlag.SCORES,))


def test_weeks_too_long_ago_do_not_count() -> None:
    assert only({a_week(5): counts(LOW), a_week(): counts(EVEN)}).reference == "none"


def test_the_index_agrees_with_its_distribution_under_no_change() -> None:
    """Yurdakul 2018: without a change, index / (1/n + 1/m) is about chi-square with bins - 1 degrees."""
    rng = np.random.default_rng(5)
    n, m, bins = 2000, 1000, 10
    drawn = [
        psi(rng.multinomial(n, [0.1] * bins), rng.multinomial(m, [0.1] * bins)) / (1 / n + 1 / m) for _ in range(2000)
    ]
    assert np.mean(drawn) == pytest.approx(bins - 1, rel=0.05)
    assert np.quantile(drawn, 0.95) == pytest.approx(16.92, rel=0.08)


def test_a_large_index_of_small_samples_is_chance() -> None:
    assert not is_large(0.3, 10, 40, 40)
    assert is_large(0.3, 10, 1000, 1000)
    assert not is_large(0.2, 10, 100000, 100000), "sure, but small"
