"""The score against cases made up by hand."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest

from patrol.simulate.city import City
from patrol.simulate.grids import lonlat
from patrol.simulate.score import FiledCase, cases_from_geojson, score_cases
from patrol.simulate.truth import TrueThing


def a_thing(x_m: float, *, class_name: str = "garbage", frames: int = 5, grid: str = "g1", border_m: float = 20.0):
    return TrueThing(
        name=f"{class_name}{x_m}",
        class_name=class_name,
        x_m=x_m,
        y_m=0.0,
        lat=0.0,
        lon=0.0,
        grid=grid,
        border_m=border_m,
        appears_at=datetime(2026, 1, 1, tzinfo=UTC),
        cleaned_at=None,
        frames=frames,
    )


def a_case(x_m: float, *, class_name: str = "garbage", grid: str = "g1", candidates: tuple[str, ...] = ()):
    return FiledCase(class_name=class_name, x_m=x_m, y_m=0.0, grid=grid, candidates=candidates)


def test_all_found_is_all_ones():
    score = score_cases([a_case(1.0), a_case(52.0)], [a_thing(0.0), a_thing(50.0)])
    assert (score.precision, score.recall, score.duplicates, score.grid_accuracy) == (1.0, 1.0, 0, 1.0)
    assert score.position_error_m_median == pytest.approx(1.5)
    assert score.position_error_m_p95 == pytest.approx(1.95)


def test_a_case_far_from_every_like_thing_is_wrong():
    score = score_cases([a_case(1.0), a_case(13.5), a_case(0.0, class_name="pothole")], [a_thing(0.0)])
    assert (score.right, score.wrong, score.precision) == (1, 2, pytest.approx(1 / 3))


def test_a_second_case_on_a_found_thing_is_a_duplicate():
    score = score_cases([a_case(0.5), a_case(2.0)], [a_thing(0.0)])
    assert (score.right, score.duplicates, score.wrong) == (1, 1, 0)
    assert score.precision == score.duplicate_share == 0.5


def test_two_like_things_side_by_side_are_matched_one_to_one_even_where_both_cases_are_nearer_to_one():
    score = score_cases([a_case(3.0), a_case(2.5)], [a_thing(0.0), a_thing(4.0)])
    assert (score.right, score.duplicates) == (2, 0)


def test_one_case_for_two_things_misses_one():
    score = score_cases([a_case(2.0)], [a_thing(0.0), a_thing(4.0)])
    assert (score.right, score.recall) == (1, 0.5)


def test_a_case_on_a_thing_shown_less_than_three_times_counts_neither_way():
    score = score_cases([a_case(0.0), a_case(50.0)], [a_thing(0.0), a_thing(50.0, frames=2)])
    assert (score.cases, score.right, score.wrong, score.not_counted, score.things) == (2, 1, 0, 1, 1)
    assert score.precision == score.recall == 1.0


def test_a_wrong_grid_counts_as_unflagged_only_without_a_warning():
    things = [a_thing(0.0, border_m=1.0), a_thing(50.0, border_m=1.0), a_thing(99.0)]
    cases = [a_case(0.0, grid="g2"), a_case(50.0, grid="g2", candidates=("g2", "g1")), a_case(99.0)]
    score = score_cases(cases, things)
    assert score.grid_accuracy == pytest.approx(1 / 3)
    assert score.grid_wrong_unflagged == pytest.approx(1 / 3)
    assert score.grid_flagged == pytest.approx(1 / 3)
    assert score.near_border == pytest.approx(2 / 3)


def test_without_cases_nothing_is_found_and_precision_is_unknown():
    score = score_cases([], [a_thing(0.0)])
    assert score.recall == 0.0
    assert math.isnan(score.precision)
    assert score.record()["precision"] is None


def test_cases_come_from_geojson_in_the_city_s_own_metres(small_city: City):
    thing = small_city.things[0]
    point = lonlat(small_city, [[thing.x_m, thing.y_m]])[0]
    properties = {"class_name": thing.class_name, "grid": "330102001001001", "grid_candidates": ["a", "b"]}
    feature = {"geometry": {"type": "Point", "coordinates": point}, "properties": properties}
    case = cases_from_geojson(small_city, {"features": [feature]})[0]
    assert (case.x_m, case.y_m) == pytest.approx((thing.x_m, thing.y_m), abs=0.005)
    assert case.is_flagged
    assert case.grid == "330102001001001"
