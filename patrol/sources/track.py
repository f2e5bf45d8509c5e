"""The way a vehicle went: where it was, where it pointed and how fast it was at any moment."""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from pyproj import Geod

LONGEST_GAP_S = 3.0
"""Between two fixes further apart nothing is interpolated: the vehicle may have turned a corner."""
EDGE_S = 0.25
"""So far beyond the first and last fix the track is drawn on: telemetry often ends a few samples before the picture."""
STEADY_KMH = 5.0
"""Below this speed a receiver's own course is noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackPoint:
    """One fix: `at_s` are seconds since 1970 (UTC) or since the video's start; `is_fix` is False when the receiver
    said itself that the position is not to be used."""

    at_s: float
    lat: float
    lon: float
    is_fix: bool = True
    accuracy_m: float | None = None
    speed_kmh: float | None = None
    heading_deg: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the vehicle was at a moment: degrees on the track's datum."""

    lat: float
    lon: float
    accuracy_m: float | None
    heading_deg: float | None
    speed_kmh: float | None


Ends = tuple[TrackPoint, TrackPoint]


@cache
def _earth() -> Geod:
    return Geod(ellps="WGS84")


def bearing_and_distance(start: TrackPoint | Place, end: TrackPoint | Place) -> tuple[float, float]:
    """Degrees clockwise from north and metres from one place to another.

    >>> north = bearing_and_distance(TrackPoint(at_s=0, lat=30, lon=120), TrackPoint(at_s=1, lat=30.001, lon=120))
    >>> tuple(round(value, 1) for value in north)
    (0.0, 110.9)
    """
    forward_deg, _, distance_m = _earth().inv(start.lon, start.lat, end.lon, end.lat)
    return forward_deg % 360.0, distance_m


class Track:
    """Fixes in order of time; times that come twice are taken once."""

    def __init__(
        self, points: Iterable[TrackPoint], *, heading_base_m: float = 3.0, longest_gap_s: float = LONGEST_GAP_S
    ) -> None:
        """A heading is taken over at least `heading_base_m` of way, so that noise does not turn the vehicle."""
        by_time = {point.at_s: point for point in points}
        self.points = [by_time[at_s] for at_s in sorted(by_time)]
        self._times = [point.at_s for point in self.points]
        self._fixes = [point for point in self.points if point.is_fix]
        self._fix_times = [point.at_s for point in self._fixes]
        self._heading_base_m = heading_base_m
        self._longest_gap_s = longest_gap_s

    def __len__(self) -> int:
        """How many fixes there are, valid or not."""
        return len(self.points)

    def place_at(self, at_s: float) -> Place | None:
        """Where the vehicle was, interpolated; None in a gap, without a valid fix, and outside the track."""
        found = self._around(at_s)
        if found is None:
            return None
        before, after = found
        share = 0.0 if after is before else (at_s - before.at_s) / (after.at_s - before.at_s)
        accuracies = [point.accuracy_m for point in found if point.accuracy_m is not None]
        return Place(
            lat=before.lat + share * (after.lat - before.lat),
            lon=before.lon + share * (after.lon - before.lon),
            accuracy_m=max(accuracies) if accuracies else None,
            heading_deg=self._heading_at(at_s, before, after),
            speed_kmh=self._speed_at(at_s, before, after, share),
        )

    def _around(self, at_s: float) -> tuple[TrackPoint, TrackPoint] | None:
        if not self.points or not self._times[0] - EDGE_S <= at_s <= self._times[-1] + EDGE_S:
            return None
        right = min(max(bisect_right(self._times, at_s), 1), len(self.points) - 1)
        before, after = self.points[max(right - 1, 0)], self.points[right]
        exact = before if before.at_s == at_s else after if after.at_s == at_s else None
        if exact is not None:
            return (exact, exact) if exact.is_fix else None
        whole = before.is_fix and after.is_fix and after.at_s - before.at_s <= self._longest_gap_s
        return (before, after) if whole else None

    def _heading_at(self, at_s: float, before: TrackPoint, after: TrackPoint) -> float | None:
        nearer = before if at_s - before.at_s <= after.at_s - at_s else after
        if nearer.heading_deg is not None and (nearer.speed_kmh or 0.0) >= STEADY_KMH:
            return nearer.heading_deg
        ends = self._ends_apart(at_s, lambda first, last: bearing_and_distance(first, last)[1] >= self._heading_base_m)
        return None if ends is None else bearing_and_distance(*ends)[0]

    def _speed_at(self, at_s: float, before: TrackPoint, after: TrackPoint, share: float) -> float | None:
        if before.speed_kmh is not None and after.speed_kmh is not None:
            return max(0.0, before.speed_kmh + share * (after.speed_kmh - before.speed_kmh))
        ends = self._ends_apart(at_s, lambda first, last: last.at_s - first.at_s >= 1.0)
        if ends is None:
            return None
        first, last = ends
        return bearing_and_distance(first, last)[1] / (last.at_s - first.at_s) * 3.6

    def _ends_apart(self, at_s: float, is_enough: Callable[[TrackPoint, TrackPoint], bool]) -> Ends | None:
        left = bisect_right(self._fix_times, at_s) - 1
        right, furthest = left + 1, len(self._fixes) - 1
        while True:
            ends = self._fixes[max(left, 0)], self._fixes[min(right, furthest)]
            if is_enough(*ends):
                return ends
            if left <= 0 and right >= furthest:
                return None
            left, right = left - 1, right + 1
