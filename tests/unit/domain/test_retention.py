"""How long a picture is kept, by the rules of a policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.builders import NOON

from inference_server.domain.errors import BadInput, BadPolicy
from inference_server.domain.hold import Held
from inference_server.domain.policy import load_policy
from inference_server.domain.retention import Expired, Kept, Need, Retention, RetentionRules, Why

RULES = Retention(rules=RetentionRules(frames_h=24, evidence_days=100), evidence_days={"crack": float("inf")})


def days(number: float) -> timedelta:
    return timedelta(days=number)


def test_the_need_that_ends_last_decides_and_names_the_rule() -> None:
    needs = [Need(why=Why.FRAME, since=NOON), Need(why=Why.CASE, since=NOON)]
    assert RULES.judge(needs, NOON + days(99.9), NOON) == Kept(Why.CASE)
    assert RULES.judge(needs, NOON + days(100), NOON) == Expired("evidence_days=100")


def test_the_strongest_reason_is_told() -> None:
    needs = [Need(why=Why.FRAME, since=NOON), Need(why=Why.OPEN_CASE), Need(why=Why.HELD)]
    assert RULES.judge(needs, NOON + days(1000), NOON) == Kept(Why.HELD)
    assert RULES.judge(needs[:2], NOON, NOON) == Kept(Why.OPEN_CASE)


def test_a_rule_that_is_not_given_never_ends() -> None:
    assert RULES.judge([Need(why=Why.REVIEW, since=NOON)], NOON + days(10_000), NOON) == Kept(Why.REVIEW)
    assert RULES.judge([Need(why=Why.CASE, since=NOON, class_name="crack")], NOON + days(10_000), NOON) == Kept(
        Why.CASE
    )


def test_what_nothing_names_counts_from_its_storing() -> None:
    assert RULES.judge([], NOON + days(0.99), NOON) == Kept(Why.FRAME)
    assert RULES.judge([], NOON + days(1), NOON) == Expired("frames_h=24")


def test_details_have_a_time_of_their_own_and_whatever_keeps_the_picture_keeps_them() -> None:
    assert RULES.of_details is None
    rules = replace(RULES, rules=replace(RULES.rules, details_days=40)).of_details
    assert rules is not None
    frame = Need(why=Why.FRAME, since=NOON)
    assert rules.judge([frame], NOON + days(39.9), NOON) == Kept(Why.FRAME)
    assert isinstance(rules.judge([frame], NOON + days(40), NOON), Expired)
    assert rules.judge([frame, Need(why=Why.CASE, since=NOON)], NOON + days(40), NOON) == Kept(Why.CASE)


def policy_of(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    return path


def test_a_policy_says_hours_days_and_never(tmp_path: Path) -> None:
    text = '[retention]\nframes_h = 2\nevidence_days = "never"\n[classes.crack]\ngroup = "road"\nevidence_days = 30\n'
    policy = load_policy(policy_of(tmp_path, text))
    assert policy.retention == RetentionRules(frames_h=2.0)
    assert policy.classes["crack"].evidence_days == 30.0


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("[retention]\nframes_h = -1\n", "retention.frames_h"),
        ("[retention]\nframes_h = true\n", "retention.frames_h"),
        ("[retention]\nframes_h = inf\n", "retention.frames_h"),
        ('[retention]\nframes_h = "ever"\n', "retention.frames_h"),
        ("[retention]\nframes_d = 1\n", "retention.frames_d"),
        ('[classes.crack]\ngroup = "road"\nevidence_days = "x"\n', "classes.crack.evidence_days"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_by_name(tmp_path: Path, text: str, field: str) -> None:
    with pytest.raises(BadPolicy) as refused:
        load_policy(policy_of(tmp_path, text))
    assert refused.value.field == field


def test_a_hold_is_of_a_case_or_of_a_device_in_a_time() -> None:
    held = Held(device="car-1", since=NOON, until=NOON + days(1))
    assert held.covers("car-1", NOON + days(0.5))
    assert not held.covers("car-2", NOON + days(0.5))
    assert not held.covers("car-1", NOON + days(1.1))
    with pytest.raises(BadInput):
        Held(device="car-1", since=NOON)
