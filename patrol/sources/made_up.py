"""A folder of pictures without positions, sent as if a vehicle had taken them along a line.

For trying detectors and placing on real pictures. The positions are made up, every frame says so in its notes and by
its campaign, and nothing found this way is a finding about that place.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pyproj import Geod

from patrol.errors import InputError
from patrol.frame import CapturedFrame, Position
from patrol.sources.drive import PICTURE_TYPES, Drive, DriveSettings, Skipped, files_in_order
from patrol.sources.exif import read_tags
from patrol.sources.track import Track, TrackPoint, bearing_and_distance

CAMPAIGN = "positions-made-up"
SPEED_KMH = 30.0
ACCURACY_M = 2.5
DEFAULT_STEP_M = 8.0
_LINE_STEP_M = 100.0
_LINE_STEPS = 1000
LatLon = tuple[float, float]


def straight_line(start: LatLon, heading_deg: float) -> list[LatLon]:
    """A line (lat, lon) of 100 km from a place along a heading.

    >>> line = straight_line((30.0, 120.0), 0.0)
    >>> len(line), round(line[-1][0], 3)
    (1001, 30.902)
    """
    found = Geod(ellps="WGS84").fwd_intermediate(
        start[1],
        start[0],
        heading_deg,
        npts=_LINE_STEPS,
        del_s=_LINE_STEP_M,
        initial_idx=1,
        terminus_idx=0,
        return_back_azimuth=False,
    )
    return [start, *zip(found.lats, found.lons, strict=True)]


def made_up_drive(folder: Path, line: Sequence[LatLon], settings: DriveSettings) -> Drive:
    """The pictures of a folder, `step_m` apart along a line at 30 km/h; the rest is skipped where the line ends."""
    step_m = settings.step_m or DEFAULT_STEP_M
    track, length_m = _along(line)
    start = settings.starting_at or datetime.fromtimestamp(int(folder.stat().st_mtime), UTC)
    seq = 0
    for path in files_in_order(folder):
        picture = path.read_bytes()
        tags = read_tags(picture)
        if tags is None or tags.format not in PICTURE_TYPES:
            yield Skipped(path.name, "no JPEG, PNG or WebP picture")
            continue
        along_m = seq * step_m
        place = track.place_at(along_m) if along_m <= length_m else None
        if place is None:
            yield Skipped(path.name, f"the line has ended after {length_m:.0f} m")
            continue
        yield CapturedFrame(
            device=settings.device,
            camera=settings.camera,
            campaign=settings.campaign or CAMPAIGN,
            seq=seq,
            taken_at=start + timedelta(seconds=along_m / (SPEED_KMH / 3.6)),
            picture=picture,
            content_type=PICTURE_TYPES[tags.format],
            position=Position(lat=place.lat, lon=place.lon, datum=settings.datum, accuracy_m=ACCURACY_M),
            heading_deg=place.heading_deg,
            speed_kmh=SPEED_KMH,
            origin=path.name,
            notes=("position, heading, speed and time made up",),
        )
        seq += 1


def _along(line: Sequence[LatLon]) -> tuple[Track, float]:
    """The line as a track over metres instead of seconds, and its length."""
    points = [TrackPoint(at_s=0.0, lat=line[0][0], lon=line[0][1])]
    for lat, lon in line[1:]:
        there = TrackPoint(at_s=0.0, lat=lat, lon=lon)
        length_m = bearing_and_distance(points[-1], there)[1]
        if length_m > 0.0:
            points.append(TrackPoint(at_s=points[-1].at_s + length_m, lat=lat, lon=lon))
    if len(points) < 2:
        raise InputError("the line has no length")
    return Track(points, heading_base_m=0.5, longest_gap_s=float("inf")), points[-1].at_s
