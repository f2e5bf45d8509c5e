"""The track a GoPro camera writes into its own videos (read by mapillary_tools' parser)."""

from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from construct import ConstructError
from mapillary_tools.gpmf.gpmf_parser import extract_gopro_info
from mapillary_tools.mp4.simple_mp4_parser import ParsingError
from mapillary_tools.telemetry import GPSFix

from patrol.errors import InputError
from patrol.sources.track import Track, TrackPoint
from patrol.sources.track_files import accuracy_of_dop

_KMH_PER_MPS = 3.6
_FIXES = frozenset({GPSFix.FIX_2D, GPSFix.FIX_3D})
"""A position without one of these is nonsense: a HERO8 without sky reported places on the open sea, hundreds of
kilometres apart within a second."""


def gopro_track(video: Path) -> tuple[Track, datetime | None] | None:
    """The track in seconds from the video's start, and when that start was (None where the camera did not know).

    None where the video holds no GoPro telemetry. Points the camera itself calls no fix are in the track as such.
    """
    try:
        with video.open("rb") as file:
            info = extract_gopro_info(file)
    except OSError as error:
        raise InputError(f"{video} cannot be read: {error}") from error
    except (ParsingError, ConstructError, ValueError):
        return None  # no MP4, or none with telemetry: it may still be a video
    if info is None or not info.gps:
        return None
    return Track(_of_sample(sample) for sample in info.gps), _started_at(info.gps)


def _of_sample(sample: Any) -> TrackPoint:
    is_fix = sample.fix in _FIXES
    dop = None if sample.precision is None else sample.precision / 100.0  # GPSP: dilution times 100
    return TrackPoint(
        at_s=sample.time,
        lat=sample.lat,
        lon=sample.lon,
        is_fix=is_fix,
        accuracy_m=accuracy_of_dop(dop) if is_fix else None,
        speed_kmh=None if sample.ground_speed is None else sample.ground_speed * _KMH_PER_MPS,
    )


def _started_at(samples: list[Any]) -> datetime | None:
    """When the video began: the median over the telemetry packets, since single ones are off by a second."""
    first_of_packet: dict[float, float] = {}
    for sample in samples:
        if sample.epoch_time:
            first_of_packet.setdefault(sample.epoch_time, sample.time)
    if not first_of_packet:
        return None
    return datetime.fromtimestamp(median(epoch_s - at_s for epoch_s, at_s in first_of_packet.items()), UTC)
