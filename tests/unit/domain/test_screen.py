"""Which detections may become observations."""

import math
from dataclasses import replace
from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest
from support.drive import a_detection, at

from inference_server.domain.observation import Box, Contact, DropReason
from inference_server.domain.policy import ClassRules, ReviewRules
from inference_server.domain.screen import (
    UNKNOWN_CLASS,
    Thresholds,
    hidden_by,
    is_permitted,
    is_sampled,
    repeats_stronger,
    screen,
    thresholds_of,
)

BOX = Box(x1=0, y1=0, x2=10, y2=10)
LIMITS = Thresholds(0.6, 0.4, 0.2)
NOON = datetime(2026, 11, 2, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize(
    ("rules", "score", "expected"),
    [
        pytest.param(ClassRules(group="waste"), 0.5, None, id="good enough"),
        pytest.param(ClassRules(group="waste"), 0.1, DropReason.LOW_SCORE, id="too weak"),
        pytest.param(ClassRules(group="context"), 0.9, DropReason.CONTEXT_CLASS, id="explains only"),
        pytest.param(
            ClassRules(group="works", collected=False), 0.9, DropReason.CLASS_NOT_COLLECTED, id="switched off"
        ),
        pytest.param(None, 0.9, DropReason.CLASS_NOT_COLLECTED, id="a class without rules"),
        pytest.param(ClassRules(group="waste", months=(4, 5)), 0.9, DropReason.OUT_OF_HOURS, id="out of season"),
        pytest.param(
            ClassRules(group="waste", hours=(time(13), time(18))), 0.9, DropReason.OUT_OF_HOURS, id="too early"
        ),
        pytest.param(ClassRules(group="waste", hours=(time(22), time(13))), 0.9, None, id="hours over midnight"),
    ],
)
def test_a_detection_goes_on_or_says_why_not(rules, score, expected):
    drop = screen(a_detection(BOX, score=score), rules, LIMITS, NOON)
    assert (None if drop is None else drop.reason) is expected


def test_the_policy_overrides_the_card_and_the_card_the_default():
    assert thresholds_of(ClassRules(group="g"), None) == UNKNOWN_CLASS
    assert thresholds_of(ClassRules(group="g"), (0.7, 0.5, 0.3)) == Thresholds(0.7, 0.5, 0.3)
    assert thresholds_of(ClassRules(group="g", file_at=0.9), (0.7, 0.5, 0.3)) == Thresholds(0.9, 0.5, 0.3)


def test_of_two_boxes_of_one_thing_the_stronger_stays():
    weak = a_detection(BOX, index=0, score=0.4)
    strong = a_detection(Box(x1=1, y1=0, x2=11, y2=10), index=1, score=0.8, class_name="overflowing_bin")
    closed = a_detection(BOX, index=2, score=0.9, class_name="bin")
    beside = a_detection(Box(x1=5, y1=0, x2=15, y2=10), index=3, score=0.95)
    groups = {"garbage": "waste", "overflowing_bin": "waste", "bin": "context"}
    assert repeats_stronger(weak, [weak, strong, beside], groups) == strong
    assert repeats_stronger(strong, [weak, strong, beside], groups) is None
    assert repeats_stronger(strong, [weak, strong, closed, beside], groups) == closed
    part = a_detection(Box(x1=2, y1=2, x2=5, y2=5), index=4, score=0.3)
    assert repeats_stronger(part, [strong, part], groups) == strong
    assert repeats_stronger(part, [closed, part], groups) is None


def test_the_sample_is_seeded_and_of_the_size_asked_for():
    rules = ReviewRules(sample_share=0.1, seed=7)
    taken = [i for i in range(5000) if is_sampled(f"frame-{i}", 0, rules)]
    assert taken == [i for i in range(5000) if is_sampled(f"frame-{i}", 0, rules)]
    assert 400 < len(taken) < 600
    assert taken != [i for i in range(5000) if is_sampled(f"frame-{i}", 0, ReviewRules(sample_share=0.1, seed=8))]


def test_a_permit_covers_what_lies_inside_it():
    ring = tuple((p.lat, p.lon) for p in (at(-5, -5), at(5, -5), at(5, 5), at(-5, 5)))
    rules = ClassRules(group="works", permits=(ring,))
    assert is_permitted(at(0, 0), rules)
    assert not is_permitted(at(9, 0), rules)


@pytest.mark.parametrize(
    ("other", "is_hidden"),
    [
        pytest.param(Box(x1=96, y1=20, x2=200, y2=160), True, id="a car before its right side"),
        pytest.param(Box(x1=96, y1=20, x2=200, y2=90), False, id="a car behind it"),
        pytest.param(Box(x1=95, y1=95, x2=200, y2=160), False, id="only the corners of the boxes touch"),
        pytest.param(Box(x1=130, y1=20, x2=200, y2=160), False, id="a car beside it"),
        pytest.param(Box(x1=30, y1=80, x2=70, y2=130), True, id="a bin before its foot"),
    ],
)
def test_what_stands_before_a_thing_hides_a_part_of_it(other, is_hidden):
    heap = a_detection(Box(x1=0, y1=0, x2=100, y2=100), index=0)
    found = hidden_by(heap, [heap, a_detection(other, index=1, class_name="car")], Contact.GROUND)
    assert (found is not None) is is_hidden


def test_a_car_that_only_touches_a_piece_of_wall_hides_nothing_of_it():
    piece = a_detection(Box(x1=0, y1=0, x2=100, y2=100), index=0, class_name="graffiti")
    beside = a_detection(Box(x1=96, y1=20, x2=200, y2=160), index=1, class_name="car")
    before = a_detection(Box(x1=60, y1=20, x2=200, y2=160), index=1, class_name="car")
    assert hidden_by(piece, [piece, beside], Contact.WALL) is None
    assert hidden_by(piece, [piece, before], Contact.WALL) == before


def test_thresholds_named_as_scores_are_compared_as_probabilities() -> None:
    limits = thresholds_of(ClassRules(group="g", sure_at=0.8), (math.inf, 0.4, 0.2))
    halved = limits.calibrated(lambda score: score / 2)
    assert halved == Thresholds(math.inf, 0.2, 0.1, 0.4)
    rules = ClassRules(group="waste")
    kept, dropped = (replace(a_detection(BOX, score=2 * p), probability=p) for p in (0.11, 0.09))
    assert screen(kept, rules, halved, NOON) is None
    drop = screen(dropped, rules, halved, NOON)
    assert drop is not None
    assert drop.numbers == {"score": 0.18, "probability": 0.09, "drop_below": 0.1}
