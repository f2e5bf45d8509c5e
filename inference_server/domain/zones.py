"""Zones of the city where nothing is collected: rings of (lat, lon) on WGS84, from the policy."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import shapely

from inference_server.domain.errors import BadPolicy
from inference_server.domain.geo import LatLon, LocalPlane

Ring = tuple[tuple[float, float], ...]


def is_inside(position: LatLon, ring: Ring) -> bool:
    """Whether a position lies in a ring of (lat, lon)."""
    return distance_to_m(position, (ring,)) == 0.0


def distance_to_m(position: LatLon, rings: Sequence[Ring]) -> float:
    """Metres to the nearest of some rings: 0 inside or on the edge of one, infinite where there are none."""
    found = (area.distance(shapely.Point(*plane.metres(position))) for plane, area in map(_area, rings))
    return min(found, default=float("inf"))


def check_rings(rings: Any, where: str) -> None:
    """Nothing; BadPolicy names the ring that is none: of at least three corners (lat, lon), not crossing itself."""
    if not isinstance(rings, list | tuple):
        raise BadPolicy(f"{where}: a list of rings of [lat, lon] is wanted", field=where)
    for number, ring in enumerate(rings):
        name = f"{where}[{number}]"
        if not isinstance(ring, list | tuple) or len(ring) < 3 or not all(_is_corner(corner) for corner in ring):
            raise BadPolicy(f"{name}: at least three corners [lat, lon] in degrees are wanted", field=name)
        if not shapely.Polygon([(lon, lat) for lat, lon in ring]).is_valid:
            raise BadPolicy(f"{name}: the ring crosses itself", field=name)


def _is_corner(corner: Any) -> bool:
    if not isinstance(corner, list | tuple) or len(corner) != 2:
        return False
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in corner)
    return numbers and -90.0 <= corner[0] <= 90.0 and -180.0 <= corner[1] <= 180.0


@lru_cache(maxsize=1024)
def _area(ring: Ring) -> tuple[LocalPlane, shapely.Polygon]:
    """A ring in metres around its first corner; every frame asks, so it is made once."""
    plane = LocalPlane(LatLon(*ring[0]))
    area = shapely.Polygon([plane.metres(LatLon(lat, lon)) for lat, lon in ring])
    shapely.prepare(area)
    return plane, area
