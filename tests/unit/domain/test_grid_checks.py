"""Each fault of a set of grids is found where it is, and only there."""

from datetime import date

import numpy as np
import pytest
import shapely

from inference_server.domain.datum import from_wgs84, to_wgs84
from inference_server.domain.datum_checks import check_datum
from inference_server.domain.geo import LatLon, LocalPlane
from inference_server.domain.grid import Grid, GridId
from inference_server.domain.grid_checks import Fault, Finding, check_grids
from inference_server.domain.grid_plan import make_grids

PLANE = LocalPlane(LatLon(30.27, 120.15))
A, B, C = "330102001001001", "330102001001002", "330102001001003"


def a_grid(name: str, ring_m: list[tuple[float, float]], **changes: object) -> Grid:
    corners = [PLANE.latlon(np.array(point)) for point in ring_m]
    polygon = shapely.Polygon([(corner.lon, corner.lat) for corner in corners])
    return Grid(id=GridId(name), polygon=polygon, **{"valid_from": date(2026, 1, 1), **changes})  # type: ignore[arg-type]


def a_square(name: str, west_m: float, south_m: float = 0.0, **changes: object) -> Grid:
    east_m, north_m = west_m + 100.0, south_m + 100.0
    return a_grid(name, [(west_m, south_m), (east_m, south_m), (east_m, north_m), (west_m, north_m)], **changes)


def faults(grids: list[Grid], id_length: int = 15) -> list[tuple[Fault, tuple[str, ...]]]:
    return [(finding.fault, finding.ids) for finding in check_grids(grids, id_length=id_length)]


def test_grids_side_by_side_have_no_fault() -> None:
    assert check_grids([a_square(A, 0), a_square(B, 100), a_square(C, 200)]) == []
    assert check_grids([]) == []


def test_an_id_of_the_wrong_length_is_found() -> None:
    assert faults([a_square("3301020010010", 0), a_square(B, 100)]) == [(Fault.WRONG_ID, ("3301020010010",))]
    assert faults([a_square("330102", 0)], id_length=6) == []


def test_an_id_used_twice_is_found_unless_the_one_ended_before_the_other_began() -> None:
    assert faults([a_square(A, 0), a_square(A, 100)]) == [(Fault.DUPLICATE_ID, (A,))]
    old = a_square(A, 0, valid_until=date(2026, 6, 30))
    assert faults([old, a_square(A, 0, valid_from=date(2026, 7, 1))]) == []
    assert (Fault.DUPLICATE_ID, (A,)) in faults([old, a_square(A, 0, valid_from=date(2026, 6, 30))])


def test_a_ring_that_crosses_itself_is_found_and_left_out_of_the_rest() -> None:
    bow_tie = a_grid(A, [(0, 0), (100, 100), (100, 0), (0, 100)])
    empty = Grid(id=GridId(C), polygon=shapely.Polygon(), valid_from=date(2026, 1, 1))
    found = check_grids([bow_tie, a_square(B, 100), empty])
    assert [finding.fault for finding in found] == [Fault.INVALID_RING, Fault.INVALID_RING]
    assert "Self-intersection" in found[0].message
    assert "empty" in found[1].message


def test_an_overlap_is_found_with_its_area() -> None:
    assert check_grids([a_square(A, 0), a_square(B, 98)]) == [
        Finding(Fault.OVERLAP, (GridId(A), GridId(B)), "they overlap on 200.00 m2")
    ]


def test_grids_that_never_exist_together_do_not_overlap() -> None:
    old = a_square(A, 0, valid_until=date(2026, 6, 30))
    assert faults([old, a_square(B, 50, valid_from=date(2026, 7, 1))]) == []


