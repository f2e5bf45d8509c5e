"""What every source gives: frames, and the items it had to leave out with the reason."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from patrol.frame import CapturedFrame, Datum


@dataclass(frozen=True, slots=True)
class Skipped:
    """An item of the source that became no frame, and why."""

    name: str
    reason: str


Drive = Iterator[CapturedFrame | Skipped]


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveSettings:
    """What a source is told about the drive.

    `yaw_deg` is how far the camera looks to the right of the way it drives: a picture's own compass tells where the
    camera looked, a frame's heading where the vehicle pointed. `starting_at` sets or overrides the moment of the first
    picture; `every_s` and `step_m` are the wished spacing. `utc_offset_h` belongs to tags that hold a clock without a
    zone.
    """

    device: str
    camera: str
    campaign: str | None = None
    datum: Datum = "wgs84"
    yaw_deg: float = 0.0
    starting_at: datetime | None = None
    utc_offset_h: float | None = None
    every_s: float | None = None
    step_m: float | None = None


PICTURE_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
"""What the server takes as it is, by Pillow's name of the format."""


def files_in_order(folder: Path) -> list[Path]:
    """The files of a folder by name, numbers by value, hidden ones left out.

    >>> [path.name for path in sorted([Path("10.jpg"), Path("9.jpg")], key=_by_number)]
    ['9.jpg', '10.jpg']
    """
    return sorted(
        (path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")), key=_by_number
    )


def _by_number(path: Path) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
