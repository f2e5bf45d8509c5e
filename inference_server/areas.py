"""The ground of districts, as their unit grids lie today: which frames were taken in them."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely

from inference_server.domain.city_time import city_day
from inference_server.domain.geo import LatLon
from inference_server.domain.reach import Reach
from inference_server.ports import CaseStore, Clock

_EVERY_S = 60.0  # grids change by hand, some times a year
_MOST_KEPT = 256


@dataclass(slots=True)
class DistrictAreas:
    """The areas that were asked for lately. Safe from many threads."""

    store: CaseStore
    clock: Clock
    every_s: float = _EVERY_S
    _kept: dict[Reach, tuple[float, shapely.Geometry]] = field(default_factory=dict, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def box(self, reach: Reach) -> tuple[float, float, float, float] | None:
        """West, south, east, north of a reach in degrees; None where none of its grids is known."""
        west, south, east, north = shapely.bounds(self._area(reach)).tolist()
        return None if np.isnan(west) else (west, south, east, north)

    def hold(self, reach: Reach, positions: Sequence[LatLon]) -> list[bool]:
        """Which of some positions lie in a reach."""
        if reach.is_whole:
            return [True] * len(positions)
        lon = np.array([position.lon for position in positions], dtype=np.float64)
        lat = np.array([position.lat for position in positions], dtype=np.float64)
        found: list[bool] = shapely.intersects_xy(self._area(reach), lon, lat).tolist()
        return found

    def _area(self, reach: Reach) -> shapely.Geometry:
        with self._lock:
            made_s, area = self._kept.get(reach, (-float("inf"), None))
            if area is None or time.monotonic() - made_s > self.every_s:
                area = self._made(reach)
                if len(self._kept) >= _MOST_KEPT:
                    self._kept.clear()
                self._kept[reach] = (time.monotonic(), area)
            return area

    def _made(self, reach: Reach) -> shapely.Geometry:
        today = city_day(self.clock.now())
        grids = [grid.polygon for grid in self.store.grids() if reach.covers(grid.id) and grid.is_valid_on(today)]
        area = shapely.union_all(grids)
        shapely.prepare(area)
        return area
