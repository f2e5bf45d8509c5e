"""Grids: the exact border test against sampled ellipses, validity, speed."""

import math
import time
from datetime import UTC, date, datetime

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from inference_server.domain.errors import BadInput
from inference_server.domain.geo import LatLon, LocalPlane
from inference_server.domain.grid import Grid, GridId, GridIndex, Placement, grid_id

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
CORNER = LatLon(30.27, 120.15)
PLANE = LocalPlane(CORNER)
ROUND_1_M = np.eye(2)


def a_grid(name: str, ring_m: list[tuple[float, float]], **changes: object) -> Grid:
    """A grid whose ring is given in metres east and north of CORNER."""
    corners = [PLANE.latlon(np.array(point)) for point in ring_m]
    polygon = shapely.Polygon([(corner.lon, corner.lat) for corner in corners])
    return Grid(id=GridId(name), polygon=polygon, **{"valid_from": date(2026, 1, 1), **changes})  # type: ignore[arg-type]


def a_square(name: str, west_m: float, south_m: float, side_m: float = 100.0, **changes: object) -> Grid:
    east_m, north_m = west_m + side_m, south_m + side_m
    ring = [(west_m, south_m), (east_m, south_m), (east_m, north_m), (west_m, north_m)]
    return a_grid(name, ring, **changes)


FOUR = [a_square("SW", 0, 0), a_square("SE", 100, 0), a_square("NW", 0, 100), a_square("NE", 100, 100)]
INDEX = GridIndex(FOUR)


def locate(east_m: float, north_m: float, covariance_m2: np.ndarray = ROUND_1_M, index: GridIndex = INDEX) -> Placement:
    return index.locate(PLANE.latlon(np.array([east_m, north_m])), covariance_m2, NOON)


@pytest.mark.parametrize(
    ("east_m", "north_m", "grid", "candidates", "distance"),
    [
        pytest.param(50, 50, "SW", ["SW"], 50.0, id="the middle of a grid knows no other"),
        pytest.param(97.9, 50, "SW", ["SW"], 2.1, id="just out of reach of the border"),
        pytest.param(98.1, 50, "SW", ["SW", "SE"], 1.9, id="just within reach of the border"),
        pytest.param(101, 50, "SE", ["SE", "SW"], 1.0, id="on the other side"),
        pytest.param(99, 98.5, "SW", ["SW", "SE", "NW", "NE"], 1.0, id="near the corner all four, nearest first"),
        pytest.param(98.2, 98.2, "SW", ["SW", "NW", "SE"], 1.8, id="the corner itself is 2.5 sigmas off"),
        pytest.param(1.5, 50, "SW", ["SW"], 1.5, id="the outside counts as another grid"),
        pytest.param(-1.5, 50, None, ["SW"], 1.5, id="outside, but the ellipse reaches in"),
        pytest.param(-3, 50, None, [], math.inf, id="outside and far"),
    ],
)
def test_a_round_error_meets_the_grids_within_two_sigmas(
    east_m: float, north_m: float, grid: str | None, candidates: list[str], distance: float
) -> None:
    placement = locate(east_m, north_m)
    assert placement.grid == grid
    assert sorted(placement.candidates) == sorted(candidates)
    assert placement.candidates[:1] == tuple(candidates[:1])
    assert placement.border_distance_sigmas == pytest.approx(distance, rel=1e-5)
    assert placement.on_border == (distance <= 2.0)


def test_candidates_are_in_order_of_their_distance() -> None:
    assert locate(99, 98.5).candidates == ("SW", "SE", "NW", "NE")


def test_a_long_thin_error_reaches_along_itself_only() -> None:
    along_east = np.diag([16.0, 0.25])
    assert locate(93, 50, along_east).candidates == ("SW", "SE")
    assert not locate(50, 93, along_east).on_border


def test_a_slanted_error_reaches_the_corner_that_lies_on_its_axis() -> None:
    north_east = np.array([[8.0, 7.9], [7.9, 8.0]])
    assert "NE" in locate(95.5, 95.5, north_east).candidates
    north_west = np.array([[8.0, -7.9], [-7.9, 8.0]])
    assert "NE" not in locate(95.5, 95.5, north_west).candidates


@given(
    st.floats(-20, 220),
    st.floats(-20, 220),
    st.floats(0.3, 12),
    st.floats(0.3, 12),
    st.floats(-0.95, 0.95),
)
def test_the_candidates_are_the_grids_that_a_drawn_ellipse_touches(
    east_m: float, north_m: float, sigma_east_m: float, sigma_north_m: float, correlation: float
) -> None:
    shared = correlation * sigma_east_m * sigma_north_m
    covariance = np.array([[sigma_east_m**2, shared], [shared, sigma_north_m**2]])
    angles = np.linspace(0, 2 * math.pi, 721)
    circle = np.stack([np.cos(angles), np.sin(angles)])

    def ellipse(sigmas: float) -> shapely.Polygon:
        points = np.array([[east_m], [north_m]]) + sigmas * np.linalg.cholesky(covariance) @ circle
        return shapely.Polygon(points.T)

    placement = locate(east_m, north_m, covariance)
    squares = {name: shapely.box(*box) for name, box in _SQUARES_M.items()}
    for name, square in squares.items():
        if square.intersects(ellipse(1.99)):
            assert name in placement.candidates
        if not square.intersects(ellipse(2.01)):
            assert name not in placement.candidates
    inside = placement.grid is not None
    if inside and squares[str(placement.grid)].covers(ellipse(2.01)):
        assert not placement.on_border
    if inside and not squares[str(placement.grid)].covers(ellipse(1.99)):
        assert placement.on_border


