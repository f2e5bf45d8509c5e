"""Made grids: they fill their district exactly and are numbered as the standard numbers them."""

from datetime import date

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from inference_server.domain.errors import BadInput
from inference_server.domain.geo import LatLon, LocalPlane
from inference_server.domain.grid import Grid
from inference_server.domain.grid_plan import make_grids

PLANE = LocalPlane(LatLon(30.27, 120.15))
TODAY = date(2026, 11, 22)


def ground(ring_m: list[tuple[float, float]]) -> shapely.Polygon:
    corners = [PLANE.latlon(np.array(point)) for point in ring_m]
    return shapely.Polygon([(corner.lon, corner.lat) for corner in corners])


def made(district: shapely.Polygon, side_m: float = 100.0) -> list[Grid]:
    return make_grids(district, district_code="330102", valid_from=TODAY, side_m=side_m)


def centre_m(grid: Grid) -> tuple[float, float]:
    point = grid.polygon.centroid
    east_m, north_m = PLANE.metres(LatLon(point.y, point.x))
    return float(east_m), float(north_m)


SQUARE = ground([(-2600, -1300), (2600, -1300), (2600, 1300), (-2600, 1300)])


def test_a_square_district_gets_square_grids_of_the_asked_side() -> None:
    grids = made(SQUARE)
    sides_m = np.array([np.diff([PLANE.metres(LatLon(y, x)) for x, y in zip(*box, strict=True)], axis=0)[0] for box in (
        ((g.polygon.bounds[0], g.polygon.bounds[2]), (g.polygon.bounds[1], g.polygon.bounds[3])) for g in grids
    )])  # fmt: skip
    assert len(grids) == 52 * 26
    assert np.allclose(sides_m, 100.0, atol=0.2)
    assert all(grid.valid_from == TODAY and grid.district_code == "330102" for grid in grids)


def test_numbers_run_from_west_to_east_and_from_north_to_south() -> None:
    grids = {grid.id: centre_m(grid) for grid in made(SQUARE)}
    first, second, next_row = (grids[f"330102001001{n:03d}"] for n in (1, 2, 11))  # type: ignore[index]
    assert first == pytest.approx((-2550, 1250), abs=1)
    assert second == pytest.approx((-2450, 1250), abs=1)
    assert next_row == pytest.approx((-2550, 1150), abs=1)
    assert grids["330102001002001"] == pytest.approx((-1550, 1250), abs=1)  # type: ignore[index]
    assert grids["330102002001001"] == pytest.approx((2450, 1250), abs=1)  # type: ignore[index]
    assert list(grids) == sorted(grids)
    assert all(len(name) == 15 for name in grids)


@settings(max_examples=30)
@given(
    st.lists(st.floats(0.2, 1.0), min_size=3, max_size=24), st.floats(150, 900), st.sampled_from([60.0, 100.0, 250.0])
)
def test_the_grids_of_any_district_fill_it_exactly(radii: list[float], size_m: float, side_m: float) -> None:
    angles = np.linspace(0, 2 * np.pi, len(radii), endpoint=False)
    district = ground([(size_m * r * np.cos(a), size_m * r * np.sin(a)) for r, a in zip(radii, angles, strict=True)])
    grids = made(district, side_m)
    polygons = [grid.polygon for grid in grids]
    assert len({grid.id for grid in grids}) == len(grids)
    assert shapely.coverage_is_valid(polygons)
    assert sum(polygon.area for polygon in polygons) == pytest.approx(district.area, rel=1e-9)
    assert shapely.union_all(polygons).symmetric_difference(district).area < 1e-9 * district.area


def test_a_sliver_at_the_border_joins_its_neighbour() -> None:
    grids = made(ground([(0, 0), (210, 0), (210, 100), (0, 100)]))
    assert len(grids) == 2
    assert sorted(round(centre_m(grid)[0]) for grid in grids) == [50, 155]


def test_a_hole_in_the_district_stays_a_hole() -> None:
    lake = ground([(130, 130), (270, 130), (270, 270), (130, 270)])
    district = ground([(0, 0), (400, 0), (400, 400), (0, 400)]).difference(lake)
    grids = made(district)
    assert not any(grid.polygon.intersects(lake.buffer(-1e-9)) for grid in grids)
    assert sum(grid.polygon.area for grid in grids) == pytest.approx(district.area, rel=1e-9)


@pytest.mark.parametrize(
    ("district", "side_m", "field"),
    [
        pytest.param(ground([(0, 0), (100, 100), (100, 0), (0, 100)]), 100.0, "district", id="a bow tie"),
        pytest.param(shapely.Polygon(), 100.0, "district", id="nothing"),
        pytest.param(SQUARE, 5.0, "side_m", id="too small a side"),
        pytest.param(SQUARE, float("nan"), "side_m", id="no side"),
        pytest.param(
            ground([(0, 0), (40_000, 0), (40_000, 40_000), (0, 40_000)]), 100.0, "side_m", id="too many cells"
        ),
    ],
)
def test_an_impossible_district_or_side_is_refused(district: shapely.Polygon, side_m: float, field: str) -> None:
    with pytest.raises(BadInput) as refusal:
        made(district, side_m)
    assert refusal.value.field == field


def test_a_district_code_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(BadInput, match="15 digits"):
        make_grids(SQUARE, district_code="3301", valid_from=TODAY)