def test_a_hole_among_grids_is_a_gap_with_its_neighbours() -> None:
    hole = a_square("X", 100, 100).polygon
    frame = a_grid(A, [(0, 0), (300, 0), (300, 300), (0, 300)])
    holed = Grid(id=frame.id, polygon=frame.polygon.difference(hole), valid_from=frame.valid_from)
    found = check_grids([holed])
    assert [(finding.fault, finding.ids) for finding in found] == [(Fault.GAP, (A,))]
    assert float(found[0].message.split()[0]) == pytest.approx(10_000, rel=1e-4)
    assert faults([holed, a_square(B, 100, 100)]) == []


def test_a_narrow_crack_that_leads_outside_is_a_gap() -> None:
    assert faults([a_square(A, 0), a_square(B, 100.5)]) == [(Fault.GAP, (A,)), (Fault.GAP, (B,))]
    assert faults([a_square(A, 0), a_square(B, 130)]) == []


def test_a_corner_that_the_neighbour_does_not_share_is_found() -> None:
    five_corners = a_grid(B, [(100, 0), (200, 0), (200, 100), (100, 100), (100, 50)])
    assert faults([a_square(A, 0), five_corners]) == [(Fault.UNMATCHED_BORDER, (A,)), (Fault.UNMATCHED_BORDER, (B,))]


DISTRICT = shapely.transform(
    a_square("X", 0).polygon, lambda lon_lat: (lon_lat - [120.15, 30.27]) * 40 + [120.15, 30.27]
)
DISTRICTS = [Grid(id=GridId("330102"), polygon=DISTRICT, valid_from=date(2021, 4, 9), district_code="330102")]


def shifted(grids: list[Grid], datum: str, *, towards: bool) -> list[Grid]:
    """The grids as they would be if the datum had been applied once too often, or forgotten."""

    def move(lon_lat: np.ndarray) -> np.ndarray:
        if towards:
            return np.array([from_wgs84(LatLon(lat, lon), datum)[::-1] for lon, lat in lon_lat])
        places = [to_wgs84(lat, lon, datum) for lon, lat in lon_lat]
        return np.array([(place.lon, place.lat) for place in places])

    return [
        Grid(
            id=grid.id,
            polygon=shapely.transform(grid.polygon, move),
            valid_from=grid.valid_from,
            district_code=grid.district_code,
        )
        for grid in grids
    ]


@pytest.mark.parametrize(
    ("datum", "towards", "reading"),
    [
        pytest.param("gcj02", True, "they were on gcj02, not on wgs84", id="gcj02 taken for wgs84"),
        pytest.param("bd09", True, "they were on bd09, not on wgs84", id="bd09 taken for wgs84"),
        pytest.param("gcj02", False, "they were on wgs84, not on gcj02", id="wgs84 taken for gcj02"),
        pytest.param("bd09", False, "they were on wgs84, not on bd09", id="wgs84 taken for bd09"),
    ],
)
def test_grids_imported_on_the_wrong_datum_are_suspected(datum: str, towards: bool, reading: str) -> None:
    grids = make_grids(DISTRICT, district_code="330102", valid_from=date(2026, 1, 1), side_m=400.0)
    assert check_datum(grids, DISTRICTS) == []
    found = check_datum(shifted(grids, datum, towards=towards), DISTRICTS)
    assert [(finding.fault, finding.ids) for finding in found] == [(Fault.WRONG_DATUM, ("330102",))]
    assert found[0].message.endswith(f"0.0% if {reading}")


def test_grids_outside_china_are_suspected_without_any_district() -> None:
    swapped = Grid(id=GridId(A), polygon=shapely.box(30.27, 80.15, 30.28, 80.16), valid_from=date(2026, 1, 1))
    assert [finding.ids for finding in check_datum([swapped, a_square(B, 0)])] == [(A,)]


def test_a_district_drawn_otherwise_is_no_matter_of_datum() -> None:
    bigger = make_grids(DISTRICT.buffer(0.01), district_code="330102", valid_from=date(2026, 1, 1), side_m=400.0)
    assert check_datum(bigger, DISTRICTS) == []
