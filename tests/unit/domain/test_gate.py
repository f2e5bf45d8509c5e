"""Which frames are worth looking at."""

from dataclasses import replace

import pytest
from support.drive import a_frame, at

from inference_server.domain.frame import Fix, FrameId, PastFrame, Quality
from inference_server.domain.gate import check_fix, check_quality, check_step, check_stuck, is_masked, repeats_fix
from inference_server.domain.observation import DropReason
from inference_server.domain.policy import GateRules

RULES = GateRules()
LEFT, RIGHT = bytes([0] * 288 + [200] * 288), bytes([200] * 288 + [0] * 288)


def past(seconds, north_m, thumbnail=None):
    frame = a_frame(seconds)
    return PastFrame(
        id=FrameId("before"),
        taken_at=frame.taken_at,
        fix=Fix(position=at(0, north_m)),
        thumbnail=thumbnail,
        is_analysed=True,
    )


def quality(**changes):
    return replace(Quality(sharpness=200.0, brightness=120.0, thumbnail=LEFT, width_px=1280, height_px=720), **changes)


def reason(drop):
    return None if drop is None else drop.reason


def test_a_frame_without_a_fix_is_dropped_for_it():
    assert reason(check_fix(a_frame(), None, RULES)) is DropReason.NO_FIX


def test_an_unsure_fix_is_dropped_with_its_accuracy():
    drop = check_fix(a_frame(fix=Fix(position=at(0, 0), accuracy_m=80.0)), None, RULES)
    assert drop is not None
    assert (drop.reason, drop.numbers["accuracy_m"]) == (DropReason.FIX_INACCURATE, 80.0)


@pytest.mark.parametrize(
    ("seconds", "north_m", "expected"),
    [
        pytest.param(1.0, 20.0, None, id="20 m in a second: 72 km/h"),
        pytest.param(1.0, 300.0, DropReason.FIX_JUMP, id="300 m in a second"),
        pytest.param(0.0, 12.0, None, id="scatter of the receiver in no time at all"),
        pytest.param(61.0, 5000.0, None, id="a new pass may begin anywhere"),
    ],
)
def test_a_vehicle_does_not_fly(seconds, north_m, expected):
    frame = a_frame(seconds, fix=Fix(position=at(0, north_m)))
    assert reason(check_fix(frame, past(0.0, 0.0), RULES)) is expected


def test_a_masked_zone_is_not_looked_at():
    corners = tuple((p.lat, p.lon) for p in (at(-50, -50), at(50, -50), at(50, 50), at(-50, 50)))
    rules = GateRules(masked_zones=(corners,))
    assert reason(check_fix(a_frame(fix=Fix(position=at(0, 0))), None, rules)) is DropReason.MASKED_ZONE
    assert check_fix(a_frame(fix=Fix(position=at(0, 60))), None, rules) is None


def test_a_margin_widens_a_masked_zone_by_metres():
    corners = tuple((p.lat, p.lon) for p in (at(-50, -50), at(50, -50), at(50, 50), at(-50, 50)))
    rules = GateRules(masked_zones=(corners,), masked_margin_m=20.0)
    assert reason(check_fix(a_frame(fix=Fix(position=at(0, 69))), None, rules)) is DropReason.MASKED_ZONE
    assert check_fix(a_frame(fix=Fix(position=at(0, 71))), None, rules) is None
    assert is_masked(at(0, 69), rules)
    assert not is_masked(at(0, 0), GateRules(masked_margin_m=20.0))


def test_the_cost_grows_with_metres_not_with_frames():
    assert reason(check_step(Fix(position=at(0, 1.0)), past(0, 0), RULES)) is DropReason.NOT_MOVED
    assert check_step(Fix(position=at(0, 2.5)), past(0, 0), RULES) is None
    assert check_step(Fix(position=at(0, 0)), None, RULES) is None


def test_a_receiver_is_stuck_when_the_picture_moves_and_the_fix_does_not():
    fix = Fix(position=at(0, 0))
    assert repeats_fix(fix, past(0, 0))
    assert not repeats_fix(fix, past(0, 0.01))
    assert reason(check_stuck(fix, past(0, 0, RIGHT), quality(), RULES)) is DropReason.FIX_STUCK
    assert check_stuck(fix, past(0, 0, LEFT), quality(), RULES) is None
    assert check_stuck(fix, past(0, 0, None), quality(), RULES) is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, None, id="a good picture"),
        pytest.param({"brightness": 5.0}, DropReason.PICTURE_DARK, id="night without lamps"),
        pytest.param({"brightness": 252.0}, DropReason.PICTURE_GLARE, id="the sun in the lens"),
        pytest.param({"sharpness": 1.0}, DropReason.PICTURE_BLURRED, id="a smear"),
    ],
)
def test_a_poor_picture_is_dropped_by_its_name(changes, expected):
    assert reason(check_quality(quality(**changes), RULES)) is expected
