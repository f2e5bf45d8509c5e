"""What a photograph says of itself: when, where, which way, how exactly."""

import json
import math
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

from PIL import Image, UnidentifiedImageError
from PIL.ExifTags import GPS, IFD, Base

from patrol.sources.track_files import accuracy_of_dop

_WGS84_NAMES = frozenset({"WGS84", "WGS-84", "WGS 84"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoTags:
    """What the tags of one photograph say; None where they say nothing, `notes` where they say something unusable.

    `zoned_at` is a moment whose zone is known, `local_at` the clock on the wall without a zone (naive).
    `looks_deg` is where the camera looked, clockwise from true north.
    """

    format: str
    lat: float | None = None
    lon: float | None = None
    accuracy_m: float | None = None
    looks_deg: float | None = None
    zoned_at: datetime | None = None
    local_at: datetime | None = None
    notes: tuple[str, ...] = ()


def read_tags(picture: bytes) -> PhotoTags | None:
    """The tags of a photograph, None where the bytes are no picture. The pixels are not decoded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # size and damage are the server's to judge
            with Image.open(BytesIO(picture)) as image:
                return _tags_of(image.format or "", image.getexif())
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError):
        return None


def _tags_of(name: str, exif: Image.Exif) -> PhotoTags:
    gps, details = exif.get_ifd(IFD.GPSInfo), exif.get_ifd(IFD.Exif)
    described = _described(exif)
    place, note = _place(gps)
    return PhotoTags(
        format=name,
        lat=None if place is None else place[0],
        lon=None if place is None else place[1],
        accuracy_m=_accuracy_m(gps, described),
        looks_deg=_looks_deg(gps),
        zoned_at=_original_with_zone(details) or _gps_time(gps) or _described_time(described),
        local_at=_local_time(details.get(Base.DateTimeOriginal)),
        notes=() if note is None else (note,),
    )


def _place(gps: dict[int, Any]) -> tuple[tuple[float, float] | None, str | None]:
    """The position, or why there is none."""
    lat = _degrees(gps.get(GPS.GPSLatitude), gps.get(GPS.GPSLatitudeRef), "S")
    lon = _degrees(gps.get(GPS.GPSLongitude), gps.get(GPS.GPSLongitudeRef), "W")
    if lat is None or lon is None:
        return None, "the photograph has no position"
    datum = str(gps.get(GPS.GPSMapDatum) or "WGS-84").strip("\x00 ").upper()
    if datum not in _WGS84_NAMES:
        return None, f"position left out: its datum is {datum}"
    if str(gps.get(GPS.GPSStatus, "A")).strip("\x00 ").upper() == "V":
        return None, "position left out: the camera calls it void"
    if (lat, lon) == (0.0, 0.0) or abs(lat) > 90 or abs(lon) > 180:
        return None, f"position left out: {lat}, {lon} is no real one"
    return (lat, lon), None


def _degrees(parts: Any, reference: Any, negative: str) -> float | None:
    numbers = _numbers(parts)
    if len(numbers) != 3:
        return None
    size = numbers[0] + numbers[1] / 60 + numbers[2] / 3600
    return -size if str(reference or "").strip("\x00 ").upper() == negative else size


def _numbers(parts: Any) -> list[float]:
    """The finite numbers of a tag; a broken rational (x/0) makes it empty."""
    try:
        numbers = [float(part) for part in (parts if isinstance(parts, tuple | list) else (parts,))]
    except (TypeError, ValueError, ZeroDivisionError):
        return []
    return numbers if all(math.isfinite(number) for number in numbers) else []


def _accuracy_m(gps: dict[int, Any], described: dict[str, Any]) -> float | None:
    """Metres as the phone states them, else from the dilution of precision."""
    for stated in (gps.get(GPS.GPSHPositioningError), described.get("MAPGPSAccuracyMeters")):
        if numbers := _numbers(stated):
            return numbers[0] if numbers[0] > 0 else None
    dop = _numbers(gps.get(GPS.GPSDOP))
    return accuracy_of_dop(dop[0]) if dop else None


def _looks_deg(gps: dict[int, Any]) -> float | None:
    """GPSImgDirection where it is against true north; a magnetic one would need the declination."""
    numbers = _numbers(gps.get(GPS.GPSImgDirection))
    is_true = str(gps.get(GPS.GPSImgDirectionRef, "T")).strip("\x00 ").upper() == "T"
    return numbers[0] % 360.0 if numbers and is_true else None


def _gps_time(gps: dict[int, Any]) -> datetime | None:
    clock = _numbers(gps.get(GPS.GPSTimeStamp))
    day = _local_time(f"{str(gps.get(GPS.GPSDateStamp, '')).strip(chr(0) + ' ')} 00:00:00")
    if day is None or len(clock) != 3:
        return None
    return day.replace(tzinfo=UTC) + timedelta(hours=clock[0], minutes=clock[1], seconds=clock[2])


def _original_with_zone(details: dict[int, Any]) -> datetime | None:
    local, zone = _local_time(details.get(Base.DateTimeOriginal)), details.get(Base.OffsetTimeOriginal)
    if local is None or not zone:
        return None
    fraction = str(details.get(Base.SubsecTimeOriginal, "")).strip("\x00 ")
    part = float(f"0.{fraction}") if fraction.isdecimal() else 0.0
    try:
        offset = datetime.strptime(str(zone).strip("\x00 "), "%z").tzinfo
    except ValueError:
        return None
    return (local + timedelta(seconds=part)).replace(tzinfo=offset).astimezone(UTC)


def _local_time(text: Any) -> datetime | None:
    try:
        return datetime.strptime(str(text).strip("\x00 "), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 - EXIF has no zone here
    except ValueError:
        return None


def _described(exif: Image.Exif) -> dict[str, Any]:
    """The JSON that street-photograph apps (Mapillary and its likes) leave in ImageDescription."""
    try:
        found = json.loads(str(exif.get(Base.ImageDescription, "")))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _described_time(described: dict[str, Any]) -> datetime | None:
    """`MAPCaptureTime`, which is UTC.

    The compass beside it is not read: in the one drive at hand it is off by up to 125 degrees.
    """
    parts = str(described.get("MAPCaptureTime", "")).split("_")
    if len(parts) != 7 or not all(part.isdecimal() for part in parts):
        return None
    year, month, day, hour, minute, second, thousandth = map(int, parts)
    try:
        return datetime(year, month, day, hour, minute, second, thousandth * 1000, UTC)
    except ValueError:
        return None
