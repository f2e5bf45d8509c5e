"""Boxes become places."""

from dataclasses import replace

import numpy as np
import pytest
from support.drive import FLAT, GROUND, WALL, a_detection, a_placing, a_pose, ahead, at, box_of, metres

from inference_server.domain.camera import Camera
from inference_server.domain.frame import Fix
from inference_server.domain.observation import Box, Drop, DropReason, Observation
from inference_server.domain.place import pose_of
from inference_server.domain.policy import ErrorModel


@pytest.mark.parametrize("heading_deg", [0.0, 90.0, 217.0])
@pytest.mark.parametrize(("forward_m", "left_m"), [(8.0, 2.0), (9.0, -3.0), (12.0, 4.0)])
@pytest.mark.parametrize(("contact", "height_m"), [(GROUND, 0.8), (FLAT, 0.0)])
def test_a_box_is_placed_where_its_thing_stands(heading_deg, forward_m, left_m, contact, height_m):
    pose = a_pose(heading_deg=heading_deg)
    thing = ahead(pose, forward_m, left_m)
    box = box_of(pose, thing, height_m=height_m)
    assert box is not None
    one = a_placing(pose).observe(a_detection(box), contact)
    assert isinstance(one, Observation)
    assert one.position is not None
    assert np.linalg.norm(metres(one.position) - thing) < 0.25


def test_errors_are_what_the_covariance_says():
    errors = ErrorModel(box_sigma_share=0.0, middle_sigma_share=0.0)
    pose = a_pose()
    thing = ahead(pose, 15.0, 2.0)
    exact = box_of(pose, thing)
    assert exact is not None
    rng = np.random.default_rng(5)
    gaps, covariances = [], []
    for _ in range(400):
        wrong = replace(pose, heading_deg=float(rng.normal(0.0, errors.heading_sigma_deg)) % 360)
        dx, dy = rng.normal(0.0, errors.pixel_sigma_px, 2)
        tilt = rng.normal(0.0, np.radians(errors.pitch_sigma_deg) * 900)
        box = Box(x1=exact.x1 + dx, x2=exact.x2 + dx, y1=exact.y1 + dy + tilt, y2=exact.y2 + dy + tilt)
        one = a_placing(wrong, errors=errors).observe(a_detection(box), GROUND)
        assert isinstance(one, Observation)
        assert one.position is not None
        assert one.relative_cov_m2 is not None
        gaps.append(metres(one.position) - thing)
        covariances.append(one.relative_cov_m2)
    chi2 = [
        float((g - np.mean(gaps, axis=0)) @ np.linalg.solve(c, g - np.mean(gaps, axis=0)))
        for g, c in zip(gaps, covariances, strict=True)
    ]
    assert 1.5 < np.mean(chi2) < 2.6  # two degrees of freedom


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        pytest.param(Box(x1=600, y1=500, x2=610, y2=506), DropReason.TOO_SMALL, id="a few pixels"),
        pytest.param(Box(x1=500, y1=100, x2=560, y2=150), DropReason.ABOVE_HORIZON, id="in the sky"),
        pytest.param(Box(x1=600, y1=240, x2=640, y2=262), DropReason.TOO_FAR, id="hundreds of metres away"),
    ],
)
def test_a_box_that_cannot_be_placed_says_why(box, reason):
    result = a_placing(a_pose()).observe(a_detection(box), GROUND)
    assert isinstance(result, Drop)
    assert result.reason is reason


