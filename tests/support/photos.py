"""Builders of small real photographs with chosen tags."""

from io import BytesIO
from typing import Any

from PIL import Image
from PIL.ExifTags import GPS, IFD, Base


def a_photo(
    *,
    lat: float | None = 30.25,
    lon: float | None = 120.5,
    original: str | None = None,
    zone: str | None = None,
    description: str | None = None,
    format: str = "JPEG",
    colour: int = 0,
    **gps: Any,
) -> bytes:
    """A picture of 16x16 pixels; `gps` holds further GPS tags by name."""
    exif = Image.Exif()
    place: dict[int, Any] = {getattr(GPS, name): value for name, value in gps.items()}
    if lat is not None and lon is not None:
        place |= {GPS.GPSLatitudeRef: "N" if lat >= 0 else "S", GPS.GPSLatitude: _sexagesimal(lat)}
        place |= {GPS.GPSLongitudeRef: "E" if lon >= 0 else "W", GPS.GPSLongitude: _sexagesimal(lon)}
    details: dict[int, Any] = {}
    if original is not None:
        details[Base.DateTimeOriginal] = original
    if zone is not None:
        details[Base.OffsetTimeOriginal] = zone
    if description is not None:
        exif[Base.ImageDescription] = description
    exif.get_ifd(IFD.GPSInfo).update(place)
    exif.get_ifd(IFD.Exif).update(details)
    written = BytesIO()
    Image.new("RGB", (16, 16), (colour, 90, 120)).save(written, format=format, exif=exif.tobytes())
    return written.getvalue()


def _sexagesimal(degrees: float) -> tuple[float, float, float]:
    size = abs(degrees)
    minutes = (size - int(size)) * 60
    return float(int(size)), float(int(minutes)), (minutes - int(minutes)) * 60
