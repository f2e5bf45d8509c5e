"""Tracks from GPX and NMEA files, both WGS84 by definition."""

import math
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import gpxpy
import pynmea2

from patrol.errors import InputError
from patrol.sources.track import Track, TrackPoint

METRES_PER_DOP = 3.0
"""Accuracy is taken as HDOP times this (the usual range error of a single-frequency receiver in the open)."""
_KMH_PER_MPS = 3.6
_KMH_PER_KNOT = 1.852
_UNUSABLE_GGA = frozenset({0, 6, 7, 8})  # no fix, dead reckoning, typed in, simulator


def accuracy_of_dop(dop: float | None) -> float | None:
    """The radius in metres that holds about 68 % of the errors, from a horizontal dilution of precision.

    >>> accuracy_of_dop(1.5)
    4.5
    """
    return None if dop is None or dop <= 0 else dop * METRES_PER_DOP


def gpx_track(path: Path) -> Track:
    """The timed points of a GPX file; raises InputError where there are none."""
    points = [point for point in gpx_points(path) if point.time is not None]
    if len(points) < 2:
        raise InputError(f"{path}: fewer than two track points with a time")
    return Track(_of_gpx(point) for point in points)


def gpx_line(path: Path) -> list[tuple[float, float]]:
    """The points (lat, lon) of a GPX file in its own order, with or without times."""
    line = [(point.latitude, point.longitude) for point in gpx_points(path)]
    if len(line) < 2:
        raise InputError(f"{path}: fewer than two points")
    return line


def gpx_points(path: Path) -> list[Any]:
    """All points of the tracks and routes of a GPX file; raises InputError where it cannot be read."""
    try:
        gpx = gpxpy.parse(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, gpxpy.gpx.GPXException) as error:
        raise InputError(f"{path} is no GPX file that can be read: {error}") from error
    tracks = [point for track in gpx.tracks for segment in track.segments for point in segment.points]
    return tracks or [point for route in gpx.routes for point in route.points]


def _of_gpx(point: Any) -> TrackPoint:
    moment = point.time if point.time.tzinfo else point.time.replace(tzinfo=UTC)  # GPX times are UTC by definition
    return TrackPoint(
        at_s=moment.timestamp(),
        lat=point.latitude,
        lon=point.longitude,
        is_fix=point.type_of_gpx_fix != "none",
        accuracy_m=accuracy_of_dop(point.horizontal_dilution),
        speed_kmh=None if point.speed is None else point.speed * _KMH_PER_MPS,
        heading_deg=point.course,
    )


def nmea_track(path: Path) -> Track:
    """The fixes of an NMEA 0183 log (RMC for date, speed and course; GGA and GST for quality where present)."""
    epochs: dict[datetime, dict[str, Any]] = {}
    today: date | None = None
    for sentence in _sentences(path):
        kind, clock = getattr(sentence, "sentence_type", ""), getattr(sentence, "timestamp", None)
        today = getattr(sentence, "datestamp", None) or today
        if isinstance(clock, time) and today is not None:
            epochs.setdefault(datetime.combine(today, clock.replace(tzinfo=None), UTC), {})[kind] = sentence
    points = [_of_epoch(moment, said) for moment, said in epochs.items() if "RMC" in said]
    if len(points) < 2:
        raise InputError(f"{path}: fewer than two RMC sentences with date and time")
    return Track(points)


def _sentences(path: Path) -> Iterator[Any]:
    """The sentences that can be read; a line torn by a power cut has a wrong checksum and is left out."""
    try:
        lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    for line in lines:
        with suppress(pynmea2.ParseError):
            yield pynmea2.parse("$" + line.partition("$")[2], check=True)


def _of_epoch(moment: datetime, said: dict[str, Any]) -> TrackPoint:
    rmc, gga, gst = said["RMC"], said.get("GGA"), said.get("GST")
    is_fix = rmc.status == "A" and bool(rmc.lat) and bool(rmc.lon)
    if gga is not None:
        quality = _number(gga.gps_qual)
        is_fix = is_fix and quality is not None and quality not in _UNUSABLE_GGA
    return TrackPoint(
        at_s=moment.timestamp(),
        lat=rmc.latitude if is_fix else 0.0,
        lon=rmc.longitude if is_fix else 0.0,
        is_fix=is_fix,
        accuracy_m=_accuracy(gga, gst),
        speed_kmh=None if (knots := _number(rmc.spd_over_grnd)) is None else knots * _KMH_PER_KNOT,
        heading_deg=_number(rmc.true_course),
    )


def _accuracy(gga: Any, gst: Any) -> float | None:
    """From the receiver's own error estimate where it gives one (GST), else from its HDOP.

    The root of the summed squares of both axes holds 63 to 68 % of the errors.
    """
    north_m, east_m = (_number(getattr(gst, name, None)) for name in ("std_dev_latitude", "std_dev_longitude"))
    if north_m is not None and east_m is not None:
        return math.hypot(north_m, east_m)
    return accuracy_of_dop(_number(getattr(gga, "horizontal_dil", None)))


def _number(field: Any) -> float | None:
    """A field as a number; pynmea2 leaves what it cannot convert as text."""
    try:
        return None if field in (None, "") else float(field)
    except ValueError:
        return None
