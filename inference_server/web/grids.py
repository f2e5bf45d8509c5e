"""Unit grids as GeoJSON."""

import json
from typing import Annotated, Any

import shapely
from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from inference_server.domain.grid import Grid
from inference_server.web.case_query import parse_bbox
from inference_server.web.cases import GEOJSON
from inference_server.web.deps import FromReader, Given
from inference_server.web.responses import answers

router = APIRouter(prefix="/v1/grids", tags=["grids"])

Bbox = Annotated[str | None, Query(max_length=200, description="west,south,east,north in degrees, wgs84")]


@router.get(
    "",
    response_class=JSONResponse,
    responses=answers(401, 403, 422)
    | {200: {"description": "A FeatureCollection, wgs84", "content": {GEOJSON: {"schema": {"type": "object"}}}}},
)
def list_grids(services: Given, _: FromReader, bbox: Bbox = None) -> JSONResponse:
    """All unit grids, or those that meet a box, with the dates they are valid on."""
    grids = services.store.grids()
    if bbox is not None:
        box = shapely.box(*parse_bbox(bbox))
        grids = [grid for grid in grids if grid.polygon.intersects(box)]
    return JSONResponse(as_geojson(grids), media_type=GEOJSON)


def as_geojson(grids: list[Grid]) -> dict[str, Any]:
    """A FeatureCollection of grids."""
    return {"type": "FeatureCollection", "features": [_feature(grid) for grid in grids]}


def _feature(grid: Grid) -> dict[str, Any]:
    properties = {
        "id": grid.id,
        "name": grid.name,
        "district_code": grid.district_code,
        "valid_from": grid.valid_from.isoformat(),
        "valid_until": grid.valid_until.isoformat() if grid.valid_until else None,
    }
    geometry = json.loads(shapely.to_geojson(grid.polygon))
    return {"type": "Feature", "id": grid.id, "geometry": geometry, "properties": properties}
