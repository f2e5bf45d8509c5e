"""Signs that grids were imported with the wrong datum: they lie beside the districts they belong to."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
import shapely

from inference_server.domain.datum import from_wgs84, to_wgs84
from inference_server.domain.geo import LatLon, Matrix
from inference_server.domain.grid import Grid
from inference_server.domain.grid_checks import Fault, Finding

LEAST_OUTSIDE_SHARE: Final = 0.005
BETTER_SHARE: Final = 0.5
_CHINA: Final = shapely.box(72.0, 0.8, 137.9, 55.9)  # with the South China Sea

Pair = tuple[float, float]


def check_datum(grids: Sequence[Grid], districts: Sequence[Grid] = ()) -> list[Finding]:
    """A finding for each district whose grids fit it far better when read on another datum, and one for grids that are
    not in China at all (latitude and longitude swapped, or a projected system).

    `districts` are grids of whole districts, with ids of six digits, from a source whose datum is sure. The shift shows
    only where grids reach their district's border.
    """
    abroad = tuple(grid.id for grid in grids if not shapely.intersects(grid.polygon, _CHINA))
    findings = [Finding(Fault.WRONG_DATUM, abroad, "not in China: latitude and longitude swapped?")] if abroad else []
    for district in districts:
        members = [grid.polygon for grid in grids if grid.district_code == district.district_code]
        if members:
            findings += _beside(shapely.union_all(members), district)
    return findings


def _beside(whole: shapely.Geometry, district: Grid) -> Iterator[Finding]:
    def outside(shape: shapely.Geometry) -> float:
        return float(shapely.difference(shape, district.polygon).area / shape.area)

    as_it_is = outside(whole)
    if as_it_is < LEAST_OUTSIDE_SHARE:
        return
    others = {reading: outside(shapely.transform(whole, move)) for reading, move in _READINGS.items()}
    best = min(others, key=others.__getitem__)
    if others[best] < BETTER_SHARE * as_it_is:
        message = f"{as_it_is:.1%} of their ground is outside the district, {others[best]:.1%} if {best}"
        yield Finding(Fault.WRONG_DATUM, (district.id,), message)


def _each(move: Callable[[float, float], Pair]) -> Callable[[Matrix], Matrix]:
    """A function of `(n, 2)` lon, lat from one of lat, lon."""
    return lambda lon_lat: np.array([move(float(lat), float(lon))[::-1] for lon, lat in lon_lat])


def _was(datum: str) -> Callable[[float, float], Pair]:
    def move(lat: float, lon: float) -> Pair:
        there = to_wgs84(lat, lon, datum)
        return there.lat, there.lon

    return move


def _was_not(datum: str) -> Callable[[float, float], Pair]:
    return lambda lat, lon: from_wgs84(LatLon(lat, lon), datum)


_READINGS: Final = {
    "they were on gcj02, not on wgs84": _each(_was("gcj02")),
    "they were on bd09, not on wgs84": _each(_was("bd09")),
    "they were on wgs84, not on gcj02": _each(_was_not("gcj02")),
    "they were on wgs84, not on bd09": _each(_was_not("bd09")),
}
