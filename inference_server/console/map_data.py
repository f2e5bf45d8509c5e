"""What the map draws, as GeoJSON (x = longitude, y = latitude, WGS84)."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import shapely

from inference_server.console.services import ConsoleServices
from inference_server.console.views import radius_68_m
from inference_server.domain.case import Case
from inference_server.domain.city_time import city_day
from inference_server.domain.geo import LatLon
from inference_server.domain.grid import Grid
from inference_server.domain.reach import Reach

GeoJson = dict[str, Any]
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)


def grid_features(grids: Sequence[Grid], now: datetime) -> GeoJson:
    """The unit grids that are valid today in the city."""
    today = city_day(now)
    return _collection(
        {
            "type": "Feature",
            "id": grid.id,
            "geometry": json.loads(shapely.to_geojson(grid.polygon)),
            "properties": {"name": grid.name, "district": grid.district_code},
        }
        for grid in grids
        if grid.is_valid_on(today)
    )


def case_features(cases: Sequence[Case]) -> GeoJson:
    """One point per case; `radius_m` holds 68 % of the errors of its position."""
    return _collection(
        {
            "type": "Feature",
            "id": case.id,
            "geometry": {"type": "Point", "coordinates": _xy(case.position)},
            "properties": {
                "class_name": case.class_name,
                "state": case.state,
                "radius_m": round(radius_68_m(case.covariance_m2), 2),
                "on_border": case.on_border,
            },
        }
        for case in cases
    )


def trail_points(services: ConsoleServices, after: datetime | None, reach: Reach) -> dict[str, Any]:
    """The frames with a fix of the last hours of driving, or only those taken at a moment or later, oldest first.

    Rows of frame, index of its camera, time, longitude, latitude, analysed: as rows they are a third of the size.
    """
    newest = services.store.trail(_EARLIEST, 1)
    since = newest[-1].taken_at - services.trail_window if newest else _EARLIEST
    points = services.sight.trail(max(since, after or _EARLIEST), services.trail_points, reach)
    cameras = {camera: index for index, camera in enumerate(dict.fromkeys(point.camera for point in points))}
    rows = [[p.frame_id, cameras[p.camera], _time(p.taken_at), *_xy(p.position), int(p.is_analysed)] for p in points]
    return {"cameras": list(cameras), "points": rows}


def _time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")


def _xy(position: LatLon) -> list[float]:
    return [round(position.lon, 7), round(position.lat, 7)]


def _collection(features: Any) -> GeoJson:
    return {"type": "FeatureCollection", "features": list(features)}
