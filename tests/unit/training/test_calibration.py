"""Probabilities mean what they say: on boxes whose chance of being right is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.findings import HERE, PALE, a_finding, an_index

from detector.calibration import read_calibration
from detector.card_fields import Fields
from training.calibration import FEWEST_HITS, calibrate, expected_error, fit
from training.findings import Finding

STATES = {"walls": {"pale": "labelled"}, "floors": {"pale": "absent"}}
NOWHERE = [60.0, 10.0, 90.0, 40.0]


def findings_with(chance_of: float, pictures: int = 400, seed: int = 0) -> list[Finding]:
    """Boxes that are right with the chance `score ** chance_of`, one a picture."""
    rng = np.random.default_rng(seed)
    scores = rng.uniform(0.06, 0.99, pictures)
    right = rng.random(pictures) < scores**chance_of
    return [
        a_finding([(PALE, HERE)], [(PALE, HERE if is_right else NOWHERE, float(score))], group=str(number))
        for number, (score, is_right) in enumerate(zip(scores, right, strict=True))
    ]


def test_the_probability_is_near_the_true_chance_and_the_error_falls() -> None:
    findings = findings_with(3.0)
    made = calibrate(an_index(findings, STATES), findings)["pale"]
    for score in (0.3, 0.5, 0.7, 0.9):
        assert made.table.probability(score) == pytest.approx(score**3, abs=0.1)
    assert made.rests_on == "own"
    assert made.ece is not None
    assert made.ece_raw is not None
    assert made.ece < 0.06 < 0.15 < made.ece_raw


def test_boxes_in_pictures_surely_without_the_class_count_as_wrong() -> None:
    right = findings_with(0.01)
    alarms = [a_finding([], [(PALE, HERE, f.scores[0])], source="floors", group=f.picture.group) for f in right]
    made = calibrate(an_index(right + alarms, STATES), right + alarms)["pale"]
    assert made.table.probability(0.5) == pytest.approx(0.5, abs=0.1)
    unknown = {"walls": {"pale": "labelled"}, "floors": {}}
    made = calibrate(an_index(right + alarms, unknown), right + alarms)["pale"]
    assert made.table.probability(0.5) > 0.9


def test_a_class_with_few_right_boxes_gets_the_curve_of_all() -> None:
    findings = findings_with(3.0)
    few = [a_finding([(1, HERE)], [(1, HERE, 0.9)], group=f"d{n}") for n in range(FEWEST_HITS - 1)]
    states = {"walls": {"pale": "labelled", "dark": "labelled"}}
    made = calibrate(an_index(findings + few, states), findings + few)
    assert (made["pale"].rests_on, made["dark"].rests_on) == ("own", "all_classes")
    assert made["dark"].table.probability(0.3) == pytest.approx(made["pale"].table.probability(0.3), abs=0.1)


@pytest.mark.parametrize(
    ("scores", "hits"),
    [
        pytest.param(np.zeros(0), np.zeros(0, dtype=bool), id="no box"),
        pytest.param(np.full(30, 0.5), np.ones(30, dtype=bool), id="all right, all alike"),
        pytest.param(np.linspace(0.05, 0.2, 50), np.zeros(50, dtype=bool), id="all wrong"),
        pytest.param(np.linspace(0.1, 0.9, 60), np.arange(60) < 30, id="the wrong way round"),
        pytest.param(np.linspace(0.9, 1.0, 60), np.arange(60) > 1, id="scores up to one"),
    ],
)
def test_the_server_can_read_any_table(scores: np.ndarray, hits: np.ndarray) -> None:
    table = fit(scores, hits)
    entry = {"scores": list(table.scores), "probabilities": list(table.probabilities)}
    card = Fields("card.json", "", json.loads(json.dumps({"calibration": {"pale": entry}})))
    assert read_calibration(card, ("pale",)) == {"pale": table}


def test_the_error_is_the_gap_between_what_is_said_and_what_is() -> None:
    said = np.array([0.9] * 10 + [0.1] * 10)
    assert expected_error(said, np.array([True] * 9 + [False] * 10 + [True])) == pytest.approx(0.0)
    assert expected_error(said, np.array([True] * 5 + [False] * 15)) == pytest.approx(0.5 * 0.4 + 0.5 * 0.1)


def test_scores_under_what_the_server_sees_do_not_flatter(tmp_path: Path) -> None:
    findings = findings_with(3.0)
    index = an_index(findings, STATES)
    plain = calibrate(index, findings)["pale"]
    junk = [a_finding([], [(PALE, NOWHERE, 0.004)] * 20, group=f.picture.group) for f in findings]
    assert calibrate(index, findings + junk)["pale"].boxes == plain.boxes
