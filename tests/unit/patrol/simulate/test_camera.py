"""The simulated camera against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patrol.simulate.camera import Lens, Mount, Pose, mount_record, view_from

NORTH = Pose(x_m=0.0, y_m=0.0, heading_deg=0.0)
PLAIN = Lens(focal_px=1000.0, width_px=1280, height_px=720, cx_px=640.0, cy_px=360.0)


@pytest.mark.parametrize(
    ("mount", "pose", "place", "pixel"),
    [
        pytest.param(
            Mount(height_m=1.5, pitch_deg=0), NORTH, (0, 10, 1.5), (640, 360), id="straight ahead is the middle"
        ),
        pytest.param(
            Mount(height_m=1.5, pitch_deg=0), NORTH, (2, 10, 1.5), (840, 360), id="2 m right at 10 m: f * 0.2"
        ),
        pytest.param(
            Mount(height_m=1.5, pitch_deg=0), NORTH, (0, 10, 0), (640, 510), id="the ground 1.5 m below at 10 m"
        ),
        pytest.param(
            Mount(height_m=2.0, pitch_deg=45),
            NORTH,
            (0, 2, 0),
            (640, 360),
            id="45 degrees down meets the ground at 2 m",
        ),
        pytest.param(
            Mount(height_m=1.5, pitch_deg=0, yaw_deg=90),
            NORTH,
            (10, 0, 1.5),
            (640, 360),
            id="yaw 90 looks to the right",
        ),
        pytest.param(
            Mount(height_m=1.5, pitch_deg=0),
            Pose(x_m=5, y_m=5, heading_deg=270),
            (-5, 7, 1.5),
            (840, 360),
            id="driving west, north is on the right",
        ),
        pytest.param(
            Mount(height_m=1.5, pitch_deg=0, roll_deg=90),
            NORTH,
            (2, 10, 1.5),
            (640, 160),
            id="rolled clockwise by 90, what is right of it comes to the top",
        ),
        pytest.param(
            Mount(height_m=1.5, pitch_deg=0, forward_m=2.0, right_m=-1.0),
            NORTH,
            (0, 12, 1.5),
            (740, 360),
            id="2 m before and 1 m left of the antenna",
        ),
    ],
)
def test_a_point_falls_on_the_pixel_worked_out_by_hand(mount, pose, place, pixel):
    pixels, _ = view_from(pose, mount, PLAIN).project(np.array([place], dtype=float))
    assert pixels[0] == pytest.approx(pixel, abs=1e-9)


def test_ground_at_the_foot_of_a_pitched_camera_lies_where_the_tangent_says():
    # pitch 10, height 1.7: a ground point 8 m ahead is atan(1.7 / 8) = 12.0 degrees down, 2.0 below the axis
    down = np.degrees(np.arctan2(1.7, 8.0)) - 10.0
    pixels, _ = view_from(NORTH, Mount(height_m=1.7, pitch_deg=10), PLAIN).project(np.array([[0.0, 8.0, 0.0]]))
    assert pixels[0, 1] == pytest.approx(360 + 1000 * np.tan(np.radians(down)))


def test_a_point_behind_the_camera_has_no_pixel():
    pixels, depth = view_from(NORTH, Mount(), PLAIN).project(np.array([[0.0, -3.0, 0.0]]))
    assert np.isnan(pixels).all()
    assert depth[0] < 0


def test_barrel_distortion_pulls_a_point_inwards_by_the_polynomial():
    lens = Lens(focal_px=1000.0, k1=-0.1, k2=0.02)
    flat = np.array([[640.0 + 500.0, 360.0]])  # r = 0.5
    assert lens.distort(flat)[0, 0] == pytest.approx(640 + 500 * (1 - 0.1 * 0.25 + 0.02 * 0.0625))


@given(
    x=st.floats(0, 1280),
    y=st.floats(0, 720),
    k1=st.floats(-0.15, 0.05),
    k2=st.floats(-0.01, 0.02),
)
def test_undistorting_undoes_distorting(x, y, k1, k2):
    lens = Lens(focal_px=900.0, k1=k1, k2=k2)
    there = lens.undistort(np.array([[x, y]]), rounds=40)
    assert lens.distort(there)[0] == pytest.approx((x, y), abs=1e-4)


def test_a_point_far_outside_the_view_is_not_folded_back_into_the_picture():
    lens = Lens(focal_px=900.0, k1=-0.12)
    wild = np.array([[640.0 + 900 * 6, 360.0], [640.0 - 900 * 30, 360.0 + 900 * 20]])
    bent = lens.distort(wild)
    assert ((bent < 0) | (bent > (lens.width_px, lens.height_px))).any(axis=1).all()


def test_the_plane_matrix_agrees_with_projecting_points():
    view = view_from(Pose(x_m=3, y_m=4, heading_deg=33), Mount(height_m=2, pitch_deg=8, roll_deg=3), PLAIN)
    forward = np.array([np.sin(np.radians(33)), np.cos(np.radians(33)), 0])
    origin, along = np.array([3.0, 4.0, 0.0]) + 6 * forward, np.array([0.6, 0.8, 0.0])
    matrix = view.plane_matrix(origin, along, np.array([0.0, 0, 1]))
    for s, t in ((0, 0), (1.5, 0.5), (0.3, 2.0)):
        mapped = matrix @ (s, t, 1)
        pixels, _ = view.project((origin + s * along + np.array([0, 0, t]))[None])
        assert mapped[:2] / mapped[2] == pytest.approx(pixels[0])


def test_the_record_for_the_server_has_every_number_of_mount_and_lens():
    record = mount_record(Mount(height_m=1.9, yaw_deg=12.0), Lens(k1=-0.05), 0.2)
    assert record["mount"] == {
        "height_m": 1.9,
        "pitch_deg": 4.0,
        "yaw_deg": 12.0,
        "roll_deg": 0.0,
        "forward_m": 0.0,
        "right_m": 0.0,
    }
    assert set(record["lens"]) == {"focal_px", "width_px", "height_px", "cx_px", "cy_px", "k1", "k2"}
    assert record["lag_s"] == 0.2
