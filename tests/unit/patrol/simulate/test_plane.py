"""The flat map against pyproj's geodesics."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patrol.simulate.plane import LocalPlane

GEOD = pyproj.Geod(ellps="WGS84")
HANGZHOU = LocalPlane(30.27, 120.15)


@given(east=st.floats(-1500, 1500), north=st.floats(-1500, 1500))
def test_distance_and_bearing_from_the_middle_agree_with_the_geodesic(east, north):
    length = float(np.hypot(east, north))
    if length < 1:
        return
    lat, lon = HANGZHOU.to_latlon(east, north)
    azimuth, _, metres = GEOD.inv(HANGZHOU.lon, HANGZHOU.lat, lon, lat)
    assert metres == pytest.approx(length, abs=0.003)
    bearing = np.degrees(np.arctan2(east, north))
    off = (azimuth - bearing + 180) % 360 - 180
    # along a slanted line the meridians turn by at most east * tan(lat) / R
    assert abs(np.radians(off)) < 1500 * np.tan(np.radians(30.3)) / 6.37e6


@given(east=st.floats(-3000, 3000), north=st.floats(-3000, 3000))
def test_there_and_back_is_the_same_place(east, north):
    assert HANGZHOU.to_enu(*HANGZHOU.to_latlon(east, north)) == pytest.approx((east, north), abs=1e-4)


def test_two_points_three_metres_apart_at_the_city_s_edge_stay_three_metres_apart():
    first, second = HANGZHOU.to_latlon(400.0, 380.0), HANGZHOU.to_latlon(403.0, 384.0)
    metres = GEOD.inv(first[1], first[0], second[1], second[0])[2]
    assert metres == pytest.approx(5.0, abs=0.002)
