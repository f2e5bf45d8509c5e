"""One picture as the vehicle took it, and its wire format."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

Datum = Literal["wgs84", "cgcs2000", "gcj02", "bd09"]
DATUMS: tuple[Datum, ...] = ("wgs84", "cgcs2000", "gcj02", "bd09")


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A GNSS position in degrees of `datum`; `accuracy_m` is the radius that holds 68 % of the errors, if known."""

    lat: float
    lon: float
    datum: Datum = "wgs84"
    accuracy_m: float | None = None

    def __post_init__(self) -> None:
        """Refuse what is no place on Earth."""
        if not (-90 <= self.lat <= 90 and -180 <= self.lon <= 180):
            raise ValueError(f"no place on Earth: lat {self.lat}, lon {self.lon}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedFrame:
    """One picture with what is known about it.

    `taken_at` is the moment of exposure (aware, UTC), `position` is None where there was no valid fix, `heading_deg`
    is where the vehicle (not the camera) points, clockwise from north. `origin` is the file or the second of a video
    it comes from, `notes` say what was made up or left out; both stay in the vehicle and are no part of the wire
    format.
    """

    device: str
    camera: str
    seq: int
    taken_at: datetime
    picture: bytes
    content_type: str = "image/jpeg"
    position: Position | None = None
    heading_deg: float | None = None
    speed_kmh: float | None = None
    campaign: str | None = None
    origin: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a time without a zone: a naive time is eight hours wrong sooner or later."""
        if self.taken_at.tzinfo is None:
            raise ValueError("taken_at has no time zone")

    @property
    def sha256(self) -> str:
        """The hex SHA-256 of the picture."""
        return hashlib.sha256(self.picture).hexdigest()


def wire_time(moment: datetime) -> str:
    """A moment as the wire format writes it: UTC, milliseconds.

    >>> wire_time(datetime(2026, 11, 22, 2, 3, 4, 250_999, tzinfo=UTC))
    '2026-11-22T02:03:04.250Z'
    """
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def wire_meta(frame: CapturedFrame) -> dict[str, Any]:
    """The `meta` object of a frame without `sent_at`, which is set at the moment of sending.

    >>> at = datetime(2026, 11, 22, 2, 3, 4, tzinfo=UTC)
    >>> wire_meta(CapturedFrame(device="d", camera="front", seq=1, taken_at=at, picture=b""))["position"] is None
    True
    """
    position = frame.position
    return {
        "device": frame.device,
        "camera": frame.camera,
        "seq": frame.seq,
        "taken_at": wire_time(frame.taken_at),
        "position": None
        if position is None
        else {
            "lat": round(position.lat, 8),
            "lon": round(position.lon, 8),
            "datum": position.datum,
            "accuracy_m": None if position.accuracy_m is None else round(position.accuracy_m, 2),
        },
        "heading_deg": None if frame.heading_deg is None else round(frame.heading_deg, 2) % 360.0,
        "speed_kmh": None if frame.speed_kmh is None else round(frame.speed_kmh, 2),
        "campaign": frame.campaign,
    }
