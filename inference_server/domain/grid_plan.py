"""Regular unit grids for a district that has none yet.

Real unit grids follow roads and walls and are not public. These follow the meridians and parallels: cells of about
100 m, ten by ten of them to a made-up community, five by five communities to a made-up street, all numbered from north
to south and within a row from west to east, as the standard numbers the grids of a community.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeAlias

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon

from inference_server.domain.errors import BadInput
from inference_server.domain.geo import LatLon, LocalPlane, Vector
from inference_server.domain.grid import Grid, grid_id

CELLS_PER_COMMUNITY: Final = 10  # along each side
COMMUNITIES_PER_STREET: Final = 5
MOST_CELLS: Final = 100_000
SLIVER_SHARE: Final = 0.25
_MOST_NUMBER: Final = 999

Area: TypeAlias = Polygon | MultiPolygon


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lattice:
    """The lines between the cells of a district, in degrees: `(columns - 1,)` longitudes from west to east and
    `(rows - 1,)` latitudes from north to south."""

    bounds: tuple[float, float, float, float]
    lons: Vector
    lats: Vector
    cell_area_deg2: float

    def lines(self) -> list[shapely.LineString]:
        """All meridians and parallels, from beyond one edge of the district to beyond the other."""
        west, south, east, north = self.bounds
        margin = max(east - west, north - south)
        meridians = [shapely.LineString([(lon, north + margin), (lon, south - margin)]) for lon in self.lons]
        return meridians + [shapely.LineString([(west - margin, lat), (east + margin, lat)]) for lat in self.lats]

    def cell(self, point: shapely.Point) -> tuple[int, int]:
        """Row and column of the cell that holds a point."""
        return int(np.searchsorted(-self.lats, -point.y)), int(np.searchsorted(self.lons, point.x))


def make_grids(district: Area, *, district_code: str, valid_from: date, side_m: float = 100.0) -> list[Grid]:
    """Grids that fill a district without gap or overlap, in the order of their ids.

    `district` has x = lon, y = lat in WGS84 degrees. Cells are cut at its border; a piece under a quarter of a cell is
    joined to the neighbour with which it shares the longest border. Ids are district (6) + street (3) + community (3) +
    sequence (3). BadInput where the district is invalid or would have more than 100,000 cells.
    """
    if not (district.is_valid and district.area > 0):
        raise BadInput(f"the district is no valid polygon: {shapely.is_valid_reason(district)}", field="district")
    lattice = _lattice(district, side_m)
    pieces = _without_slivers(_pieces(district, lattice), SLIVER_SHARE * lattice.cell_area_deg2)
    return [
        Grid(
            id=grid_id(f"{district_code}{number}"),
            polygon=polygon,
            valid_from=valid_from,
            district_code=district_code,
            name=f"{number[:3]}-{number[3:6]}-{number[6:]}",
        )
        for number, polygon in _numbered(pieces, lattice)
    ]


def _lattice(district: Area, side_m: float) -> _Lattice:
    if not 10.0 <= side_m <= 10_000.0:
        raise BadInput(f"the side of a grid is 10 to 10,000 m, not {side_m!r}", field="side_m")
    west, south, east, north = district.bounds
    middle = LatLon((south + north) / 2, (west + east) / 2)
    east_m, north_m = LocalPlane(middle).metres(LatLon(middle.lat + 1.0, middle.lon + 1.0))
    if district.area * east_m * north_m / side_m**2 > MOST_CELLS:
        raise BadInput(f"over {MOST_CELLS:,} cells: take a longer side or a smaller district", field="side_m")
    lon_step, lat_step = side_m / east_m, side_m / north_m
    return _Lattice(
        bounds=district.bounds,
        lons=west + np.arange(1, _cells(east - west, lon_step)) * lon_step,
        lats=north - np.arange(1, _cells(north - south, lat_step)) * lat_step,
        cell_area_deg2=lon_step * lat_step,
    )


def _cells(length_deg: float, step_deg: float) -> int:
    """How many cells a side has: a rest under a quarter of a cell widens the last one."""
    return max(1, int(np.ceil(length_deg / step_deg - SLIVER_SHARE)))


def _pieces(district: Area, lattice: _Lattice) -> list[Polygon]:
    """The faces that lattice and border cut out of the district. They share their corners exactly, because all come
    from one set of lines that were noded together."""
    noded = shapely.union_all([district.boundary, *lattice.lines()])
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    shapely.prepare(district)
    inside = shapely.contains(district, shapely.point_on_surface(faces))
    return list(faces[inside])


def _without_slivers(pieces: list[Polygon], least_area_deg2: float) -> list[Polygon]:
    """The pieces with every small one joined to the large neighbour along their longest common border."""
    is_small = [piece.area < least_area_deg2 for piece in pieces]
    tree = shapely.STRtree(pieces)
    groups: dict[int, list[Polygon]] = {i: [piece] for i, piece in enumerate(pieces) if not is_small[i]}
    for i, piece in enumerate(pieces):
        if not is_small[i]:
            continue
        hosts = [int(j) for j in tree.query(piece, predicate="touches") if not is_small[j]]
        shared = {j: shapely.intersection(piece.boundary, pieces[j].boundary).length for j in hosts}
        host = max(shared, key=shared.__getitem__, default=i)
        groups.setdefault(host if shared.get(host, 0.0) > 0.0 else i, []).append(piece)
    return [part for group in groups.values() for part in shapely.get_parts(shapely.coverage_union_all(group)).tolist()]


def _numbered(pieces: list[Polygon], lattice: _Lattice) -> Iterator[tuple[str, Polygon]]:
    """Nine digits for each piece: street, community, sequence."""
    placed = sorted(
        ((*lattice.cell(piece.point_on_surface()), *_north_west(piece), piece) for piece in pieces),
        key=lambda row: row[:4],
    )
    blocks: dict[tuple[int, int], list[Polygon]] = {}
    for row, column, _, _, piece in placed:
        blocks.setdefault((row // CELLS_PER_COMMUNITY, column // CELLS_PER_COMMUNITY), []).append(piece)
    streets: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for row, column in sorted(blocks):
        streets.setdefault((row // COMMUNITIES_PER_STREET, column // COMMUNITIES_PER_STREET), []).append((row, column))
    for street, key in enumerate(sorted(streets), start=1):
        for community, block in enumerate(streets[key], start=1):
            for sequence, piece in enumerate(blocks[block], start=1):
                if street > _MOST_NUMBER:
                    raise BadInput(f"over {_MOST_NUMBER} streets: take a smaller district", field="district")
                yield f"{street:03d}{community:03d}{sequence:03d}", piece


def _north_west(piece: Polygon) -> tuple[float, float]:
    west, _, _, north = piece.bounds
    return -north, west
