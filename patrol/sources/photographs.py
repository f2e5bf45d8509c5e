"""A folder of geotagged photographs as a drive."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from patrol.errors import InputError
from patrol.frame import CapturedFrame, Position
from patrol.sources.drive import PICTURE_TYPES, Drive, DriveSettings, Skipped, files_in_order
from patrol.sources.exif import PhotoTags, read_tags
from patrol.sources.track import Track, TrackPoint

DEFAULT_EVERY_S = 2.0
_HEADING_BASE_M = 10.0  # phones are off by 5 m: over less way the heading would be noise
_NEVER_S = float("inf")
Notes = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Photo:
    path: Path
    tags: PhotoTags
    taken_at: datetime
    notes: tuple[str, ...]


def photograph_drive(folder: Path, settings: DriveSettings) -> Drive:
    """The photographs of a folder in order of time, their bytes unchanged.

    Times come from the tags when all photographs have them; else, or when `starting_at` is set, they are made from
    the order of the files, `every_s` apart, and each frame's notes say so. Headings come from the camera's compass
    or from the way between the photographs. A speed is not given: no one has measured it, and one computed from
    positions would call a stuck receiver a standing vehicle.
    """
    tagged, skipped = _read_all(folder)
    if not tagged:
        raise InputError(f"{folder} holds no JPEG, PNG or WebP picture ({len(skipped)} other files)")
    yield from skipped
    photos = sorted(_timed(tagged, settings), key=lambda photo: photo.taken_at)
    track = Track((_fix(photo) for photo in photos), heading_base_m=_HEADING_BASE_M, longest_gap_s=_NEVER_S)
    for seq, photo in enumerate(photos):
        yield _frame(photo, seq, track, settings)


def _read_all(folder: Path) -> tuple[list[tuple[Path, PhotoTags]], list[Skipped]]:
    tagged, skipped = [], []
    for path in files_in_order(folder):
        tags = read_tags(path.read_bytes())
        if tags is None:
            skipped.append(Skipped(path.name, "no picture that can be read"))
        elif tags.format not in PICTURE_TYPES:
            skipped.append(Skipped(path.name, f"{tags.format or 'unknown format'}: only JPEG, PNG and WebP are sent"))
        else:
            tagged.append((path, tags))
    return tagged, skipped


def _timed(tagged: Sequence[tuple[Path, PhotoTags]], settings: DriveSettings) -> list[_Photo]:
    if settings.starting_at is None:
        for own_times, note in _own_times([tags for _, tags in tagged], settings.utc_offset_h):
            if len(own_times) == len(tagged):
                return [
                    _Photo(path=path, tags=tags, taken_at=own, notes=tags.notes + note)
                    for (path, tags), own in zip(tagged, own_times, strict=True)
                ]
    every_s = settings.every_s or DEFAULT_EVERY_S
    start = settings.starting_at or _first_moment(tagged)
    made = (f"time made up: {every_s} s after the picture before it, the first at {start.isoformat()}",)
    return [
        _Photo(path=path, tags=tags, taken_at=start + timedelta(seconds=number * every_s), notes=tags.notes + made)
        for number, (path, tags) in enumerate(tagged)
    ]


def _own_times(tags: Sequence[PhotoTags], utc_offset_h: float | None) -> Iterator[tuple[list[datetime], Notes]]:
    """The times the photographs have, the surest kind first."""
    yield [said.zoned_at for said in tags if said.zoned_at is not None], ()
    note = () if utc_offset_h is not None else ("time zone unknown: the clock of the tags was taken as UTC",)
    zone = timezone(timedelta(hours=utc_offset_h or 0.0))
    yield [said.local_at.replace(tzinfo=zone).astimezone(UTC) for said in tags if said.local_at is not None], note


def _first_moment(tagged: Sequence[tuple[Path, PhotoTags]]) -> datetime:
    """The earliest time the tags or else the files know: the same folder gives the same times, run after run."""
    known = [tags.zoned_at for _, tags in tagged if tags.zoned_at is not None]
    if known:
        return min(known)
    changed_s = min(path.stat().st_mtime for path, _ in tagged)
    return datetime.fromtimestamp(int(changed_s), UTC)


def _fix(photo: _Photo) -> TrackPoint:
    tags = photo.tags
    return TrackPoint(
        at_s=photo.taken_at.timestamp(),
        lat=tags.lat or 0.0,
        lon=tags.lon or 0.0,
        is_fix=tags.lat is not None and tags.lon is not None,
        accuracy_m=tags.accuracy_m,
    )


def _frame(photo: _Photo, seq: int, track: Track, settings: DriveSettings) -> CapturedFrame:
    tags = photo.tags
    place = track.place_at(photo.taken_at.timestamp())
    heading_deg = None if place is None else place.heading_deg
    if tags.looks_deg is not None:
        heading_deg = (tags.looks_deg - settings.yaw_deg) % 360.0
    return CapturedFrame(
        device=settings.device,
        camera=settings.camera,
        campaign=settings.campaign,
        seq=seq,
        taken_at=photo.taken_at,
        picture=photo.path.read_bytes(),
        content_type=PICTURE_TYPES[tags.format],
        position=None
        if place is None
        else Position(lat=place.lat, lon=place.lon, datum=settings.datum, accuracy_m=place.accuracy_m),
        heading_deg=heading_deg,
        origin=photo.path.name,
        notes=photo.notes,
    )
