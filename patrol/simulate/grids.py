"""Unit grids of a drawn city: one for each block, its borders on the street centre lines."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from patrol.simulate.city import City
from patrol.simulate.layout import OUTER_M, Floats

DISTRICT = "330102"
VALID_FROM = "2025-01-01"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitGrid:
    """A unit grid: its 15-character id and its rectangle (low x, low y, high x, high y) in the plan."""

    name: str
    box: tuple[float, float, float, float]

    def corners(self) -> Floats:
        """The corners `(4, 2)` in the plan, counter-clockwise."""
        x0, y0, x1, y1 = self.box
        return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


def edges(lines: list[float]) -> list[float]:
    """Borders along one axis: the city's edge, the centre lines, the other edge."""
    return [lines[0] - OUTER_M, *lines, lines[-1] + OUTER_M]


def unit_grids(city: City) -> list[UnitGrid]:
    """The grids of a city, row by row; ids are district, street office, community and number (6 + 3 + 3 + 3 digits)."""
    xs = edges([line.at_m for line in city.plan.x_lines])
    ys = edges([line.at_m for line in city.plan.y_lines])
    found = []
    for row in range(len(ys) - 1):
        for column in range(len(xs) - 1):
            name = f"{DISTRICT}{row // 4 + 1:03d}{column // 4 + 1:03d}{(row % 4) * 4 + column % 4 + 1:03d}"
            found.append(UnitGrid(name=name, box=(xs[column], ys[row], xs[column + 1], ys[row + 1])))
    return found


def grid_at(grids: list[UnitGrid], x_m: float, y_m: float) -> str | None:
    """The id of the grid that holds a place of the plan; None outside all."""
    for grid in grids:
        if grid.box[0] <= x_m < grid.box[2] and grid.box[1] <= y_m < grid.box[3]:
            return grid.name
    return None


def border_distance(grids: list[UnitGrid], x_m: float, y_m: float) -> float:
    """Metres from a place of the plan to the nearest border of the grid that holds it; 0 outside all."""
    for grid in grids:
        x0, y0, x1, y1 = grid.box
        if x0 <= x_m < x1 and y0 <= y_m < y1:
            return min(x_m - x0, x1 - x_m, y_m - y0, y1 - y_m)
    return 0.0


def lonlat(city: City, plan: Floats) -> list[list[float]]:
    """[longitude, latitude] in WGS84 of plan points `(n, 2)`."""
    found = []
    for east, north in city.plan.to_enu(plan):
        lat, lon = city.local.to_latlon(float(east), float(north))
        found.append([round(lon, 8), round(lat, 8)])
    return found


def grids_geojson(city: City) -> dict[str, Any]:
    """The grids as GeoJSON in WGS84; each has `grid`, `valid_from` and `valid_to` (null: still valid)."""
    features = []
    for grid in unit_grids(city):
        ring = lonlat(city, grid.corners())
        features.append(
            {
                "type": "Feature",
                "properties": {"grid": grid.name, "valid_from": VALID_FROM, "valid_to": None, "datum": "wgs84"},
                "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
            }
        )
    return {"type": "FeatureCollection", "features": features}
