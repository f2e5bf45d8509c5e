"""A track tells where the vehicle was, and says nothing where it does not know."""

import math

import pytest

from patrol.sources.track import Track, TrackPoint, bearing_and_distance

M_PER_DEG_LAT = 110_850.0  # at 30 degrees north on WGS84


def point(at_s: float, north_m: float = 0.0, east_m: float = 0.0, **more: object) -> TrackPoint:
    east_deg = east_m / (111_320.0 * math.cos(math.radians(30.0)) * 1.0009)
    return TrackPoint(at_s=at_s, lat=30.0 + north_m / M_PER_DEG_LAT, lon=120.0 + east_deg, **more)  # type: ignore[arg-type]


def test_between_two_fixes_the_place_lies_on_the_line_in_proportion_of_time() -> None:
    place = Track([point(10, 0), point(11, 10)]).place_at(10.3)
    assert place is not None
    start = point(0)
    bearing, metres = bearing_and_distance(start, place)
    assert metres == pytest.approx(3.0, abs=0.01)
    assert bearing == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize(
    ("at_s", "is_known"),
    [
        pytest.param(9.0, False, id="before the track"),
        pytest.param(9.9, True, id="a moment before the first fix"),
        pytest.param(12.0, True, id="on a fix"),
        pytest.param(14.0, False, id="in a gap"),
        pytest.param(21.2, True, id="a moment after the last fix"),
        pytest.param(22.0, False, id="after the track"),
    ],
)
def test_a_place_is_known_only_near_fixes(at_s: float, is_known: bool) -> None:
    track = Track([point(10), point(11, 10), point(12, 20), point(20, 90), point(21, 100)])
    assert (track.place_at(at_s) is not None) == is_known


def test_a_fix_the_receiver_calls_invalid_gives_no_place_near_it() -> None:
    track = Track([point(0), point(1, 10, is_fix=False), point(2, 20), point(3, 30)])
    assert [track.place_at(at_s) is not None for at_s in (0.0, 0.5, 1.0, 1.5, 2.0, 2.5)] == [
        True, False, False, False, True, True,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("north_m", "east_m", "expected_deg"),
    [(10, 0, 0), (10, 10, 45), (0, 10, 90), (-10, 0, 180), (0, -10, 270)],
)
def test_the_heading_is_the_direction_of_the_way(north_m: float, east_m: float, expected_deg: float) -> None:
    place = Track([point(0), point(1, north_m, east_m)]).place_at(0.5)
    assert place is not None
    assert place.heading_deg is not None
    assert (place.heading_deg - expected_deg + 180) % 360 - 180 == pytest.approx(0.0, abs=0.1)


def test_a_standing_vehicle_keeps_the_heading_of_the_way_it_came() -> None:
    way = [point(second, north_m=min(second, 5) * 10.0) for second in range(12)]
    place = Track(way).place_at(9.5)
    assert place is not None
    assert place.heading_deg == pytest.approx(0.0, abs=0.1)
    assert place.speed_kmh == pytest.approx(0.0, abs=0.01)


def test_a_vehicle_that_never_moved_has_no_heading() -> None:
    place = Track([point(second, north_m=0.2 * (second % 2)) for second in range(30)]).place_at(4.5)
    assert place is not None
    assert place.heading_deg is None


def test_the_receivers_course_counts_when_it_drives_and_not_when_it_stands() -> None:
    driving = Track([point(s, 10.0 * s, heading_deg=3.0, speed_kmh=36.0) for s in range(3)]).place_at(1.2)
    crawling = Track([point(s, 1.0 * s, heading_deg=77.0, speed_kmh=3.6) for s in range(9)]).place_at(4.2)
    assert driving is not None
    assert driving.heading_deg == 3.0
    assert crawling is not None
    assert crawling.heading_deg == pytest.approx(0.0, abs=0.1)


def test_speed_comes_from_the_way_where_the_receiver_gives_none() -> None:
    place = Track([point(second / 5, north_m=2.0 * second) for second in range(20)]).place_at(2.05)
    assert place is not None
    assert place.speed_kmh == pytest.approx(36.0, rel=0.01)


def test_the_worse_accuracy_of_both_fixes_counts() -> None:
    place = Track([point(0, accuracy_m=2.0), point(1, 10, accuracy_m=9.0)]).place_at(0.1)
    assert place is not None
    assert place.accuracy_m == 9.0


def test_fixes_out_of_order_and_twice_make_the_same_track() -> None:
    fixes = [point(0), point(1, 10), point(2, 20)]
    assert Track([*reversed(fixes), fixes[1]]).points == Track(fixes).points


def test_an_empty_track_knows_no_place() -> None:
    assert Track([]).place_at(0.0) is None
