"""What follows from the gates, and what a city allows of it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import inference_server
from inference_server.domain.bounds import lower_bound, upper_bound
from inference_server.domain.calibration import Calibration, ScoreTable
from inference_server.domain.closing import (
    Checks,
    Decider,
    Matter,
    RiskBand,
    Switches,
    is_spot_checked,
    propose,
)
from inference_server.domain.closing_rules import ClosingRules
from inference_server.domain.errors import BadPolicy
from inference_server.domain.policy import load_policy
from inference_server.domain.verification import Answer, Closing, Gate, GateResult, Reason, ReasonCode

POLICY = Path(inference_server.__file__).parent / "policy"
GARBAGE = Matter(code="06010", is_safety=False, district="330106", classes=("garbage",))
COUNTED = Calibration(pooled=ScoreTable(points=((0.0, 0.0), (0.5, 0.6), (1.0, 1.0)), not_fixed=3000))
RULES = ClosingRules(codes=("06010",), spot_share=0.0)


def gates(authentic=0.9, scene=0.9, gone=0.9, *, reasons=None):
    """Results of the three gates by their scores; under the working point a gate fails with its reason."""
    reasons = reasons or {}
    found = {}
    for gate, score in zip(Gate, (authentic, scene, gone), strict=True):
        answer = Answer.PASS if score >= 0.5 else Answer.FAIL
        told = tuple(Reason(code) for code in reasons.get(gate, ()))
        found[gate] = GateResult(gate=gate, answer=answer, score=score, reasons=told)
    return found


def decided(found=None, *, rules=RULES, calibration=COUNTED, matter=GARBAGE, switches=None):
    return Decider(rules=rules, calibration=calibration).decide("a", found or gates(), matter, switches or Switches())


def codes(answer):
    return [reason.code for reason in answer.reasons]


def test_a_proof_that_holds_in_every_gate_closes():
    answer = decided()
    assert answer.decision is Closing.CLOSE
    assert answer.probability == pytest.approx(0.92)
    assert answer.close_at == 0.5


def test_a_problem_that_is_still_there_goes_back_to_the_handler():
    found = gates(gone=0.1, reasons={Gate.PROBLEM_GONE: [ReasonCode.PROBLEM_REMAINS]})
    answer = decided(found)
    assert answer.decision is Closing.REWORK
    assert codes(answer) == [ReasonCode.PROBLEM_REMAINS]


@pytest.mark.parametrize("code", [ReasonCode.EDITED, ReasonCode.SAME_AS_BEFORE, ReasonCode.DUPLICATE_PHOTO])
def test_a_suspicion_of_forgery_goes_to_a_person_whatever_the_other_gates_say(code):
    assert decided(gates(authentic=0.2, reasons={Gate.AUTHENTIC: [code]})).decision is Closing.HUMAN


@pytest.mark.parametrize("code", [ReasonCode.BLUR, ReasonCode.DARK, ReasonCode.PHOTO_UNREADABLE])
def test_a_photograph_too_poor_to_tell_is_asked_for_again(code):
    assert propose(gates(scene=0.2, reasons={Gate.SAME_SCENE: [code]})) is Closing.NEED_PHOTO


def test_another_place_is_for_a_person_to_see():
    assert propose(gates(scene=0.2, reasons={Gate.SAME_SCENE: [ReasonCode.SCENE_MISMATCH]})) is Closing.HUMAN


def test_a_problem_in_a_place_that_is_not_the_same_sends_nobody_back():
    remains = {Gate.SAME_SCENE: [ReasonCode.SCENE_MISMATCH], Gate.PROBLEM_GONE: [ReasonCode.PROBLEM_REMAINS]}
    assert propose(gates(scene=0.2, gone=0.1, reasons=remains)) is Closing.HUMAN


def test_a_gate_that_was_not_asked_never_closes():
    found = gates()
    del found[Gate.PROBLEM_GONE]
    assert decided(found).decision is Closing.HUMAN


def test_without_counted_pairs_nothing_is_closed():
    answer = decided(calibration=Calibration())
    assert (answer.decision, answer.close_at) == (Closing.HUMAN, None)
    assert codes(answer) == [ReasonCode.LOW_PROBABILITY]


def test_the_shipped_policy_lists_the_low_risk_codes_and_its_calibration_can_be_read():
    rules = load_policy(POLICY / "hangzhou.toml").closing
    assert len(rules.codes) == 13
    assert "06013" not in rules.codes
    assert Calibration.load(POLICY / "closing_calibration.json").hash != "none"


def test_a_class_that_is_not_listed_waits_for_a_person():
    answer = decided(matter=replace(GARBAGE, code="06013"))
    assert (answer.proposed, answer.decision) == (Closing.CLOSE, Closing.HUMAN)
    assert codes(answer) == [ReasonCode.CLASS_NOT_AUTOCLOSABLE]


@pytest.mark.parametrize("gone", [0.9, 0.1])
def test_a_safety_class_is_always_for_a_person(gone):
    found = gates(gone=gone, reasons={Gate.PROBLEM_GONE: [ReasonCode.PROBLEM_REMAINS]} if gone < 0.5 else None)
    answer = decided(found, matter=Matter(code="06010", is_safety=True))
    assert answer.decision is Closing.HUMAN
    assert codes(answer)[-1] is ReasonCode.HIGH_RISK_CLASS


def test_in_shadow_mode_the_record_shows_what_would_have_been_done():
    answer = decided(rules=replace(RULES, shadow=("06010@330106",)))
    assert (answer.proposed, answer.decision) == (Closing.CLOSE, Closing.HUMAN)
    assert codes(answer) == [ReasonCode.SHADOW_MODE]


@pytest.mark.parametrize("scope", ["06010", "*", "*@330106", "06010@330106"])
def test_a_kill_switch_holds_for_its_class_and_district(scope):
    assert codes(decided(rules=replace(RULES, off=(scope,)))) == [ReasonCode.CLOSING_SWITCHED_OFF]
    assert codes(decided(switches=Switches(thrown=(scope,)))) == [ReasonCode.CLOSING_SWITCHED_OFF]


@pytest.mark.parametrize("scope", ["07001", "*@330102", "06010@330102"])
def test_a_kill_switch_of_elsewhere_changes_nothing(scope):
    assert decided(switches=Switches(thrown=(scope,))).decision is Closing.CLOSE


def test_one_wrong_closing_among_the_first_checks_switches_off_and_says_why():
    answer = decided(switches=Switches(checks=Checks(answered=10, wrong=1)))
    assert answer.decision is Closing.HUMAN
    reason = answer.reasons[-1]
    assert reason.code is ReasonCode.CLOSING_SWITCHED_OFF
    assert reason.measures["wrong"] == 1
    assert reason.measures["upper_bound"] == pytest.approx(upper_bound(1, 10))


def test_after_enough_checks_the_upper_bound_of_the_wrong_share_decides():
    good, bad = Checks(answered=400, wrong=10), Checks(answered=400, wrong=15)
    assert good.bound < RULES.spot_limit < bad.bound
    assert decided(switches=Switches(checks=good)).decision is Closing.CLOSE
    assert decided(switches=Switches(checks=bad)).decision is Closing.HUMAN


def test_a_strict_band_wants_a_tenth_of_the_target_and_the_human_band_never_closes():
    assert decided(matter=replace(GARBAGE, band=RiskBand.STRICT)).decision is Closing.HUMAN
    many = Calibration(pooled=replace(COUNTED.pooled, not_fixed=30_000))
    assert decided(matter=replace(GARBAGE, band=RiskBand.STRICT), calibration=many).decision is Closing.CLOSE
    assert decided(matter=replace(GARBAGE, band=RiskBand.HUMAN), calibration=many).decision is Closing.HUMAN


def test_the_score_to_close_at_lies_over_the_wrong_ones_that_the_target_forbids():
    table = ScoreTable(not_fixed=2000, wrong_scores=(0.55, 0.6, 0.7))
    assert table.close_at(0.01) == 0.5
    close_at = table.close_at(0.002)
    assert close_at is not None
    assert 0.7 < close_at < 0.7001
    assert table.close_at(0.001) is None


def test_a_code_with_its_own_target_and_table_is_decided_by_them():
    calibration = replace(COUNTED, codes={"06010": ScoreTable(not_fixed=10)})
    assert decided(calibration=calibration).decision is Closing.HUMAN
    assert decided(calibration=calibration, rules=replace(RULES, targets={"06010": 0.3})).decision is Closing.CLOSE


def test_the_sample_of_blind_checks_is_seeded_and_of_the_size_asked_for():
    rules = replace(RULES, spot_share=0.03)
    taken = [key for key in map(str, range(20_000)) if is_spot_checked(key, rules)]
    assert 0.025 < len(taken) / 20_000 < 0.035
    assert taken == [key for key in map(str, range(20_000)) if is_spot_checked(key, rules)]


def test_a_closing_that_is_picked_for_a_check_is_still_closed():
    answer = decided(rules=replace(RULES, spot_share=1.0))
    assert (answer.decision, answer.is_spot_check) == (Closing.CLOSE, True)


def test_open_to_all_is_for_measuring_only():
    rules = ClosingRules(is_open_to_all=True)
    answer = decided(rules=rules, calibration=Calibration(), matter=Matter(code=None, is_safety=True))
    assert answer.decision is Closing.CLOSE


@pytest.mark.parametrize(
    "table",
    [
        {"points": [[0.0, 0.0]], "not_fixed": 0, "wrong_scores": []},
        {"points": [[0.0, 0.5], [1.0, 0.4]], "not_fixed": 0, "wrong_scores": []},
        {"points": [[0.0, 0.0], [1.0, 1.0]], "not_fixed": 1, "wrong_scores": [0.5, 0.6]},
        {"points": [[0.0, 0.0], [1.0, 1.0]]},
    ],
)
def test_a_calibration_that_cannot_be_is_refused_by_name(tmp_path, table):
    path = tmp_path / "closing_calibration.json"
    path.write_text(json.dumps({"pooled": table}))
    with pytest.raises(BadPolicy, match="closing_calibration"):
        Calibration.load(path)


def test_bounds_are_those_of_clopper_and_pearson():
    assert upper_bound(0, 59) == pytest.approx(1 - 0.05 ** (1 / 59))
    assert lower_bound(59, 59) == pytest.approx(0.05 ** (1 / 59))
    assert upper_bound(0, 0) == 1.0
    with pytest.raises(ValueError, match="no share"):
        upper_bound(2, 1)
