"""Hits, average precision, thresholds and false alarms, each on boxes counted by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.findings import a_finding

from training.average_precision import average_precision
from training.evaluate import figures, mean_map50
from training.findings import Finding, Marks, mark
from training.index import DataIndex
from training.thresholds import UNPROVEN, Thresholds, choose_thresholds, from_marks

PALE, DARK = 0, 1
STATES = {"walls": {"pale": "labelled"}, "floors": {"pale": "absent", "dark": "labelled"}}
HERE, THERE = [10.0, 10.0, 30.0, 30.0], [60.0, 10.0, 90.0, 40.0]
NEAR_HERE = [12.0, 10.0, 32.0, 30.0]  # IoU with HERE: 18 * 20 / (2 * 400 - 360) = 0.82


def _finding(source: str, truth: list[tuple[int, list[float]]], found: list[tuple[int, list[float], float]]) -> Finding:
    return a_finding(truth, found, source=source)


def _index(findings: list[Finding]) -> DataIndex:
    return DataIndex(("pale", "dark"), STATES, tuple(f.picture for f in findings))


def test_a_true_box_is_hit_once_and_by_its_best_box() -> None:
    marks = mark([_finding("walls", [(PALE, HERE)], [(PALE, NEAR_HERE, 0.5), (PALE, HERE, 0.9)])], PALE)
    assert marks.truths == 1
    assert marks.hits.tolist() == [True, False]


def test_a_box_of_another_class_is_no_hit() -> None:
    marks = mark([_finding("walls", [(PALE, HERE)], [(DARK, HERE, 0.9)])], DARK)
    assert (marks.truths, marks.hits.tolist()) == (0, [False])


def test_average_precision_of_a_perfect_and_of_a_half_right_detector() -> None:
    perfect = [_finding("walls", [(PALE, HERE), (PALE, THERE)], [(PALE, HERE, 0.9), (PALE, THERE, 0.8)])]
    half = [_finding("walls", [(PALE, HERE), (PALE, THERE)], [(PALE, HERE, 0.9)])]
    assert average_precision(perfect, [PALE])[PALE].at_50 == pytest.approx(1.0)
    # Recall reaches one half: 51 of the 101 points of recall 0.00, 0.01 ... 1.00 have precision 1.
    assert average_precision(half, [PALE])[PALE].at_50 == pytest.approx(51 / 101)


def test_average_precision_punishes_a_loose_box_at_the_higher_overlaps_only() -> None:
    loose = average_precision([_finding("walls", [(PALE, HERE)], [(PALE, NEAR_HERE, 0.9)])], [PALE])[PALE]
    assert loose.at_50 == pytest.approx(1.0)
    assert loose.at_50_95 == pytest.approx(0.7)  # right at 0.50 ... 0.80, wrong at 0.85, 0.90, 0.95


def test_a_class_without_true_boxes_has_no_average_precision() -> None:
    assert average_precision([_finding("walls", [], [(PALE, HERE, 0.9)])], [PALE]) == {}


def test_a_detector_that_finds_nothing_has_an_average_precision_of_zero() -> None:
    assert average_precision([_finding("walls", [(PALE, HERE)], [])], [PALE])[PALE].at_50 == 0.0


def test_boxes_of_a_class_that_a_source_never_labelled_count_nowhere() -> None:
    findings = [_finding("walls", [(PALE, HERE)], [(PALE, HERE, 0.9), (DARK, THERE, 0.9)])]
    made = figures(_index(findings), findings, {"pale": UNPROVEN, "dark": UNPROVEN})
    assert [(f.class_name, f.state) for f in made] == [("pale", "labelled")]


def test_boxes_of_an_absent_class_are_false_alarms() -> None:
    findings = [_finding("floors", [(DARK, HERE)], [(PALE, HERE, 0.9)]), _finding("floors", [], [])]
    made = {f.class_name: f for f in figures(_index(findings), findings, {"pale": UNPROVEN, "dark": UNPROVEN})}
    assert made["pale"].state == "absent"
    assert made["pale"].map50 is None
    assert made["pale"].false_alarms_per_100 == pytest.approx(50.0)
    assert made["dark"].recall_at_threshold == 0.0


def test_recall_and_precision_are_those_at_the_operating_score() -> None:
    found = [(PALE, HERE, 0.9), (PALE, [40.0, 0.0, 50.0, 9.0], 0.8), (PALE, THERE, 0.1)]
    findings = [_finding("walls", [(PALE, HERE), (PALE, THERE)], found)]
    (figure,) = figures(_index(findings), findings, {"pale": Thresholds(0.7, 0.5, 0.2, 2), "dark": UNPROVEN})
    assert (figure.recall_at_threshold, figure.precision_at_threshold) == (0.5, 0.5)
    assert figure.false_alarms_per_100 == pytest.approx(100.0)
    assert mean_map50([figure], fewest_boxes=3) == 0.0
    assert mean_map50([figure], fewest_boxes=2) == figure.map50


def test_the_filing_score_is_the_lowest_that_keeps_precision_at_nine_in_ten() -> None:
    hits = np.array([True] * 27 + [False] * 3 + [False, False])
    scores = np.linspace(0.99, 0.68, 32)
    chosen = from_marks(Marks(scores, hits, 30))
    assert chosen.file == pytest.approx(scores[29], abs=1e-3)  # 27 of 30 are right, then 27 of 31
    assert chosen.drop_below <= chosen.review <= chosen.file


def test_a_class_that_never_reaches_the_precision_is_for_people_only() -> None:
    chosen = from_marks(Marks(np.linspace(0.9, 0.1, 40), np.arange(40) % 2 == 0, 20))
    assert chosen.file is None
    assert chosen.operating == chosen.review


def test_a_few_lucky_boxes_prove_no_precision() -> None:
    assert from_marks(Marks(np.array([0.9, 0.8, 0.7]), np.array([True] * 3), 3)).file is None


def test_pictures_surely_without_the_class_count_against_its_filing_score() -> None:
    right = [_finding("walls", [(PALE, HERE)], [(PALE, HERE, 0.6)]) for _ in range(30)]
    alarms = [_finding("floors", [], [(PALE, HERE, 0.7)]) for _ in range(10)]
    findings = right + alarms
    assert choose_thresholds(_index(right), right)["pale"].file is not None
    assert choose_thresholds(_index(findings), findings)["pale"].file is None


@pytest.mark.parametrize(
    ("scores", "hits"),
    [
        (np.full(40, 1e-4), [True] * 40),
        (np.linspace(0.03, 0.001, 40), [True] * 30 + [False] * 10),
        (np.linspace(0.9, 0.1, 40), [False, True] * 20),
        (np.array([0.4]), [False]),
        (np.zeros(0), []),
    ],
)
def test_thresholds_are_always_in_order_and_never_near_zero(scores: np.ndarray, hits: list[bool]) -> None:
    chosen = from_marks(Marks(scores, np.array(hits, dtype=bool), 40))
    assert 0.02 <= chosen.drop_below <= chosen.review <= chosen.operating <= 1


def test_people_are_not_asked_about_boxes_that_are_mostly_wrong() -> None:
    hits = np.array([True] * 8 + [False] * 8 + [True, False, False, False, False] * 30)
    scores = np.linspace(0.9, 0.1, len(hits))
    chosen = from_marks(Marks(scores, hits, 60))
    right = hits[scores >= chosen.review]
    assert right.mean() >= 0.30
    assert right.mean() < 0.90


def test_a_class_the_model_hardly_knows_goes_to_people_only_when_it_is_sure() -> None:
    hits = np.array([False] * 40 + [True] * 2)
    assert from_marks(Marks(np.linspace(0.4, 0.01, 42), hits, 100)) == Thresholds(None, 0.5, 0.25, 100)


def _many(scores: list[float], right: list[bool], source: str = "walls") -> list[Finding]:
    made = []
    for number, (score, is_right) in enumerate(zip(scores, right, strict=True)):
        truth = [(PALE, HERE)] if source == "walls" else []
        finding = _finding(source, truth, [(PALE, HERE if is_right else THERE, score)])
        made.append(replace(finding, picture=replace(finding.picture, group=f"{source}_{number}")))
    return made


def test_a_filing_score_that_holds_on_the_other_half_is_kept_with_what_it_gives_there() -> None:
    rng = np.random.default_rng(0)
    scores = rng.uniform(0.1, 1.0, 600)
    findings = _many(scores.tolist(), (rng.random(600) < np.clip(2 * scores, 0, 0.995)).tolist())
    chosen = choose_thresholds(_index(findings), findings)["pale"]
    assert chosen.file is not None
    assert 0.2 < chosen.file < 0.6
    assert chosen.cross_precision is not None
    assert chosen.cross_precision >= 0.90
    assert chosen.cross_recall == pytest.approx(0.8, abs=0.15)


def test_a_filing_score_that_was_luck_goes_to_people() -> None:
    rng = np.random.default_rng(1)
    scores = rng.uniform(0.1, 1.0, 300)
    right = rng.random(300) < 0.72  # the score says nothing
    right[np.argsort(-scores)[:20]] = True  # but for the best twenty
    findings = _many(scores.tolist(), right.tolist())
    assert from_marks(mark(findings, PALE)).file is not None
    assert choose_thresholds(_index(findings), findings)["pale"].file is None


def test_the_operating_score_keeps_sources_without_the_class_quiet() -> None:
    right = _many([0.5] * 40, [True] * 40)
    floors = _many(np.linspace(0.9, 0.02, 200).tolist(), [False] * 200, "floors")
    index = _index(right + floors)
    chosen = choose_thresholds(index, right + floors)
    absent = next(f for f in figures(index, right + floors, chosen) if f.state == "absent")
    assert 0 < absent.false_alarms_per_100 <= 2.0
    assert chosen["pale"].operating > 0.85
