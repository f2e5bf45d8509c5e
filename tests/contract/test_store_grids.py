"""Unit grids, on every database."""

from dataclasses import replace
from datetime import date

import pytest
import shapely

from inference_server.domain.errors import Conflict
from inference_server.domain.grid import Grid, GridId
from inference_server.ports import CaseStore


def a_grid(number: int, **changes: object) -> Grid:
    """A square."""
    square = shapely.box(120.0 + number * 1e-3, 30.0, 120.001 + number * 1e-3, 30.001)
    grid = Grid(id=GridId(f"33010200100100{number}"), polygon=square, valid_from=date(2026, 1, 1))
    return replace(grid, **changes)  # type: ignore[arg-type]


def test_grids_come_back_as_they_were(store: CaseStore) -> None:
    holed = shapely.MultiPolygon([a_grid(3).polygon, a_grid(5).polygon])
    grids = [
        a_grid(0, valid_until=date(2026, 6, 30), district_code="330102", name="湖滨一"),
        a_grid(0, valid_from=date(2026, 7, 1)),
        a_grid(1, polygon=holed),
    ]
    store.replace_grids("survey", grids)
    assert store.grids() == grids


def test_replacing_the_grids_of_one_source_leaves_the_others(store: CaseStore) -> None:
    store.replace_grids("east", [a_grid(0), a_grid(1)])
    store.replace_grids("west", [a_grid(2)])
    store.replace_grids("east", [a_grid(3)])
    assert store.grids() == [a_grid(2), a_grid(3)]
    store.replace_grids("east", [])
    assert store.grids() == [a_grid(2)]


def test_a_grid_that_another_source_has_is_a_conflict_and_nothing_changes(store: CaseStore) -> None:
    store.replace_grids("east", [a_grid(0)])
    store.replace_grids("west", [a_grid(1)])
    with pytest.raises(Conflict):
        store.replace_grids("east", [a_grid(1), a_grid(2)])
    assert store.grids() == [a_grid(0), a_grid(1)]
