"""Reading grids from GeoJSON: the real districts of Hangzhou, and what a wrong file is told."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from inference_server.domain.datum import from_wgs84
from inference_server.domain.errors import BadInput, UnknownDatum
from inference_server.domain.geo import LatLon
from inference_server.domain.grid import GridIndex
from inference_server.domain.grid_checks import check_grids
from inference_server.domain.grid_plan import make_grids
from inference_server.imports import read_geojson

SINCE = date(2021, 4, 9)
RING = [[120.15, 30.27], [120.151, 30.27], [120.151, 30.271], [120.15, 30.271], [120.15, 30.27]]


def a_feature(**changes: Any) -> dict[str, Any]:
    feature = {
        "type": "Feature",
        "properties": {"code": "330102001001001", "name": "一号"},
        "geometry": {"type": "Polygon", "coordinates": [RING]},
    }
    return {**feature, **changes}


def a_file(folder: Path, *features: object, **members: object) -> Path:
    path = folder / "grids.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features, **members}), encoding="utf-8")
    return path


def read(path: Path, **changes: Any) -> Any:
    return read_geojson(path, **{"id_property": "code", "datum": "wgs84", "valid_from": SINCE, **changes})


def test_a_feature_becomes_a_grid(tmp_path: Path) -> None:
    [grid] = read(a_file(tmp_path, a_feature()), valid_until=date(2027, 1, 1))
    assert (grid.id, grid.name, grid.district_code) == ("330102001001001", "一号", "330102")
    assert (grid.valid_from, grid.valid_until) == (SINCE, date(2027, 1, 1))
    assert grid.polygon.equals(shapely.Polygon(RING))


def test_coordinates_are_converted_once_from_the_declared_datum(tmp_path: Path) -> None:
    lat, lon = from_wgs84(LatLon(30.27, 120.15), "gcj02")
    ring = [[lon + east, lat + north] for east, north in ((0, 0), (0.001, 0), (0.001, 0.001), (0, 0.001), (0, 0))]
    [grid] = read(a_file(tmp_path, a_feature(geometry={"type": "Polygon", "coordinates": [ring]})), datum="gcj02")
    assert grid.polygon.exterior.coords[0] == pytest.approx((120.15, 30.27), abs=1e-9)


def test_heights_are_left_out_and_numbers_are_ids_too(tmp_path: Path) -> None:
    ring = [[*corner, 12.5] for corner in RING]
    feature = a_feature(geometry={"type": "MultiPolygon", "coordinates": [[ring]]}, properties={"code": 330102})
    [grid] = read(a_file(tmp_path, feature), id_length=6)
    assert grid.id == "330102"
    assert not grid.polygon.has_z
    assert grid.name == ""


def test_the_districts_of_hangzhou_are_thirteen_grids_of_six_digits(shared: Path) -> None:
    districts = read_geojson(
        shared / "grids" / "hangzhou_districts_330100.geojson",
        id_property="id",
        datum="gcj02",
        id_length=6,
        valid_from=SINCE,
    )
    names = {grid.name: grid.id for grid in districts}
    assert len(names) == 13
    assert names["西湖区"] == "330106"
    assert check_grids(districts, id_length=6) == []
    index = GridIndex(districts)
    west_lake = index.locate(LatLon(30.2415, 120.1430), np.eye(2), datetime(2026, 11, 22, tzinfo=UTC))
    assert west_lake.grid == "330106"
    assert not west_lake.on_border


def test_a_real_district_can_be_filled_with_unit_grids(shared: Path) -> None:
    districts = read_geojson(
        shared / "grids" / "hangzhou_districts_330100.geojson",
        id_property="id",
        datum="gcj02",
        id_length=6,
        valid_from=SINCE,
    )
    [binjiang] = [grid for grid in districts if grid.name == "滨江区"]
    grids = make_grids(binjiang.polygon, district_code="330108", valid_from=SINCE, side_m=200.0)
    assert 1_700 < len(grids) < 2_000
    assert check_grids(grids) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        pytest.param({"properties": {}}, "code", id="no id"),
        pytest.param({"properties": None}, "code", id="no properties"),
        pytest.param({"properties": {"code": True}}, "code", id="an id that is none"),
        pytest.param({"properties": {"code": "33010200100100"}}, "id", id="an id too short"),
        pytest.param({"type": "Thing"}, "features", id="no feature"),
        pytest.param({"geometry": None}, "geometry", id="no geometry"),
        pytest.param({"geometry": {"type": "Point", "coordinates": [120.15, 30.27]}}, "geometry", id="a point"),
        pytest.param({"geometry": {"type": "Polygon", "coordinates": []}}, "geometry", id="an empty polygon"),
        pytest.param(
            {"geometry": {"type": "Polygon", "coordinates": [RING[:2]]}}, "geometry", id="a ring of two corners"
        ),
        pytest.param({"geometry": {"type": "Polygon", "coordinates": [[["a", "b"]]]}}, "geometry", id="letters"),
        pytest.param(
            {"geometry": {"type": "Polygon", "coordinates": [[[y, x] for x, y in RING]]}}, "lat", id="swapped axes"
        ),
        pytest.param(
            {"geometry": {"type": "Polygon", "coordinates": [[[x * 4e3, y * 1e5] for x, y in RING]]}},
            "lat",
            id="projected metres",
        ),
    ],
)
def test_a_wrong_feature_is_refused_by_number_and_field(changes: dict[str, Any], field: str, tmp_path: Path) -> None:
    path = a_file(tmp_path, a_feature(), a_feature(**changes))
    with pytest.raises(BadInput, match="feature 1") as refusal:
        read(path)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("text", "field"),
    [
        pytest.param(b"not json", "file", id="no JSON"),
        pytest.param(b"\xff\xfe", "file", id="no text"),
        pytest.param(b"[" * 100_000, "file", id="endless nesting"),
        pytest.param(b'{"type": "Feature"}', "type", id="a single feature"),
        pytest.param(b"[]", "type", id="a list"),
        pytest.param(b'{"type": "FeatureCollection"}', "features", id="no features"),
        pytest.param(b'{"type": "FeatureCollection", "features": []}', "features", id="an empty collection"),
    ],
)
def test_a_file_that_is_no_collection_is_refused(text: bytes, field: str, tmp_path: Path) -> None:
    path = tmp_path / "grids.geojson"
    path.write_bytes(text)
    with pytest.raises(BadInput) as refusal:
        read(path)
    assert refusal.value.field == field


def test_an_unknown_datum_is_refused_before_reading() -> None:
    with pytest.raises(UnknownDatum):
        read(Path("there-is-no-such-file"), datum="beijing54")


def test_dates_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(BadInput) as refusal:
        read(Path("there-is-no-such-file"), valid_until=date(2020, 1, 1))
    assert refusal.value.field == "valid_until"


@pytest.mark.parametrize(
    ("crs", "datum", "accepted"),
    [
        ("urn:ogc:def:crs:OGC:1.3:CRS84", "gcj02", True),
        ("urn:ogc:def:crs:EPSG::4326", "wgs84", True),
        ("urn:ogc:def:crs:EPSG::4490", "cgcs2000", True),
        ("urn:ogc:def:crs:EPSG::4490", "gcj02", False),
        ("EPSG:4549", "cgcs2000", False),
        ("EPSG:3857", "wgs84", False),
    ],
)
def test_a_files_own_reference_system_may_not_contradict_the_datum(
    crs: str, datum: str, accepted: bool, tmp_path: Path
) -> None:
    path = a_file(tmp_path, a_feature(), crs={"type": "name", "properties": {"name": crs}})
    if accepted:
        assert len(read(path, datum=datum)) == 1
    else:
        with pytest.raises(BadInput, match="convert it first") as refusal:
            read(path, datum=datum)
        assert refusal.value.field == "crs"
