"""A video with a track as a drive: frames picked by way or by time, each with the place of its exposure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
from construct import ConstructError
from cv2.typing import MatLike
from mapillary_tools.mp4.mp4_sample_parser import MovieBoxParser
from mapillary_tools.mp4.simple_mp4_parser import ParsingError

from patrol.errors import InputError
from patrol.frame import CapturedFrame, Position
from patrol.sources.drive import Drive, DriveSettings
from patrol.sources.gopro import gopro_track
from patrol.sources.track import Place, Track, bearing_and_distance

DEFAULT_STEP_M = 3.0
WITHOUT_FIX_EVERY_S = 1.0
"""Frames without a position are sent too, so that the server counts them as what they are: dropped for no fix."""
_JPEG_QUALITY = 95
_MP4_EPOCH = datetime(1904, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedTrack:
    """A track and how it lies on a video: `track_s` of the video's first picture, and when that was."""

    track: Track
    track_s: float
    started_at: datetime
    notes: tuple[str, ...] = ()


def own_track(video: Path, settings: DriveSettings) -> TimedTrack:
    """The track in the video's own telemetry; raises InputError where there is none, or no time."""
    found = gopro_track(video)
    if found is None:
        raise InputError(f"{video} holds no GoPro telemetry: give its track with --gpx or --nmea")
    track, began_at = found
    started_at = settings.starting_at or began_at or _created_at(video)
    if started_at is None:
        raise InputError(f"{video} does not say when it was taken: give --starting-at")
    return TimedTrack(track=track, track_s=0.0, started_at=started_at)


def given_track(video: Path, track: Track, settings: DriveSettings) -> TimedTrack:
    """A track in UTC seconds laid on the video by its start: as stated, else as the file says, else the track's own.

    A file's creation time is believed only within the track: many cameras write it in local time.
    """
    first, last = track.points[0].at_s, track.points[-1].at_s
    notes: tuple[str, ...] = ()
    if settings.starting_at is not None:
        started_at = settings.starting_at
    elif (created_at := _created_at(video)) is not None and first <= created_at.timestamp() <= last:
        started_at, notes = created_at, ("start of the video taken from its file",)
    else:
        started_at = datetime.fromtimestamp(first, UTC)
        notes = ("start of the video unknown: laid on the start of the track",)
    return TimedTrack(track=track, track_s=started_at.timestamp(), started_at=started_at, notes=notes)


def video_drive(video: Path, timed: TimedTrack, settings: DriveSettings) -> Drive:
    """Frames of the video, `every_s` seconds or `step_m` metres apart, each encoded once as JPEG.

    Where there is no valid fix the frame has no position, and one comes every second.
    """
    picker = _Picker(settings)
    for at_s, picture in _pictures(video, lambda at_s: picker.takes(at_s, timed.track.place_at(timed.track_s + at_s))):
        place = timed.track.place_at(timed.track_s + at_s)
        missing = () if place is not None else ("no valid fix at this moment: sent without a position",)
        yield CapturedFrame(
            device=settings.device,
            camera=settings.camera,
            campaign=settings.campaign,
            seq=picker.taken - 1,
            taken_at=timed.started_at + timedelta(seconds=at_s),
            picture=_jpeg(picture),
            position=_position(place, settings),
            heading_deg=None if place is None else place.heading_deg,
            speed_kmh=None if place is None else place.speed_kmh,
            origin=f"{video.name} {at_s:.3f} s",
            notes=timed.notes + missing,
        )


class _Picker:
    """Decides from time and place alone which pictures are worth decoding."""

    def __init__(self, settings: DriveSettings) -> None:
        self.taken = 0
        self._every_s = settings.every_s
        self._step_m = settings.step_m or DEFAULT_STEP_M
        self._last: tuple[float, Place | None] | None = None

    def takes(self, at_s: float, place: Place | None) -> bool:
        """Whether the picture of this moment is to be sent."""
        if not self._is_due(at_s, place):
            return False
        self._last = (at_s, place)
        self.taken += 1
        return True

    def _is_due(self, at_s: float, place: Place | None) -> bool:
        if self._last is None:
            return True
        last_s, last_place = self._last
        if self._every_s is not None:
            return at_s - last_s >= self._every_s - 1e-6
        if place is None or last_place is None:
            return (place is None) != (last_place is None) or at_s - last_s >= WITHOUT_FIX_EVERY_S - 1e-6
        return bearing_and_distance(last_place, place)[1] >= self._step_m


def _pictures(video: Path, is_wanted: Callable[[float], bool]) -> Iterator[tuple[float, MatLike]]:
    """The wanted pictures (uint8 HWC BGR, upright) with their second of exposure."""
    capture = cv2.VideoCapture(str(video))
    try:
        if not capture.isOpened():
            raise InputError(f"{video} is no video that can be read")
        while capture.grab():
            at_s = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0
            if is_wanted(at_s):
                decoded, picture = capture.retrieve()
                if decoded:
                    yield at_s, picture
    finally:
        capture.release()


def _jpeg(picture: MatLike) -> bytes:
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1].tobytes()


def _position(place: Place | None, settings: DriveSettings) -> Position | None:
    if place is None:
        return None
    return Position(lat=place.lat, lon=place.lon, datum=settings.datum, accuracy_m=place.accuracy_m)


def _created_at(video: Path) -> datetime | None:
    """The creation time in an MP4 header, None where it is not set."""
    try:
        header = MovieBoxParser.parse_file(video).extract_mvhd_boxdata()
    except (ParsingError, ConstructError, ValueError, LookupError):
        return None
    seconds = int(header.get("creation_time", 0))
    return _MP4_EPOCH + timedelta(seconds=seconds) if seconds > 0 else None
