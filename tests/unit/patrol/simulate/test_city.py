"""A whole city: what lies where."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from patrol.simulate.city import City, CityConfig
from patrol.simulate.things import CASE_CLASSES, DISTRACTORS, Thing

BIG = CityConfig(look="test", seed=2, blocks=(6, 5), things=1000)


@pytest.fixture(scope="module")
def big_city() -> City:
    return City(BIG)


def gaps_to_like_ones(things: tuple[Thing, ...]) -> np.ndarray:
    """For each thing the distance to the nearest one of its class."""
    places = np.array([(thing.x_m, thing.y_m) for thing in things])
    away = np.hypot(*np.moveaxis(places[:, None] - places[None], 2, 0))
    kinds = np.array([thing.class_name for thing in things])
    away[kinds[:, None] != kinds[None]] = np.inf
    np.fill_diagonal(away, np.inf)
    return away.min(axis=1)


def test_a_city_has_as_many_things_as_asked_for_and_of_every_case_class(big_city: City):
    counts = Counter(thing.class_name for thing in big_city.things)
    assert sum(counts.values()) == 1000
    assert set(counts) == set(CASE_CLASSES)
    assert min(counts.values()) > 140


def test_fifteen_per_cent_have_a_like_one_within_three_to_eight_metres_and_all_others_none_within_twelve(
    big_city: City,
):
    gaps = gaps_to_like_ones(big_city.things)
    close = (gaps >= 3.0) & (gaps <= 8.0)
    assert close.mean() == pytest.approx(0.15, abs=0.002)
    assert gaps[~close].min() >= 12.0


def test_the_same_config_gives_the_same_city_and_another_seed_another(big_city: City):
    assert City(BIG).things == big_city.things
    assert City(BIG).cars(1) == big_city.cars(1)
    other = City(replace(BIG, seed=3))
    assert not {(thing.x_m, thing.y_m) for thing in other.things} & {
        (thing.x_m, thing.y_m) for thing in big_city.things
    }


def test_the_three_families_draw_different_cities_from_one_seed():
    plans = {look: City(CityConfig(look=look, seed=2, blocks=(2, 2))).plan for look in ("train", "demo", "test")}
    turns = {plan.turn_deg for plan in plans.values()}
    lines = {plan.x_lines[0].at_m for plan in plans.values()}
    assert len(turns) == len(lines) == 3


def test_every_thing_lies_on_the_part_of_the_street_where_its_class_belongs(big_city: City):
    streets = {street.name: street for street in big_city.plan.streets}
    for thing in (*big_city.things, *big_city.context):
        street = streets[thing.street]
        assert street.point(thing.along_m, thing.offset_m) == pytest.approx((thing.x_m, thing.y_m), abs=0.31)
        away = abs(thing.offset_m)
        if thing.contact == "wall":
            assert away == pytest.approx(street.wall_m, abs=0.3)
        elif thing.class_name in ("pothole", "traffic_cone", "patch"):
            assert away < street.road_half_m
        elif thing.class_name in ("garbage", "bin", "overflowing_bin"):
            assert street.road_half_m < away < street.wall_m
        assert thing.side == ("right" if thing.offset_m >= 0 else "left")


def test_things_appear_and_are_cleaned_between_passes(big_city: City):
    there = [{thing.name for thing in big_city.things if thing.is_there(number)} for number in range(3)]
    always = there[0] & there[1] & there[2]
    assert 0.6 < len(always) / 1000 < 0.9
    assert there[1] - there[0]
    assert there[0] - there[2]
    assert there[0] | there[1] | there[2] == {thing.name for thing in big_city.things}


def test_every_pass_has_its_own_parked_cars_and_none_stands_on_a_thing(big_city: City):
    first, second = big_city.cars(0), big_city.cars(1)
    assert len(first) > 50
    assert {(car.x_m, car.y_m) for car in first}.isdisjoint({(car.x_m, car.y_m) for car in second})
    on_road = np.array([(t.x_m, t.y_m) for t in big_city.things if t.class_name in ("pothole", "soil_heap")])
    cars = np.array([(car.x_m, car.y_m) for car in first])
    assert np.hypot(*np.moveaxis(cars[:, None] - on_road[None], 2, 0)).min() > 2.2


def test_harmless_things_stand_about_as_well(big_city: City):
    counts = Counter(thing.class_name for thing in big_city.context)
    assert set(counts) >= {"bin", "manhole_cover", "traffic_cone", *DISTRACTORS}


def test_a_city_too_small_for_its_things_says_so():
    with pytest.raises(ValueError, match="take more blocks"):
        _ = City(CityConfig(look="test", blocks=(1, 1), things=250)).things


def test_plan_and_enu_are_turned_into_each_other(big_city: City):
    plan = big_city.plan
    points = np.array([[10.0, 20.0], [-3.0, 7.0]])
    assert plan.to_plan(plan.to_enu(points)) == pytest.approx(points)
    ahead = plan.to_enu(np.array([[0.0, 1.0]]))[0]  # plan heading 0
    assert np.degrees(np.arctan2(*ahead)) == pytest.approx(plan.turn_deg)


def test_a_building_blocks_the_view_across_a_block_and_not_along_a_street(big_city: City):
    plan = big_city.plan
    west, east = plan.x_lines[0], plan.x_lines[1]
    middle = (plan.y_lines[0].at_m + plan.y_lines[1].at_m) / 2
    eye = np.array([west.at_m, middle])
    ends = np.array([[east.at_m, middle], [west.at_m, middle + 40], [west.at_m + west.wall_m, middle + 20]])
    assert plan.blocked(eye, ends).tolist() == [True, False, False]