@pytest.mark.parametrize(
    ("box", "is_hidden"),
    [
        pytest.param(Box(x1=0, y1=500, x2=200, y2=600), False, id="cut on the left"),
        pytest.param(Box(x1=500, y1=600, x2=700, y2=720), False, id="its foot below the frame"),
        pytest.param(Box(x1=500, y1=500, x2=700, y2=600), True, id="half hidden"),
    ],
)
def test_half_a_thing_is_placed_vaguely_on_the_ground_and_not_at_all_on_a_wall(box, is_hidden):
    placing = a_placing(a_pose())
    whole = placing.observe(a_detection(Box(x1=500, y1=500, x2=700, y2=600)), GROUND)
    half = placing.observe(a_detection(box), GROUND, is_hidden=is_hidden)
    assert isinstance(whole, Observation)
    assert isinstance(half, Observation)
    assert np.trace(half.relative_cov_m2) > np.trace(whole.relative_cov_m2) + 2.0
    on_wall = placing.observe(a_detection(box), WALL, is_hidden=is_hidden)
    assert isinstance(on_wall, Drop)
    assert on_wall.reason in (DropReason.CUT_BY_FRAME, DropReason.PARTLY_HIDDEN)


def test_a_camera_without_a_mount_gives_an_observation_without_a_place():
    one = a_placing(a_pose(), view=None).observe(a_detection(Box(x1=500, y1=500, x2=560, y2=560)), GROUND)
    assert isinstance(one, Observation)
    assert one.position is None
    assert one.bearing_deg is None


def test_a_thing_on_a_wall_has_a_bearing_and_no_place_of_its_own():
    pose = a_pose(heading_deg=90.0)
    box = box_of(pose, ahead(pose, 12.0, -5.0), up_m=1.0, height_m=1.0)
    assert box is not None
    one = a_placing(pose).observe(a_detection(box, class_name="graffiti"), WALL)
    assert isinstance(one, Observation)
    assert one.position is None
    # the outer side is seen from the camera, which sits 1 m before and 0.3 m right of the antenna
    assert one.inner_deg is not None
    middle = 90.0 + np.degrees(np.arctan2(5.0 - 0.3, 12.0 - 1.0))
    assert one.bearing_deg > middle > one.inner_deg
    assert one.bearing_deg - one.inner_deg == pytest.approx(np.degrees(1.0 / np.hypot(4.7, 11.0)), abs=0.7)


def test_in_a_turn_the_heading_is_carried_along_by_the_lag_too():
    fix, before = Fix(position=at(0, 1), heading_deg=40.0), Fix(position=at(0, 0), heading_deg=25.0)
    assert pose_of(fix, Camera(lag_s=0.2), before, ErrorModel(), 0.5).heading_deg == pytest.approx(46.0)
    straight = Fix(position=at(0, 0), heading_deg=37.0)
    assert pose_of(fix, Camera(lag_s=0.2), straight, ErrorModel(), 0.5).heading_deg == 40.0


def test_headings_that_differ_by_their_own_noise_are_no_turn():
    camera, now, before = (
        Camera(lag_s=0.2),
        Fix(position=at(0, 1), heading_deg=8.0),
        Fix(position=at(0, 0), heading_deg=0.0),
    )
    assert pose_of(now, camera, before, ErrorModel(), 0.35).heading_deg == 8.0
    steady = ErrorModel(heading_sigma_deg=1.0)
    assert pose_of(now, camera, before, steady, 0.35).heading_deg == pytest.approx(8.0 + 0.2 * 8.0 / 0.35)


def test_the_fix_is_carried_along_by_the_declared_lag():
    fix = Fix(position=at(0, 0), accuracy_m=3.0, heading_deg=90.0, speed_kmh=36.0)
    pose = pose_of(fix, Camera(lag_s=0.2), None, ErrorModel())
    assert metres(pose.position) == pytest.approx([2.0, 0.0], abs=1e-6)
    assert pose.fix_sigma_m == pytest.approx(3.0 * 0.66)


def test_a_missing_heading_comes_from_the_track():
    fix, before = Fix(position=at(0, 10)), Fix(position=at(0, 0))
    assert pose_of(fix, Camera(), before, ErrorModel()).heading_deg == pytest.approx(0.0, abs=1e-6)


def test_a_vehicle_that_stands_has_no_heading_of_its_track():
    fix, before = Fix(position=at(0, 0.5)), Fix(position=at(0, 0))
    assert pose_of(fix, Camera(), before, ErrorModel()).heading_deg is None
