"""Unit grids: which one holds a position, and which others its error may reach."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NewType
from zoneinfo import ZoneInfo

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon

from inference_server.domain.city_time import CITY_ZONE, city_day
from inference_server.domain.errors import BadInput
from inference_server.domain.geo import LatLon, LocalPlane, Matrix

GridId = NewType("GridId", str)

GRID_ID_LENGTH = 15  # 6 division + 3 street + 3 community + 3 sequence
_LEAST_VARIANCE_M2 = 1e-6  # a perfectly known position still has a millimetre


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """One unit grid. `polygon` has x = lon, y = lat in WGS84 degrees; both dates are inclusive, in city time."""

    id: GridId
    polygon: Polygon | MultiPolygon
    valid_from: date
    valid_until: date | None = None
    district_code: str = ""
    name: str = ""

    def is_valid_on(self, day: date) -> bool:
        """Whether the grid exists on a day."""
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a position lies: `grid` holds it (None: no grid does), `candidates` are all grids that its error ellipse
    touches, nearest first. `border_distance_sigmas` is the distance to the nearest border in standard deviations
    (infinite where no grid is near)."""

    grid: GridId | None
    candidates: tuple[GridId, ...]
    on_border: bool
    border_distance_sigmas: float


def grid_id(text: str, length: int = GRID_ID_LENGTH) -> GridId:
    """The text as a grid id, BadInput where it is not `length` digits or capital letters.

    >>> grid_id("330102001001007")
    '330102001001007'
    """
    if not re.fullmatch(f"[0-9A-Z]{{{length}}}", text):
        raise BadInput(f"grid id {text!r} is not {length} digits or capital letters", field="id")
    return GridId(text)


class GridIndex:
    """All grids of a city, ready to be asked."""

    def __init__(self, grids: Sequence[Grid], *, zone: ZoneInfo = CITY_ZONE) -> None:
        self._grids = sorted(grids, key=lambda grid: (grid.id, grid.valid_from))
        self._polygons = np.array([grid.polygon for grid in self._grids], dtype=object)
        self._zone = zone
        shapely.prepare(self._polygons)
        self._tree = shapely.STRtree(self._polygons)

    def __len__(self) -> int:
        return len(self._grids)

    def locate(self, position: LatLon, covariance_m2: Matrix, at: datetime, sigmas: float = 2.0) -> Placement:
        """The grid of a position with error `covariance_m2` `(2, 2)` east, north, as the grids were at that time.

        Polygons are divided by the Cholesky factor of the covariance: there the ellipse is a circle and the distance
        to it exact. On the border means: the ellipse touches another grid, or ground that is in no grid.
        """
        factor = _cholesky(covariance_m2)
        day = city_day(at, self._zone)
        near = self._near(position, factor, sigmas)
        found = [int(i) for i in near if self._grids[i].is_valid_on(day)]
        if not found:
            return Placement(grid=None, candidates=(), on_border=False, border_distance_sigmas=math.inf)
        white = shapely.transform(self._polygons[found], _Whitening(position, factor))
        here = shapely.Point(0.0, 0.0)
        distances = shapely.distance(white, here)
        ranked = sorted(zip(distances.tolist(), found, white, strict=True), key=lambda row: row[:2])
        candidates = tuple(dict.fromkeys(self._grids[i].id for distance, i, _ in ranked if distance <= sigmas))
        nearest, index, polygon = ranked[0]
        if nearest > 0.0:
            border = nearest
            return Placement(
                grid=None, candidates=candidates, on_border=bool(candidates), border_distance_sigmas=border
            )
        border = min([float(shapely.distance(polygon.boundary, here)), *(row[0] for row in ranked[1:])])
        return Placement(
            grid=self._grids[index].id,
            candidates=candidates,
            on_border=border <= sigmas,
            border_distance_sigmas=border,
        )

    def middle(self, wanted: GridId, at: datetime) -> LatLon | None:
        """A point inside a grid, as it was at that time; None where there was none."""
        day = city_day(at, self._zone)
        for grid in self._grids:
            if grid.id == wanted and grid.is_valid_on(day):
                point = grid.polygon.representative_point()
                return LatLon(point.y, point.x)
        return None

    def _near(self, position: LatLon, factor: tuple[float, float, float], sigmas: float) -> list[int]:
        """The grids whose bounding box meets the one of the ellipse."""
        ee, en, nn = factor
        reach_m = np.array([ee, math.hypot(en, nn)]) * sigmas
        plane = LocalPlane(position)
        low, high = plane.latlon(-reach_m), plane.latlon(reach_m)
        return [int(i) for i in self._tree.query(shapely.box(low.lon, low.lat, high.lon, high.lat))]


class _Whitening:
    """Lon-lat degrees to standard deviations from a position, under a Cholesky factor."""

    def __init__(self, position: LatLon, factor: tuple[float, float, float]) -> None:
        self._origin = np.array([position.lon, position.lat])
        self._scales = LocalPlane(position).metres(LatLon(position.lat + 1.0, position.lon + 1.0))
        ee, en, nn = factor
        self._inverse = np.array([[1.0 / ee, 0.0], [-en / (ee * nn), 1.0 / nn]])

    def __call__(self, lon_lat: Matrix) -> Matrix:
        white: Matrix = ((lon_lat - self._origin) * self._scales) @ self._inverse.T
        return white


def _cholesky(covariance_m2: Matrix) -> tuple[float, float, float]:
    """The lower factor (ee, ne, nn) of a `(2, 2)` covariance, by hand: numpy takes ten times as long for 2 x 2."""
    ee = float(covariance_m2[0][0]) + _LEAST_VARIANCE_M2
    en = float(covariance_m2[0][1])
    nn = float(covariance_m2[1][1]) + _LEAST_VARIANCE_M2
    rest = nn - en * en / ee if ee > 0.0 else -1.0
    if not (math.isfinite(ee) and math.isfinite(rest) and ee > 0.0 and rest > 0.0):
        raise BadInput("the covariance of a position is not positive definite", field="covariance_m2")
    first = math.sqrt(ee)
    return first, en / first, math.sqrt(rest)
