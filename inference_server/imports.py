"""Unit grids from a GeoJSON file. (Made ones come from domain/grid_plan.py, checks are in domain/grid_checks.py.)"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon

from inference_server.domain.datum import DATUMS, to_wgs84
from inference_server.domain.errors import BadInput, UnknownDatum
from inference_server.domain.geo import Matrix
from inference_server.domain.grid import GRID_ID_LENGTH, Grid, grid_id

_DIVISION_LENGTH: Final = 6
_EPSG_OF_DATUM: Final = {"wgs84": {"4326"}, "cgcs2000": {"4490"}, "gcj02": {"4326"}, "bd09": {"4326"}}
_Feature = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """How a file is to be read."""

    id_property: str
    name_property: str
    datum: str
    id_length: int
    valid_from: date
    valid_until: date | None


def read_geojson(
    path: Path,
    *,
    id_property: str,
    datum: str,
    valid_from: date,
    id_length: int = GRID_ID_LENGTH,
    valid_until: date | None = None,
    name_property: str = "name",
) -> list[Grid]:
    """The grids of a GeoJSON FeatureCollection of polygons, on WGS84.

    The id is the property of that name; for `id` also the feature's own member. The first six characters are the
    district. BadInput says which feature is wrong and why; nothing is read of a file that is wrong in part.
    """
    if datum not in DATUMS:
        raise UnknownDatum(f"datum {datum!r} is unknown; known are {', '.join(DATUMS)}", field="datum")
    if valid_until is not None and valid_until < valid_from:
        raise BadInput(f"grids that end on {valid_until} cannot begin on {valid_from}", field="valid_until")
    reading = _Reading(
        id_property=id_property,
        name_property=name_property,
        datum=datum,
        id_length=id_length,
        valid_from=valid_from,
        valid_until=valid_until,
    )
    return [_grid(feature, f"feature {i}", reading) for i, feature in enumerate(_features(path, datum))]


def _features(path: Path, datum: str) -> list[_Feature]:
    try:
        collection = json.loads(path.read_bytes())
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as fault:
        raise BadInput(f"{path.name} is not JSON: {fault}", field="file") from fault
    if not isinstance(collection, dict) or collection.get("type") != "FeatureCollection":
        raise BadInput(f"{path.name} is not a GeoJSON FeatureCollection", field="type")
    _check_reference_system(collection.get("crs"), datum)
    features = collection.get("features")
    if not isinstance(features, list) or not features:
        raise BadInput(f"{path.name} has no features", field="features")
    return features


def _check_reference_system(crs: object, datum: str) -> None:
    """Refuses a file whose own (old-style) `crs` contradicts the declared datum."""
    if crs is None:
        return
    code = re.search(r"EPSG:+(\d+)", json.dumps(crs))
    if code and code.group(1) not in _EPSG_OF_DATUM[datum]:
        message = f"the file says EPSG:{code.group(1)}, which is not {datum} in degrees: convert it first"
        raise BadInput(message, field="crs")


def _grid(feature: object, where: str, reading: _Reading) -> Grid:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise BadInput(f"{where} is no GeoJSON feature", field="features")
    properties = feature.get("properties") or {}
    found = properties.get(reading.id_property, feature.get("id") if reading.id_property == "id" else None)
    if not isinstance(found, str | int) or isinstance(found, bool):
        raise BadInput(f"{where} has no property {reading.id_property!r} with an id", field=reading.id_property)
    try:
        name = grid_id(str(found), reading.id_length)
        polygon = _on_wgs84(_polygon(feature.get("geometry")), reading.datum)
    except BadInput as fault:
        raise BadInput(f"{where} ({found}): {fault.message}", field=fault.field) from fault
    return Grid(
        id=name,
        polygon=polygon,
        valid_from=reading.valid_from,
        valid_until=reading.valid_until,
        district_code=name[:_DIVISION_LENGTH],
        name=str(properties.get(reading.name_property) or ""),
    )


def _polygon(geometry: object) -> Polygon | MultiPolygon:
    """The polygon of a GeoJSON geometry, without heights."""
    try:
        found = shapely.from_geojson(json.dumps(geometry))
    except (shapely.errors.GEOSException, TypeError, ValueError) as fault:
        raise BadInput(f"no geometry can be read: {fault}", field="geometry") from fault
    if not isinstance(found, Polygon | MultiPolygon) or found.is_empty:
        raise BadInput("the geometry is no polygon, or an empty one", field="geometry")
    flat: Polygon | MultiPolygon = shapely.force_2d(found)
    return flat


def _on_wgs84(polygon: Polygon | MultiPolygon, datum: str) -> Polygon | MultiPolygon:
    convert: Callable[[Matrix], Matrix] = _Conversion(datum)
    moved: Polygon | MultiPolygon = shapely.transform(polygon, convert)
    return moved


@dataclass(frozen=True, slots=True)
class _Conversion:
    """Turns `(n, 2)` lon, lat of a datum into WGS84, each corner by itself: shared corners stay shared."""

    datum: str

    def __call__(self, lon_lat: Matrix) -> Matrix:
        places = [to_wgs84(float(lat), float(lon), self.datum) for lon, lat in lon_lat]
        return np.array([(place.lon, place.lat) for place in places])
