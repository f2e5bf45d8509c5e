"""Positions on the ground and the flat plane around them."""

import math
from dataclasses import dataclass
from typing import NewType

import numpy as np
from numpy.typing import NDArray

CellId = NewType("CellId", int)
Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

WGS84_A_M = 6378137.0
WGS84_E2 = 6.69437999014e-3
CELL_DEG = 0.000576  # about 64 m of latitude, and 55 m of longitude in Hangzhou
_CELL_COLUMNS = 1 << 20


@dataclass(frozen=True, slots=True)
class LatLon:
    """A position in degrees on WGS84."""

    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class LocalPlane:
    """East and north metres around `origin`, exact enough for some kilometres.

    Scales are the radii of curvature of the WGS84 ellipsoid at the origin (Bowring; any geodesy text).

    >>> plane = LocalPlane(LatLon(30.27, 120.15))
    >>> there = plane.latlon(np.array([120.0, -45.0]))
    >>> plane.metres(there).round(6).tolist()
    [120.0, -45.0]
    """

    origin: LatLon

    def _scales(self) -> tuple[float, float]:
        sin_lat = math.sin(math.radians(self.origin.lat))
        w = math.sqrt(1.0 - WGS84_E2 * sin_lat * sin_lat)
        meridian_m = WGS84_A_M * (1.0 - WGS84_E2) / w**3
        normal_m = WGS84_A_M / w
        per_degree = math.pi / 180.0
        return normal_m * math.cos(math.radians(self.origin.lat)) * per_degree, meridian_m * per_degree

    def metres(self, position: LatLon) -> Vector:
        """`(2,)` east and north of the origin in metres."""
        east, north = self._scales()
        return np.array([(position.lon - self.origin.lon) * east, (position.lat - self.origin.lat) * north])

    def latlon(self, metres: Vector) -> LatLon:
        """The position `(2,)` metres east and north of the origin."""
        east, north = self._scales()
        return LatLon(self.origin.lat + float(metres[1]) / north, self.origin.lon + float(metres[0]) / east)


def distance_m(a: LatLon, b: LatLon) -> float:
    """Metres between two positions some kilometres apart at most.

    >>> round(distance_m(LatLon(30.0, 120.0), LatLon(30.0, 120.001)), 1)
    96.5
    """
    return float(np.hypot(*LocalPlane(a).metres(b)))


def bearing_deg(a: LatLon, b: LatLon) -> float:
    """Direction from `a` to `b`, clockwise from north, in [0, 360).

    >>> round(bearing_deg(LatLon(30.0, 120.0), LatLon(30.0, 120.001)), 3)
    90.0
    """
    east, north = LocalPlane(a).metres(b)
    return math.degrees(math.atan2(east, north)) % 360.0


def heading_vector(heading_deg: float) -> Vector:
    """`(2,)` unit vector east, north of a heading clockwise from north."""
    angle = math.radians(heading_deg)
    return np.array([math.sin(angle), math.cos(angle)])


def cell_of(position: LatLon) -> CellId:
    """The ~64 m cell that holds a position."""
    return CellId(math.floor(position.lat / CELL_DEG) * _CELL_COLUMNS + math.floor(position.lon / CELL_DEG))


def cells_around(position: LatLon, radius_m: float) -> frozenset[CellId]:
    """All cells that a circle may touch (some corners more: a cell too many costs a lock, one too few a duplicate)."""
    plane = LocalPlane(position)
    low, high = plane.latlon(np.array([-radius_m, -radius_m])), plane.latlon(np.array([radius_m, radius_m]))
    rows = range(math.floor(low.lat / CELL_DEG), math.floor(high.lat / CELL_DEG) + 1)
    columns = range(math.floor(low.lon / CELL_DEG), math.floor(high.lon / CELL_DEG) + 1)
    return frozenset(CellId(row * _CELL_COLUMNS + column) for row in rows for column in columns)
