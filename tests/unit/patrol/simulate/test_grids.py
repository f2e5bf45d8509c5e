"""Unit grids of a drawn city."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest

from patrol.simulate.city import City
from patrol.simulate.grids import border_distance, grid_at, grids_geojson, unit_grids


def test_ids_have_fifteen_digits_and_are_all_different(small_city: City):
    names = [grid.name for grid in unit_grids(small_city)]
    assert len(names) == len(set(names)) == 16
    assert all(len(name) == 15 and name.isdigit() for name in names)


def test_borders_run_along_the_street_centre_lines(small_city: City):
    xs = {edge for grid in unit_grids(small_city) for edge in (grid.box[0], grid.box[2])}
    assert {line.at_m for line in small_city.plan.x_lines} <= xs


def test_every_thing_lies_in_exactly_one_grid_at_its_distance_from_the_border(small_city: City):
    grids = unit_grids(small_city)
    streets = {street.name: street for street in small_city.plan.streets}
    for thing in small_city.things:
        holders = [g for g in grids if g.box[0] <= thing.x_m < g.box[2] and g.box[1] <= thing.y_m < g.box[3]]
        assert [grid.name for grid in holders] == [grid_at(grids, thing.x_m, thing.y_m)]
        assert border_distance(grids, thing.x_m, thing.y_m) <= abs(thing.offset_m) + 0.31
        assert abs(thing.offset_m) <= streets[thing.street].wall_m + 0.31


def test_outside_the_city_there_is_no_grid(small_city: City):
    assert grid_at(unit_grids(small_city), 1e5, 0.0) is None
    assert border_distance(unit_grids(small_city), 1e5, 0.0) == 0.0


def test_the_geojson_holds_closed_rings_of_the_same_size_on_the_earth(small_city: City):
    geod = pyproj.Geod(ellps="WGS84")
    collection = grids_geojson(small_city)
    for grid, feature in zip(unit_grids(small_city), collection["features"], strict=True):
        ring = feature["geometry"]["coordinates"][0]
        assert ring[0] == ring[-1]
        assert feature["properties"] == {
            "grid": grid.name,
            "valid_from": "2025-01-01",
            "valid_to": None,
            "datum": "wgs84",
        }
        area, _ = geod.polygon_area_perimeter(*np.array(ring).T)
        x0, y0, x1, y1 = grid.box
        assert area == pytest.approx((x1 - x0) * (y1 - y0), rel=2e-4)  # positive: counter-clockwise
