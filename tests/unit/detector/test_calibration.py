"""Raw scores become probabilities by the tables of the card, class by class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.calibration import Calibration, probabilities_of, read_calibration
from detector.card_fields import Fields
from detector.model_errors import CardError

NAMES = ("garbage", "pothole")


def card(**tables: Any) -> Fields:
    return Fields("card.json", "", {"calibration": tables})


def table(scores: list[float], probabilities: list[float]) -> dict[str, list[float]]:
    return {"scores": scores, "probabilities": probabilities}


def test_a_score_between_two_points_lies_on_the_line_between_them() -> None:
    read = read_calibration(card(garbage=table([0.0, 0.4, 1.0], [0.0, 0.2, 0.8])), NAMES)
    scores, ids = np.array([0.4, 0.7, 0.9], np.float32), np.array([0, 0, 1])
    found = probabilities_of(read, scores, ids, NAMES)
    np.testing.assert_allclose(found[:2], [0.2, 0.5], atol=1e-6)
    assert np.isnan(found[2])


def test_a_card_without_calibration_is_read() -> None:
    assert read_calibration(Fields("card.json", "", {}), NAMES) == {}


@pytest.mark.parametrize(
    ("tables", "problem"),
    [
        pytest.param({"dragon": table([0, 1], [0, 1])}, "dragon is about a class", id="another class"),
        pytest.param({"garbage": table([0, 1], [0])}, "probabilities must be as many", id="one missing"),
        pytest.param({"garbage": table([0], [0])}, "two at least", id="one point"),
        pytest.param({"garbage": table([0, 0, 1], [0, 0.5, 1])}, "scores must rise", id="scores that stand"),
        pytest.param({"garbage": table([0, 0.5, 1], [0, 0.5, 0.5])}, "probabilities must rise", id="a plateau"),
        pytest.param({"garbage": table([0, 2], [0, 1])}, "in 0..1", id="a score above one"),
        pytest.param({"garbage": {"scores": [0, 1]}}, "probabilities is missing", id="half a table"),
    ],
)
def test_what_is_wrong_in_a_table_is_named(tables: dict[str, Any], problem: str) -> None:
    with pytest.raises(CardError, match=problem):
        read_calibration(card(**tables), NAMES)


@given(score=st.floats(0, 1))
def test_one_score_is_calibrated_as_many_are(score: float) -> None:
    table = Calibration(scores=(0.1, 0.35, 0.6, 0.95), probabilities=(0.02, 0.4, 0.45, 0.9))
    assert table.probability(score) == pytest.approx(
        float(np.interp(score, table.scores, table.probabilities)), abs=1e-15
    )
