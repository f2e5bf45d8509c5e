"""What is wrong with a set of unit grids: ids, rings, overlaps, gaps, and signs of a wrong datum."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import combinations
from typing import Final

import numpy as np
import shapely

from inference_server.domain.errors import BadInput
from inference_server.domain.geo import LatLon, LocalPlane
from inference_server.domain.grid import GRID_ID_LENGTH, Grid, GridId, grid_id

LEAST_OVERLAP_M2: Final = 0.01
NARROW_GAP_M: Final = 1.0
LEAST_CRACK_M: Final = 20.0  # a sharp notch of the city's own border looks like a crack some metres long


class Fault(StrEnum):
    """What can be wrong with grids."""

    DUPLICATE_ID = "duplicate_id"
    WRONG_ID = "wrong_id"
    INVALID_RING = "invalid_ring"
    OVERLAP = "overlap"
    GAP = "gap"
    UNMATCHED_BORDER = "unmatched_border"
    WRONG_DATUM = "wrong_datum"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault, the grids that have it, and in words how much."""

    fault: Fault
    ids: tuple[GridId, ...]
    message: str


def check_grids(grids: Sequence[Grid], *, id_length: int = GRID_ID_LENGTH) -> list[Finding]:
    """All faults of a set of grids; empty for a good one. Overlaps and gaps are sought among grids that are valid on
    the same day, for each day on which grids begin."""
    findings = [*_wrong_ids(grids, id_length), *_duplicates(grids), *_invalid_rings(grids)]
    sound = [grid for grid in grids if grid.polygon.is_valid and not grid.polygon.is_empty]
    for day in sorted({grid.valid_from for grid in sound}):
        findings += _of_day([grid for grid in sound if grid.is_valid_on(day)], day)
    return list(dict.fromkeys(findings))


def _wrong_ids(grids: Sequence[Grid], id_length: int) -> Iterator[Finding]:
    for grid in grids:
        try:
            grid_id(grid.id, id_length)
        except BadInput as fault:
            yield Finding(Fault.WRONG_ID, (grid.id,), fault.message)


def _duplicates(grids: Sequence[Grid]) -> Iterator[Finding]:
    by_id: dict[GridId, list[Grid]] = {}
    for grid in grids:
        by_id.setdefault(grid.id, []).append(grid)
    for name, same in by_id.items():
        both = sum(_are_contemporary(one, other) for one, other in combinations(same, 2))
        if both:
            yield Finding(Fault.DUPLICATE_ID, (name,), f"{len(same)} grids share an id at the same time")


def _are_contemporary(one: Grid, other: Grid) -> bool:
    later = max(one.valid_from, other.valid_from)
    return one.is_valid_on(later) and other.is_valid_on(later)


def _invalid_rings(grids: Sequence[Grid]) -> Iterator[Finding]:
    for grid in grids:
        if grid.polygon.is_empty:
            yield Finding(Fault.INVALID_RING, (grid.id,), "the polygon is empty")
        elif not grid.polygon.is_valid:
            yield Finding(Fault.INVALID_RING, (grid.id,), shapely.is_valid_reason(grid.polygon))


def _of_day(grids: Sequence[Grid], day: date) -> Iterator[Finding]:
    """Faults among grids that are valid together. A sound coverage, the usual case, is recognised at once."""
    polygons = np.array([grid.polygon for grid in grids], dtype=object)
    metres = _scale(polygons)
    flat = shapely.transform(polygons, lambda lon_lat: lon_lat * metres)
    overlaps = list(_overlaps(grids, flat)) if not shapely.coverage_is_valid(flat) else []
    yield from overlaps
    yield from _holes(grids, flat, day)
    yield from _borders(grids, flat, {name for finding in overlaps for name in finding.ids})


def _scale(polygons: np.ndarray[tuple[int], np.dtype[np.object_]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """`(2,)` metres per degree of longitude and latitude in the middle of the polygons."""
    west, south, east, north = shapely.total_bounds(polygons)
    middle = LatLon(float(south + north) / 2, float(west + east) / 2)
    scale = LocalPlane(middle).metres(LatLon(middle.lat + 1.0, middle.lon + 1.0))
    return np.asarray(scale, dtype=np.float64)


def _overlaps(grids: Sequence[Grid], flat: Sequence[shapely.Polygon]) -> Iterator[Finding]:
    for one, other in shapely.STRtree(flat).query(flat, predicate="intersects").T.tolist():
        if one < other:
            area_m2 = shapely.intersection(flat[one], flat[other]).area
            if area_m2 > LEAST_OVERLAP_M2:
                yield Finding(Fault.OVERLAP, (grids[one].id, grids[other].id), f"they overlap on {area_m2:.2f} m2")


def _holes(grids: Sequence[Grid], flat: Sequence[shapely.Polygon], day: date) -> Iterator[Finding]:
    """Ground inside the city that is in no grid."""
    tree = shapely.STRtree(flat)
    for part in shapely.get_parts(shapely.union_all(flat)):
        for ring in part.interiors:
            hole = shapely.Polygon(ring)
            around = tuple(sorted(grids[int(i)].id for i in tree.query(hole, predicate="intersects")))
            yield Finding(Fault.GAP, around, f"{hole.area:.2f} m2 between them are in no grid on {day}")


def _borders(grids: Sequence[Grid], flat: Sequence[shapely.Polygon], overlapping: set[GridId]) -> Iterator[Finding]:
    """Neighbours that do not share the corners of their border, and cracks between them that lead outside."""
    unmatched = shapely.length(shapely.coverage_invalid_edges(flat))
    cracked = shapely.length(shapely.coverage_invalid_edges(flat, gap_width=NARROW_GAP_M))
    for grid, loose_m, crack_m in zip(grids, unmatched.tolist(), cracked.tolist(), strict=True):
        if grid.id in overlapping:
            continue
        if loose_m > 0.0:
            message = f"{loose_m:.1f} m of its border do not match the neighbour's corners"
            yield Finding(Fault.UNMATCHED_BORDER, (grid.id,), message)
        if crack_m - loose_m > LEAST_CRACK_M:
            message = f"along {crack_m - loose_m:.1f} m a gap under {NARROW_GAP_M:g} m wide"
            yield Finding(Fault.GAP, (grid.id,), message)
