"""Four datums, checked against the public converter and by going there and back."""

import math

import eviltransform  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_server.domain.datum import DATUMS, from_wgs84, to_wgs84
from inference_server.domain.errors import BadInput, UnknownDatum
from inference_server.domain.geo import LatLon, distance_m

# The public converter divides metres by the WGS84 radius, the formula's author by the Krasovsky one.
RADIUS_RATIO = 6378137.0 / 6378245.0

well_inside_china = st.builds(LatLon, st.floats(0.85, 55.80), st.floats(72.03, 137.80))
anywhere = st.builds(LatLon, st.floats(-90, 90), st.floats(-180, 180))
# A degree off the box, all the way to the poles.
abroad = anywhere.filter(lambda p: not (0.0 < p.lat < 56.0 and 71.0 < p.lon < 139.0))


@given(well_inside_china)
def test_gcj02_agrees_with_the_public_converter_up_to_its_other_radius(position: LatLon) -> None:
    lat, lon = from_wgs84(position, "gcj02")
    their_lat, their_lon = eviltransform.wgs2gcj(position.lat, position.lon)
    assert lat - position.lat == pytest.approx((their_lat - position.lat) * RADIUS_RATIO, abs=2e-13)
    assert lon - position.lon == pytest.approx((their_lon - position.lon) * RADIUS_RATIO, abs=2e-13)


@given(well_inside_china)
def test_bd09_is_the_public_second_shift_of_gcj02(position: LatLon) -> None:
    assert from_wgs84(position, "bd09") == pytest.approx(
        eviltransform.gcj2bd(*from_wgs84(position, "gcj02")), abs=1e-12
    )


@given(well_inside_china, st.sampled_from(DATUMS))
def test_there_and_back_is_the_same_place(position: LatLon, datum: str) -> None:
    back = to_wgs84(*from_wgs84(position, datum), datum)
    assert math.isclose(back.lat, position.lat, rel_tol=0, abs_tol=1e-11)
    assert math.isclose(back.lon, position.lon, rel_tol=0, abs_tol=1e-11)


@given(abroad)
def test_outside_china_gcj02_is_wgs84(position: LatLon) -> None:
    assert from_wgs84(position, "gcj02") == (position.lat, position.lon)
    assert to_wgs84(position.lat, position.lon, "gcj02") == position


@given(anywhere)
def test_cgcs2000_and_wgs84_pass_unchanged(position: LatLon) -> None:
    assert to_wgs84(position.lat, position.lon, "cgcs2000") == position == to_wgs84(position.lat, position.lon, "wgs84")
    assert from_wgs84(position, "cgcs2000") == (position.lat, position.lon) == from_wgs84(position, "wgs84")


@pytest.mark.parametrize(("datum", "least_m", "most_m"), [("gcj02", 480.0, 540.0), ("bd09", 1100.0, 1300.0)])
def test_in_hangzhou_the_shift_is_several_grids_wide(datum: str, least_m: float, most_m: float) -> None:
    there = LatLon(30.2741, 120.1551)
    assert least_m < distance_m(there, LatLon(*from_wgs84(there, datum))) < most_m


def test_an_unknown_datum_is_refused_with_the_field_and_the_known_ones() -> None:
    with pytest.raises(UnknownDatum) as refusal:
        to_wgs84(30.0, 120.0, "beijing54")
    assert refusal.value.field == "datum"
    assert refusal.value.code == "unknown_datum"
    assert all(name in refusal.value.message for name in ("beijing54", *DATUMS))
    with pytest.raises(UnknownDatum):
        from_wgs84(LatLon(30.0, 120.0), "WGS84")


@pytest.mark.parametrize(
    ("lat", "lon", "field"),
    [
        pytest.param(90.0001, 120.0, "lat", id="north of the pole"),
        pytest.param(-91.0, 120.0, "lat", id="south of the pole"),
        pytest.param(30.0, 180.5, "lon", id="beyond the date line"),
        pytest.param(120.15, 30.27, "lat", id="latitude and longitude swapped"),
        pytest.param(math.nan, 120.0, "lat", id="latitude is no number"),
        pytest.param(30.0, math.nan, "lon", id="longitude is no number"),
        pytest.param(30.0, math.inf, "lon", id="longitude is infinite"),
    ],
)
@pytest.mark.parametrize("datum", DATUMS)
def test_a_coordinate_out_of_range_is_refused_by_name(lat: float, lon: float, field: str, datum: str) -> None:
    with pytest.raises(BadInput) as refusal:
        to_wgs84(lat, lon, datum)
    assert refusal.value.field == field
    with pytest.raises(BadInput):
        from_wgs84(LatLon(lat, lon), datum)
