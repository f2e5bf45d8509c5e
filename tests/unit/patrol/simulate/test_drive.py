"""Drives: where vehicles go, what they send and what the truth beside it says."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from patrol.simulate.camera import Lens, Mount
from patrol.simulate.city import City
from patrol.simulate.drive import Drive, DriveConfig, SimCamera, as_uploaded
from patrol.simulate.frames import SimFrame
from patrol.simulate.gnss import Receiver
from patrol.simulate.route import LANE_M, corners_of

PERFECT = Receiver(sigma_m=0.0, lag_error_s=0.0, heading_sigma_deg=0.0, outages_per_min=0.0)


@pytest.fixture(scope="module")
def one_pass(small_drive: Drive) -> list[SimFrame]:
    return list(small_drive.frames_of(0, 0))


def true_plan(frame: SimFrame) -> np.ndarray:
    return np.array([frame.pose.x_m, frame.pose.y_m])


def fix_plan(city: City, frame: SimFrame) -> np.ndarray:
    enu = city.local.to_enu(frame.fix.lat, frame.fix.lon)
    return city.plan.to_plan(np.array([enu]))[0]


def test_a_route_covers_every_street_and_its_reverse_the_other_way(small_city: City):
    plan = small_city.plan
    for reverse in (False, True):
        spots = corners_of(plan, reverse)
        driven = {frozenset(pair) for pair in itertools.pairwise(spots)}
        wide, tall = len(plan.x_lines), len(plan.y_lines)
        wanted = {frozenset({(i, j), (i, j + 1)}) for i in range(wide) for j in range(tall - 1)}
        wanted |= {frozenset({(i, j), (i + 1, j)}) for i in range(wide - 1) for j in range(tall)}
        assert wanted <= driven
    assert corners_of(plan, True) == corners_of(plan, False)[::-1]


def test_a_route_never_turns_on_the_spot(small_city: City):
    spots = corners_of(small_city.plan, False)
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(spots)]
    assert all(a != (-b[0], -b[1]) for a, b in itertools.pairwise(steps))


def test_frames_are_three_metres_apart_along_the_way(one_pass: list[SimFrame]):
    gaps = [float(np.linalg.norm(true_plan(b) - true_plan(a))) for a, b in itertools.pairwise(one_pass)]
    assert np.median(gaps) == pytest.approx(3.0, abs=0.05)
    assert max(gaps) < 3.1


def test_the_vehicle_keeps_to_the_right_lane_of_its_street(small_drive: Drive):
    track = small_drive.track(0, 0)
    line = small_drive.city.plan.x_lines[0]
    first_leg = track.places[:200]
    assert np.abs(first_leg[:, 0] - line.at_m - LANE_M).max() < 1e-6
    assert track.heading_deg[:200] == pytest.approx(0.0, abs=1e-6)


def test_the_speed_stays_plausible_and_some_lights_are_red(small_drive: Drive):
    tracks = [small_drive.track(vehicle, number) for vehicle in (0, 1) for number in (0, 1)]
    for track in tracks:
        moments = np.arange(1.0, float(track.arrived_s[-1]) - 1, 0.5)
        speeds = np.array([track.speed_at(float(moment)) for moment in moments])
        assert speeds.max() < 30 * 1.35
        assert np.median(speeds) > 15
        assert np.abs(np.diff(speeds)).max() / 3.6 / 0.5 < 3.0
    assert sum(int((track.left_s > track.arrived_s).sum()) for track in tracks) >= 2


def test_what_is_sent_has_the_wire_s_names_and_is_json(one_pass: list[SimFrame]):
    meta = json.loads(json.dumps(one_pass[3].meta))
    assert list(meta) == [
        "device",
        "camera",
        "seq",
        "taken_at",
        "sent_at",
        "position",
        "heading_deg",
        "speed_kmh",
        "campaign",
    ]
    assert set(meta["position"]) == {"lat", "lon", "datum", "accuracy_m"}
    assert meta["position"]["datum"] == "wgs84"
    assert datetime.fromisoformat(meta["taken_at"]) == one_pass[3].taken_at
    assert meta["taken_at"].endswith("Z")
    assert datetime.fromisoformat(meta["sent_at"]) > one_pass[3].taken_at


def test_a_perfect_receiver_reports_where_the_antenna_was_the_declared_lag_earlier(small_city: City):
    drive = Drive(small_city, DriveConfig(receiver=PERFECT, limit_m=250.0, red_share=0.0))
    track, start = drive.track(0, 0), drive.started_at(0)
    for frame in drive.frames_of(0, 0):
        moment = (frame.taken_at - start) / timedelta(seconds=1)
        then = track.pose_at(moment - 0.2)
        assert fix_plan(small_city, frame) == pytest.approx((then.x_m, then.y_m), abs=0.01)
        assert (frame.fix.heading_deg - then.heading_deg - small_city.plan.turn_deg) % 360 == pytest.approx(
            0, abs=0.05
        ) or (frame.fix.heading_deg - then.heading_deg - small_city.plan.turn_deg) % 360 == pytest.approx(360, abs=0.05)
        assert frame.pose.x_m == pytest.approx(track.pose_at(moment).x_m, abs=0.01)


def test_the_true_lag_is_the_declared_one_and_its_error(small_city: City):
    late = Drive(small_city, DriveConfig(receiver=replace(PERFECT, lag_error_s=0.1), limit_m=250.0, red_share=0.0))
    track, behind = late.track(0, 0), []
    for frame in late.frames_of(0, 0):
        gap = true_plan(frame) - fix_plan(small_city, frame)
        speed = track.speed_at((frame.taken_at - late.started_at(0)) / timedelta(seconds=1)) / 3.6
        behind.append(float(np.linalg.norm(gap)) / max(speed, 1.0))
    assert np.median(behind) == pytest.approx(0.3, abs=0.02)


def test_two_vehicles_and_two_passes_have_errors_of_their_own(small_drive: Drive):
    series = [
        [frame.fix.error_m for frame in small_drive.frames_of(vehicle, number)][:100]
        for vehicle in (0, 1)
        for number in (0, 1)
    ]
    table = np.corrcoef(np.array(series))
    assert np.abs(table - np.eye(4)).max() < 0.95
    assert len({tuple(one) for one in series}) == 4


def test_a_frame_in_an_outage_says_nothing_of_place_or_heading(small_city: City):
    drive = Drive(small_city, DriveConfig(receiver=Receiver(outages_per_min=6.0), limit_m=500.0))
    frames = list(drive.frames_of(0, 0))
    lost = [frame for frame in frames if frame.fix.is_lost]
    assert 0 < len(lost) < len(frames)
    assert all(frame.meta["position"] is None and frame.meta["heading_deg"] is None for frame in lost)


def test_the_same_drive_again_is_the_same_to_the_last_digit(small_city: City, small_drive: Drive):
    again = Drive(City(small_city.config), small_drive.config)
    for one, other in zip(small_drive.frames_of(1, 1), again.frames_of(1, 1), strict=True):
        assert one.meta == other.meta
        assert one.seen == other.seen


def test_frames_of_all_vehicles_come_by_time_within_each_pass(small_drive: Drive):
    frames = list(small_drive.frames())
    assert {frame.device for frame in frames} == {"sim-test-001", "sim-test-002"}
    assert [frame.taken_at for frame in frames] == sorted(frame.taken_at for frame in frames)
    assert len({frame.key for frame in frames}) == len(frames)
    assert len({(frame.device, frame.camera, frame.taken_at) for frame in frames}) == len(frames)


def test_two_cameras_of_a_vehicle_share_fix_and_moment_and_see_different_things(small_city: City):
    side = SimCamera(name="right", mount=Mount(height_m=1.8, pitch_deg=8, yaw_deg=60), lens=Lens(focal_px=800))
    drive = Drive(small_city, DriveConfig(cameras=(SimCamera(), side), limit_m=300.0))
    frames = list(drive.frames_of(0, 0))
    front, right = frames[0::2], frames[1::2]
    assert {frame.camera for frame in front} == {"front"}
    assert all(a.meta["position"] == b.meta["position"] for a, b in zip(front, right, strict=True))
    assert any([s.thing for s in a.seen] != [s.thing for s in b.seen] for a, b in zip(front, right, strict=True))
    assert set(drive.mounts()) == {(f"sim-test-00{n}", name) for n in (1, 2) for name in ("front", "right")}


def test_a_weak_network_sends_some_frames_late_and_some_twice_and_loses_none(one_pass: list[SimFrame]):
    sent = as_uploaded(one_pass, np.random.default_rng(3), late_share=0.2, late_by=10, twice_share=0.1)
    keys = [frame.key for frame in sent]
    assert set(keys) == {frame.key for frame in one_pass}
    assert len(keys) > len(set(keys))
    assert keys != sorted(keys)


def test_a_stand_in_is_a_small_jpeg_that_no_other_frame_has(one_pass: list[SimFrame]):
    pictures = {frame.stand_in() for frame in one_pass[:40]}
    assert len(pictures) == 40
    assert all(picture.startswith(b"\xff\xd8") and len(picture) < 2000 for picture in pictures)
    assert one_pass[0].stand_in() == one_pass[0].stand_in()


def test_lights_differ_between_passes_and_keep_to_the_wanted_weather(small_city: City):
    drive = Drive(small_city, DriveConfig(weather=("rain", "dusk")))
    kinds = {drive.light(vehicle, number).kind for vehicle in range(3) for number in range(5)}
    assert kinds == {"rain", "dusk"}
