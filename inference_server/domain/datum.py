"""From the four datums in use in China to WGS84 and back.

GCJ-02 is the shift that Chinese law puts on published maps; BD-09 is Baidu's second shift on top of it. Neither has an
official text: the formulas are the ones that have been public since about 2010 and that every converter uses, written
here anew and compared with the `eviltransform` project in the tests (which divides by the WGS84 radius where the
original has the Krasovsky 1940 one: 1.7e-5 of the shift, about 1 cm). Both shifts change by a few metres per kilometre,
so their inverse is found by iteration.

CGCS2000 is taken as equal to WGS84. The two ellipsoids differ by 0.1 mm in the polar radius. The frames differ by the
movement of the continent since the year 2000, the epoch of CGCS2000: with PROJ's ITRF2014 rotation of Eurasia that is
29 mm a year in Hangzhou, about 0.8 m at the end of 2026, towards east-south-east. That is under the error of a car's
receiver (2 m and more) and far under the side of a unit grid (100 m), so it is accepted and not corrected.
"""

import math
from collections.abc import Callable
from typing import Final

from inference_server.domain.errors import BadInput, UnknownDatum
from inference_server.domain.geo import LatLon

DATUMS: Final = ("wgs84", "cgcs2000", "gcj02", "bd09")

_KRASOVSKY_A_M = 6378245.0
_KRASOVSKY_E2 = 0.00669342162296594323
_CHINA_LAT = (0.8293, 55.8271)
_CHINA_LON = (72.004, 137.8347)
_BD_WAVE = math.pi * 3000.0 / 180.0
_CLOSE_DEG = 1e-12
_MOST_STEPS = 30
_MOST_SHIFT_DEG = 0.02

Pair = tuple[float, float]


def to_wgs84(lat: float, lon: float, datum: str) -> LatLon:
    """The position on WGS84 of coordinates in degrees on a datum, exact to 1e-9 degrees (0.1 mm).

    Raises UnknownDatum, or BadInput where a coordinate is no number or out of range. Within some 700 m of the edge of
    the box around China, where the shift begins all at once, GCJ-02 has no unique inverse.
    """
    _check_range(lat, lon)
    match _checked(datum):
        case "gcj02":
            lat, lon = _gcj02_undone(lat, lon)
        case "bd09":
            lat, lon = _gcj02_undone(*_undone(_bd09, lat, lon))
    return LatLon(lat, lon)


def from_wgs84(position: LatLon, datum: str) -> Pair:
    """Latitude and longitude in degrees on a datum (a pair, for a `LatLon` is always on WGS84)."""
    _check_range(position.lat, position.lon)
    pair = position.lat, position.lon
    match _checked(datum):
        case "gcj02":
            return _gcj02(*pair)
        case "bd09":
            return _bd09(*_gcj02(*pair))
    return pair


def _checked(datum: str) -> str:
    if datum not in DATUMS:
        raise UnknownDatum(f"datum {datum!r} is unknown; known are {', '.join(DATUMS)}", field="datum")
    return datum


def _check_range(lat: float, lon: float) -> None:
    for name, value, limit in (("lat", lat, 90.0), ("lon", lon, 180.0)):
        if not -limit <= value <= limit:  # a NaN is caught too
            raise BadInput(f"{name} {value!r} is not between {-limit:g} and {limit:g} degrees", field=name)


def _is_in_china(lat: float, lon: float, margin_deg: float = 0.0) -> bool:
    south, north = _CHINA_LAT
    west, east = _CHINA_LON
    return south - margin_deg <= lat <= north + margin_deg and west - margin_deg <= lon <= east + margin_deg


def _gcj02(lat: float, lon: float) -> Pair:
    return _shifted(lat, lon) if _is_in_china(lat, lon) else (lat, lon)


def _gcj02_undone(lat: float, lon: float) -> Pair:
    """The original of a GCJ-02 position; one whose original lies outside the box was never shifted."""
    if not _is_in_china(lat, lon, _MOST_SHIFT_DEG):  # and near the poles the formula has no inverse
        return lat, lon
    original = _undone(_shifted, lat, lon)
    return original if _is_in_china(*original) else (lat, lon)


def _shifted(lat: float, lon: float) -> Pair:
    x, y = lon - 105.0, lat - 35.0
    root, both = math.sqrt(abs(x)), _waves(x, (6.0, 20.0), (2.0, 20.0))
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north_m += both + _waves(y, (1.0, 20.0), (1.0 / 3.0, 40.0), (1.0 / 12.0, 160.0), (1.0 / 30.0, 320.0))
    east_m = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east_m += both + _waves(x, (1.0, 20.0), (1.0 / 3.0, 40.0), (1.0 / 12.0, 150.0), (1.0 / 30.0, 300.0))
    w2 = 1.0 - _KRASOVSKY_E2 * math.sin(math.radians(lat)) ** 2
    meridian_m = _KRASOVSKY_A_M * (1.0 - _KRASOVSKY_E2) / (w2 * math.sqrt(w2))
    parallel_m = _KRASOVSKY_A_M / math.sqrt(w2) * math.cos(math.radians(lat))
    return lat + math.degrees(north_m / meridian_m), lon + math.degrees(east_m / parallel_m)


def _waves(x: float, *terms: Pair) -> float:
    """Two thirds of a sum of sines: each term has half-turns per degree and an amplitude in metres."""
    return 2.0 / 3.0 * sum(metres * math.sin(turns * math.pi * x) for turns, metres in terms)


def _bd09(lat: float, lon: float) -> Pair:
    radius = math.hypot(lon, lat) + 2e-5 * math.sin(lat * _BD_WAVE)
    angle = math.atan2(lat, lon) + 3e-6 * math.cos(lon * _BD_WAVE)
    return radius * math.sin(angle) + 0.006, radius * math.cos(angle) + 0.0065


def _undone(forward: Callable[[float, float], Pair], lat: float, lon: float) -> Pair:
    """What `forward` turns into the given pair: step by step towards it, each step a hundred times closer."""
    guess_lat, guess_lon = lat, lon
    for _ in range(_MOST_STEPS):
        there_lat, there_lon = forward(guess_lat, guess_lon)
        off_lat, off_lon = lat - there_lat, lon - there_lon
        guess_lat, guess_lon = guess_lat + off_lat, guess_lon + off_lon
        if abs(off_lat) < _CLOSE_DEG and abs(off_lon) < _CLOSE_DEG:
            break
    return guess_lat, guess_lon
