"""Distinct frames of several cars: 1080p JPEG, at least one detection each, with what a device says of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle, islice
from typing import Any

from detector.yolo import YoloDetector
from patrol.simulate.camera import Lens
from patrol.simulate.city import City, CityConfig
from patrol.simulate.drive import Drive, DriveConfig, SimCamera

CARS = 8
CITY = CityConfig(look="demo", seed=11, blocks=(3, 3), things=20, passes=1)
FULL_HD = Lens(focal_px=1350.0, width_px=1920, height_px=1080, cx_px=960.0, cy_px=540.0)
FORMS_BOUNDARY = "one-frame-of-a-drawn-street"


@dataclass(frozen=True, slots=True)
class RoadFrame:
    """One frame as it is sent."""

    device: str
    meta: dict[str, Any]
    jpeg: bytes
    detections: int

    def meta_now(self) -> dict[str, Any]:
        """The meta, sent at this moment: the device's clock is right, and the frame comes out of its buffer."""
        return self.meta | {"sent_at": datetime.now(UTC).isoformat()}


def the_drive() -> Drive:
    """Eight cars with Full HD cameras in a drawn city."""
    cameras = (SimCamera(lens=FULL_HD),)
    return Drive(City(CITY), DriveConfig(vehicles=CARS, passes=1, cameras=cameras, weather=("clear", "overcast")))


def road_frames(drive: Drive, detector: YoloDetector) -> Iterator[RoadFrame]:
    """The frames of the cars, one car after the other and in the order of each car's drive, drawn as they are asked
    for. Frames without a fix or without a detection are left out."""
    cars = [_frames_of(drive, car, detector) for car in range(CARS)]
    return (next(car) for car in cycle(cars))


def take(frames: Iterator[RoadFrame], count: int) -> list[RoadFrame]:
    """The next frames, the same number of each car."""
    return list(islice(frames, -(-count // CARS) * CARS))


def _frames_of(drive: Drive, car: int, detector: YoloDetector) -> Iterator[RoadFrame]:
    for drawn in drive.frames_of(car, 0):
        if drawn.fix.is_lost:
            continue
        jpeg = drawn.jpeg()
        found = len(detector.detect(jpeg))
        if found:
            yield RoadFrame(drawn.device, drawn.meta, jpeg, found)
    raise RuntimeError(f"the drive of car {car} is too short for so many frames")


def form_of(meta: str | None, jpeg: bytes) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a multipart form with the part `image`, and `meta` before it where there is one."""
    parts = [] if meta is None else [_part('name="meta"', "application/json", meta.encode())]
    parts.append(_part('name="image"; filename="frame.jpg"', "image/jpeg", jpeg))
    body = b"".join(parts) + f"--{FORMS_BOUNDARY}--\r\n".encode()
    return body, {"Content-Type": f"multipart/form-data; boundary={FORMS_BOUNDARY}"}


def _part(disposition: str, content_type: str, content: bytes) -> bytes:
    head = (
        f"--{FORMS_BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\nContent-Type: {content_type}\r\n\r\n"
    )
    return head.encode() + content + b"\r\n"
