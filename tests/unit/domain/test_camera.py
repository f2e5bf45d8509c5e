"""A camera on a vehicle: hand-computed places, and the way there and back."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.drive import LENS

from inference_server.domain.camera import Lens, Mount, View, to_east_north, to_vehicle


@pytest.mark.parametrize(
    ("mount", "pixel", "forward_m", "left_m"),
    [
        # 2 m high, level, 900 px focal length: 90 px below the horizon is a tenth downwards, so 20 m ahead
        pytest.param(Mount(height_m=2.0), (640.0, 450.0), 20.0, 0.0, id="level, straight ahead"),
        pytest.param(Mount(height_m=2.0), (540.0, 450.0), 20.0, 100 / 90 * 2, id="level, 100 px left of the middle"),
        pytest.param(Mount(height_m=2.0), (640.0, 360.0 + 900 * 0.2), 10.0, 0.0, id="level, two tenths downwards"),
        pytest.param(
            Mount(height_m=2.0, forward_m=1.5, right_m=0.4), (640.0, 450.0), 21.5, -0.4, id="beside the antenna"
        ),
        # looking 45 degrees down the middle of the picture meets the ground as far ahead as the camera is high
        pytest.param(Mount(height_m=2.0, pitch_deg=45.0), (640.0, 360.0), 2.0, 0.0, id="pitched 45 degrees"),
        pytest.param(Mount(height_m=2.0, yaw_deg=90.0), (640.0, 450.0), 0.0, -20.0, id="yawed to the right"),
        pytest.param(
            Mount(height_m=2.0, roll_deg=90.0), (640.0 + 90, 360.0), 20.0, 0.0, id="rolled clockwise by a quarter"
        ),
    ],
)
def test_a_pixel_meets_the_ground_where_a_hand_computation_says(mount, pixel, forward_m, left_m):
    point = View.of(mount, LENS).ground(*pixel)
    assert point == pytest.approx([forward_m, left_m], abs=1e-9)


def test_a_pixel_above_the_horizon_meets_no_ground():
    assert View.of(Mount(height_m=2.0), LENS).ground(640.0, 350.0) is None


def test_a_point_behind_the_camera_has_no_pixel():
    assert View.of(Mount(height_m=2.0), LENS).pixel(-5.0, 0.0) is None


@given(
    pitch=st.floats(-5, 30),
    yaw=st.floats(-60, 60),
    roll=st.floats(-5, 5),
    k1=st.floats(-0.1, 0.05),
    forward=st.floats(4, 30),
    side=st.floats(-0.4, 0.4),
)
def test_ground_undoes_pixel(pitch, yaw, roll, k1, forward, side):
    lens = Lens(focal_px=900, width_px=1280, height_px=720, cx_px=650, cy_px=350, k1=k1)
    view = View.of(Mount(height_m=1.8, pitch_deg=pitch, yaw_deg=yaw, roll_deg=roll, forward_m=1.0, right_m=0.2), lens)
    turn = math.radians(-yaw)
    place = view.place() + forward * np.array([math.cos(turn + side), math.sin(turn + side)])
    pixel = view.pixel(float(place[0]), float(place[1]))
    assert pixel is not None
    if not (-200 <= pixel[0] <= 1480 and -200 <= pixel[1] <= 920):
        return  # outside the picture the radial model need not be invertible
    assert view.ground(*pixel) == pytest.approx(place, abs=0.02)


def test_a_smaller_picture_of_the_same_camera_has_the_same_rays():
    view = View.of(Mount(height_m=2.0, pitch_deg=10.0), LENS)
    assert view.scaled(640, 360).ray(100.0, 200.0) == pytest.approx(view.ray(200.0, 400.0))


@given(heading=st.floats(0, 360), forward=st.floats(-50, 50), left=st.floats(-50, 50))
def test_vehicle_axes_undo_east_and_north(heading, forward, left):
    there = to_east_north(np.array([forward, left]), heading)
    assert to_vehicle(there, heading) == pytest.approx([forward, left], abs=1e-9)


def test_right_of_a_vehicle_heading_north_is_east():
    assert to_east_north(np.array([0.0, -3.0]), 0.0) == pytest.approx([3.0, 0.0])