_SQUARES_M = {"SW": (0, 0, 100, 100), "SE": (100, 0, 200, 100), "NW": (0, 100, 100, 200), "NE": (100, 100, 200, 200)}


def test_a_certain_position_has_no_border_trouble() -> None:
    placement = locate(99.9, 50, np.zeros((2, 2)))
    assert placement.candidates == ("SW",)
    assert not placement.on_border


def test_a_point_on_the_line_between_two_grids_always_gets_the_same_one() -> None:
    shared_edge = a_square("B", 0, 0), a_square("A", 0, 0)
    here = LatLon(CORNER.lat + 0.0002, CORNER.lon + 0.0002)
    for grids in (shared_edge, shared_edge[::-1]):
        placement = GridIndex(grids).locate(here, ROUND_1_M, NOON)
        assert placement.grid == "A"
        assert placement.candidates == ("A", "B")
        assert placement.on_border


def test_a_hole_in_a_grid_is_outside() -> None:
    outer = a_square("HOLED", 0, 0)
    hole = a_square("X", 40, 40, 20).polygon
    index = GridIndex([Grid(id=outer.id, polygon=outer.polygon.difference(hole), valid_from=outer.valid_from)])
    assert locate(50, 50, index=index).grid is None
    assert locate(39, 50, index=index).on_border
    assert not locate(30, 50, index=index).on_border


@pytest.mark.parametrize(
    ("at", "grid"),
    [
        pytest.param(datetime(2026, 6, 30, 15, 59, tzinfo=UTC), "OLD", id="the last minute of June in Hangzhou"),
        pytest.param(datetime(2026, 6, 30, 16, 0, tzinfo=UTC), "NEW", id="the first minute of July in Hangzhou"),
        pytest.param(datetime(2025, 12, 31, 15, 0, tzinfo=UTC), None, id="before any grid was drawn"),
        pytest.param(datetime(2030, 1, 1, tzinfo=UTC), "NEW", id="without an end it stays"),
    ],
)
def test_a_grid_counts_from_its_first_day_to_its_last(at: datetime, grid: str | None) -> None:
    old = a_square("OLD", 0, 0, valid_until=date(2026, 6, 30))
    new = a_square("NEW", 0, 0, valid_from=date(2026, 7, 1))
    index = GridIndex([old, new])
    placement = index.locate(PLANE.latlon(np.array([50.0, 50.0])), ROUND_1_M, at)
    assert placement.grid == grid
    assert not placement.on_border


def test_a_city_without_grids_places_nothing() -> None:
    assert locate(50, 50, index=GridIndex([])) == Placement(
        grid=None, candidates=(), on_border=False, border_distance_sigmas=math.inf
    )
    assert len(GridIndex([])) == 0
    assert len(INDEX) == 4


@pytest.mark.parametrize(
    "covariance",
    [
        pytest.param([[1.0, 2.0], [2.0, 1.0]], id="correlation above one"),
        pytest.param([[-1.0, 0.0], [0.0, 1.0]], id="negative variance"),
        pytest.param([[math.nan, 0.0], [0.0, 1.0]], id="no number"),
        pytest.param([[1.0, 0.0], [0.0, math.inf]], id="infinite"),
    ],
)
def test_an_impossible_covariance_is_refused(covariance: list[list[float]]) -> None:
    with pytest.raises(BadInput) as refusal:
        locate(50, 50, np.array(covariance))
    assert refusal.value.field == "covariance_m2"


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(BadInput) as refusal:
        INDEX.locate(CORNER, ROUND_1_M, datetime(2026, 11, 22))  # noqa: DTZ001
    assert refusal.value.field == "at"


@pytest.mark.parametrize(
    "text", ["33010200100100", "3301020010010071", "33010200100100a", "33010200100100 ", "", "33010200100100\n"]
)
def test_a_grid_id_of_the_wrong_shape_is_refused(text: str) -> None:
    with pytest.raises(BadInput) as refusal:
        grid_id(text)
    assert refusal.value.field == "id"


def test_the_length_of_grid_ids_is_the_citys_choice() -> None:
    assert grid_id("330102", 6) == "330102"
    assert grid_id("33010200100100A7", 16) == "33010200100100A7"
    with pytest.raises(BadInput, match="16"):
        grid_id("330102001001007", 16)


def test_ten_thousand_grids_answer_nearly_as_fast_as_a_hundred() -> None:
    few, many = checkerboard(10), checkerboard(100)
    rng = np.random.default_rng(7)
    places = [PLANE.latlon(rng.uniform(0, 1_000, 2)) for _ in range(500)]
    best_s = {100: math.inf, 10_000: math.inf}
    for _ in range(5):  # the best of five, in turn: a busy machine is no slow index
        for size, index in ((100, few), (10_000, many)):
            start = time.process_time()
            found = [index.locate(place, 4.0 * ROUND_1_M, NOON) for place in places]
            best_s[size] = min(best_s[size], time.process_time() - start)
            assert all(placement.grid is not None for placement in found)
    assert best_s[10_000] < 2.0 * best_s[100]


def checkerboard(side: int) -> GridIndex:
    """Squares of 100 m, `side` of them in each direction."""
    return GridIndex([a_square(f"{i:05d}", 100.0 * (i % side), 100.0 * (i // side)) for i in range(side * side)])
