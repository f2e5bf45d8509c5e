"""One picture with its fix, and what is kept of it."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from inference_server.domain.geo import LatLon

FrameId = NewType("FrameId", str)
DeviceId = NewType("DeviceId", str)
CameraId = NewType("CameraId", str)  # "<device>/<camera>", unique in the city

_FRAME_NAMESPACE = uuid.UUID("6f2d9a3e-2f0b-5c0a-9d2c-5b1f0f6a7e11")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """A GNSS position on WGS84: `accuracy_m` is the radius that holds 68 % of the errors."""

    position: LatLon
    accuracy_m: float | None = None
    heading_deg: float | None = None
    speed_kmh: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One accepted picture. `taken_at` is corrected by the clock skew; `claimed_at` is what the device said."""

    id: FrameId
    device: DeviceId
    camera: CameraId
    seq: int
    taken_at: datetime
    claimed_at: datetime
    received_at: datetime
    sha256: str
    size_bytes: int
    content_type: str
    clock_skew_s: float = 0.0
    fix: Fix | None = None
    campaign: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How good a picture is: `sharpness` (variance of the Laplacian at 320 px width), `brightness` (mean, 0 to 255),
    and a 32x18 grey thumbnail, row by row, for telling whether the scene has moved."""

    sharpness: float
    brightness: float
    thumbnail: bytes
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PastFrame:
    """What the gate needs of an earlier frame of the same camera."""

    id: FrameId
    taken_at: datetime
    fix: Fix
    thumbnail: bytes | None
    is_analysed: bool


def camera_id(device: str, camera: str) -> CameraId:
    """The city-wide id of a camera of a device."""
    return CameraId(f"{device}/{camera}")


def frame_id(device: str, camera: str, claimed_at: datetime, sha256: str) -> FrameId:
    """The id of a frame: the same key gives the same id, on any machine.

    The key is the one of the wire format: device, camera, time of exposure as claimed, hash of the picture.
    """
    key = "|".join((device, camera, claimed_at.isoformat(), sha256))
    return FrameId(uuid.uuid5(_FRAME_NAMESPACE, key).hex)


def sha256_of(picture: bytes) -> str:
    """The hex SHA-256 of a picture."""
    return hashlib.sha256(picture).hexdigest()
