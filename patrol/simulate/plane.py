"""A flat map about one point of the Earth: metres to the east and north, and back."""

from dataclasses import dataclass
from math import cos, radians, sin, sqrt

SEMI_MAJOR_M = 6_378_137.0
ECCENTRICITY_2 = 6.694379990141316e-3
"""WGS84: equatorial radius and squared first eccentricity."""


@dataclass(frozen=True, slots=True)
class LocalPlane:
    """A plane that touches the Earth at a WGS84 point.

    Middle-latitude formula with the radii of curvature of the meridian and the prime vertical (any geodesy textbook).
    Lengths and bearings from the point are good to a millimetre per kilometre within 2 km; lengths between two other
    points within 1 km of it to 0.1 mm per metre.
    """

    lat: float
    lon: float

    def _metres_per_degree(self, lat: float) -> tuple[float, float]:
        """Metres per degree of latitude and of longitude half way between the point and `lat`."""
        middle = radians((lat + self.lat) / 2)
        curve = 1 - ECCENTRICITY_2 * sin(middle) ** 2
        meridian = SEMI_MAJOR_M * (1 - ECCENTRICITY_2) / (curve * sqrt(curve))
        return radians(meridian), radians(SEMI_MAJOR_M / sqrt(curve) * cos(middle))

    def to_enu(self, lat: float, lon: float) -> tuple[float, float]:
        """Metres east and north of the middle of a WGS84 point."""
        per_lat, per_lon = self._metres_per_degree(lat)
        return (lon - self.lon) * per_lon, (lat - self.lat) * per_lat

    def to_latlon(self, east_m: float, north_m: float) -> tuple[float, float]:
        """WGS84 latitude and longitude of metres east and north; undoes `to_enu` to under a tenth of a millimetre."""
        lat = self.lat
        for _ in range(3):
            lat = self.lat + north_m / self._metres_per_degree(lat)[0]
        return lat, self.lon + east_m / self._metres_per_degree(lat)[1]
