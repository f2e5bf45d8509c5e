"""The receiver's errors have the statistics they are said to have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from patrol.simulate.gnss import Receiver, drifting, heading_errors, lost


@pytest.fixture(scope="module")
def errors() -> np.ndarray:
    """Long series of errors at 1 Hz: (series, seconds, axes)."""
    rng = np.random.default_rng(1)
    moments = np.arange(1500.0)
    return np.stack([drifting(rng, moments, 2.0, 30.0) for _ in range(60)])


def test_each_axis_has_the_stated_deviation_from_the_first_second_on(errors: np.ndarray):
    assert errors.std() == pytest.approx(2.0, rel=0.05)
    assert errors[:, 0].std() == pytest.approx(2.0, rel=0.2)
    assert errors.mean() == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize("lag_s", [1, 10, 30, 60])
def test_the_correlation_falls_off_with_the_time_constant(errors: np.ndarray, lag_s: int):
    product = (errors[:, lag_s:] * errors[:, :-lag_s]).mean()
    assert product / 4.0 == pytest.approx(np.exp(-lag_s / 30.0), abs=0.06)


def test_the_axes_are_independent(errors: np.ndarray):
    assert (errors[..., 0] * errors[..., 1]).mean() / 4.0 == pytest.approx(0.0, abs=0.05)


def test_uneven_steps_keep_the_deviation():
    rng = np.random.default_rng(2)
    moments = np.cumsum(rng.exponential(1.5, 20000))
    assert drifting(rng, moments, 2.0, 30.0).std() == pytest.approx(2.0, rel=0.08)


def test_the_reported_radius_holds_68_per_cent_of_the_errors(errors: np.ndarray):
    receiver = Receiver(sigma_m=2.0)
    assert receiver.accuracy_m == pytest.approx(1.515 * 2.0, abs=0.01)
    inside = np.hypot(errors[..., 0], errors[..., 1]) < receiver.accuracy_m
    assert inside.mean() == pytest.approx(0.683, abs=0.02)


def test_the_heading_error_is_three_degrees_in_all_and_partly_constant_in_a_pass():
    rng = np.random.default_rng(3)
    passes = np.stack([heading_errors(rng, 200, Receiver()) for _ in range(400)])
    assert passes.std() == pytest.approx(3.0, rel=0.06)
    assert passes.mean(axis=1).std() == pytest.approx(3.0 * np.sqrt(0.5), rel=0.12)
    assert (passes - passes.mean(axis=1, keepdims=True)).std() == pytest.approx(3.0 * np.sqrt(0.5), rel=0.05)


def test_outages_come_as_often_and_last_as_long_as_stated():
    rng = np.random.default_rng(4)
    moments = np.arange(0, 60 * 600, 0.5)
    gone = lost(rng, moments, Receiver(outages_per_min=0.5, outage_s=(3.0, 10.0)))
    starts = int(np.count_nonzero(np.diff(gone.astype(int)) == 1))
    assert starts == pytest.approx(600 * 0.5 / (1 + 0.5 * 6.5 / 60), rel=0.2)
    assert gone.sum() * 0.5 / starts == pytest.approx(6.5, rel=0.15)


def test_no_outages_when_none_are_wanted():
    never = replace(Receiver(), outages_per_min=0.0)
    assert not lost(np.random.default_rng(5), np.arange(1000.0), never).any()
