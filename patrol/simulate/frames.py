"""One simulated frame: what the vehicle sends and, apart from it, the truth."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np

from patrol.simulate.camera import Pose, View
from patrol.simulate.city import City
from patrol.simulate.render import Renderer, jpeg_bytes
from patrol.simulate.seeds import generator
from patrol.simulate.solids import Picture
from patrol.simulate.visible import Seen, Watcher
from patrol.simulate.weather import Light


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """What the receiver says: WGS84, the 68 % radius, true-north heading and speed; `error_m` is its true error."""

    lat: float
    lon: float
    accuracy_m: float
    heading_deg: float
    speed_kmh: float
    error_m: float
    is_lost: bool


@dataclass(frozen=True)
class Stage:
    """What the frames of one pass of a vehicle share."""

    city: City
    watcher: Watcher
    renderer: Callable[[], Renderer]
    number: int
    light: Light
    seen_px: float = 8.0


def stamp(moment: datetime) -> str:
    """A UTC time as the wire wants it: milliseconds and a Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


@dataclass(frozen=True, kw_only=True)
class SimFrame:
    """A frame of a simulated drive. `meta` and `jpeg` are what is sent; `pose`, `view` and `seen` are the truth.

    taken_at is the moment of exposure; the position in `meta` is where the antenna was lag_s (declared) plus the
    receiver's lag error before it. `pose` is the antenna's true pose at taken_at, in the plan.
    """

    stage: Stage
    device: str
    camera: str
    vehicle: int
    pass_number: int
    seq: int
    taken_at: datetime
    sent_at: datetime
    pose: Pose
    view: View
    fix: Fix
    campaign: str | None

    @property
    def key(self) -> str:
        """A name that no other frame of the drive has."""
        return f"{self.device}_{self.camera}_{self.seq:07d}"

    @property
    def meta(self) -> dict[str, Any]:
        """The frame's `meta` on the wire; position, heading and speed are null while the fix is lost."""
        fix = self.fix
        position = {
            "lat": round(fix.lat, 8),
            "lon": round(fix.lon, 8),
            "datum": "wgs84",
            "accuracy_m": round(fix.accuracy_m, 2),
        }
        return {
            "device": self.device,
            "camera": self.camera,
            "seq": self.seq,
            "taken_at": stamp(self.taken_at),
            "sent_at": stamp(self.sent_at),
            "position": None if fix.is_lost else position,
            "heading_deg": None if fix.is_lost else round(fix.heading_deg, 2),
            "speed_kmh": None if fix.is_lost else round(fix.speed_kmh, 1),
            "campaign": self.campaign,
        }

    @cached_property
    def seen(self) -> list[Seen]:
        """The labelled things this frame shows; no picture is drawn for it."""
        return self.stage.watcher.seen(self.view, self.stage.seen_px)

    def picture(self) -> Picture:
        """The drawn picture (uint8 HWC BGR); drawn anew at every call, always the same."""
        config = self.stage.city.config
        rng = generator(config.look, config.seed, "picture", self.key)
        return self.stage.renderer().frame(
            self.view, self.stage.light, self.stage.watcher.things, rng, self.stage.number
        )

    def jpeg(self) -> bytes:
        """The drawn picture as JPEG."""
        return jpeg_bytes(self.picture(), self.stage.light.jpeg_quality)

    def stand_in(self) -> bytes:
        """A tiny grey JPEG that no other frame of the drive has: for runs whose detections come from the truth."""
        rng = generator(self.stage.city.config.look, self.stage.city.config.seed, "stand-in", self.key)
        return jpeg_bytes(rng.integers(90, 160, (9, 16, 3)).astype(np.uint8), 90)

    def true_latlon(self) -> tuple[float, float]:
        """WGS84 latitude and longitude of the antenna at taken_at."""
        city = self.stage.city
        east, north = city.plan.to_enu(np.array([[self.pose.x_m, self.pose.y_m]]))[0]
        return city.local.to_latlon(float(east), float(north))

    @property
    def true_heading_deg(self) -> float:
        """The vehicle's heading at taken_at, clockwise from true north."""
        return (self.pose.heading_deg + self.stage.city.plan.turn_deg) % 360
