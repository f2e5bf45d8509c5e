"""Several vehicles driving through a drawn city in several passes: frames as they would be sent, with their truth."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from patrol.simulate.camera import Lens, Mount, mount_record, view_from
from patrol.simulate.city import City
from patrol.simulate.frames import Fix, SimFrame, Stage
from patrol.simulate.gnss import Receiver, drifting, heading_errors, lost
from patrol.simulate.render import Renderer
from patrol.simulate.route import Track, corners_of, driven
from patrol.simulate.seeds import generator
from patrol.simulate.things import LABELLED_CLASSES
from patrol.simulate.visible import Watcher
from patrol.simulate.weather import Light, drawn_light


@dataclass(frozen=True, slots=True, kw_only=True)
class SimCamera:
    """A camera on each vehicle."""

    name: str = "front"
    mount: Mount = field(default_factory=lambda: Mount(height_m=1.7, pitch_deg=9.0, forward_m=0.6, right_m=0.1))
    lens: Lens = field(default_factory=Lens)


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveConfig:
    """Who drives when.

    Pass number p of a vehicle starts p * pass_gap_s after first_at; odd vehicles drive the streets the other way round,
    and so does every vehicle in odd passes, so two passes see both sides. A frame is taken every step_m of the way;
    limit_m cuts each pass short (0 = all streets). `weather` is the kinds to draw from (empty = all).
    The truth of a frame tells of things of seen_classes whose visible box is at least seen_px (pixels of the full
    frame) on both sides.
    """

    vehicles: int = 2
    passes: int = 3
    step_m: float = 3.0
    cruise_kmh: float = 30.0
    red_share: float = 0.25
    limit_m: float = 0.0
    first_at: datetime = datetime(2026, 11, 16, 1, 0, 0, tzinfo=UTC)
    pass_gap_s: float = 6 * 3600.0
    cameras: tuple[SimCamera, ...] = (SimCamera(),)
    receiver: Receiver = field(default_factory=Receiver)
    weather: tuple[str, ...] = ()
    campaign: str | None = None
    seen_classes: tuple[str, ...] = LABELLED_CLASSES
    seen_px: float = 8.0


@dataclass
class Drive:
    """All passes of all vehicles through one city; the same config gives the same frames on every machine."""

    city: City
    config: DriveConfig
    _watchers: dict[int, Watcher] = field(default_factory=dict)

    @cached_property
    def renderer(self) -> Renderer:
        """Draws the city's pictures; made when the first picture is asked for."""
        return Renderer(self.city)

    def watcher(self, number: int) -> Watcher:
        """Knows what is to be seen during a pass."""
        if number not in self._watchers:
            self._watchers[number] = Watcher(self.city, number, classes=self.config.seen_classes)
        return self._watchers[number]

    def rng(self, *words: object) -> Generator:
        """A generator of this city's drives for a purpose."""
        return generator(self.city.config.look, self.city.config.seed, "drive", *words)

    def device(self, vehicle: int) -> str:
        """The device name of a vehicle, counted from 0."""
        return f"sim-{self.city.config.look}-{vehicle + 1:03d}"

    def mounts(self) -> dict[tuple[str, str], dict[str, object]]:
        """What to tell the server about each camera, by device and camera name: mount, lens and declared lag."""
        lag_s = self.config.receiver.lag_s
        return {
            (self.device(vehicle), camera.name): mount_record(camera.mount, camera.lens, lag_s)
            for vehicle in range(self.config.vehicles)
            for camera in self.config.cameras
        }

    def started_at(self, number: int) -> datetime:
        """When a pass starts."""
        return self.config.first_at + timedelta(seconds=number * self.config.pass_gap_s)

    def track(self, vehicle: int, number: int) -> Track:
        """The true track of a vehicle's pass in the plan."""
        crossings = corners_of(self.city.plan, reverse=(vehicle + number) % 2 == 1)
        rng = self.rng("track", vehicle, number)
        return driven(rng, self.city.plan, crossings, self.config.cruise_kmh, self.config.red_share)

    def light(self, vehicle: int, number: int) -> Light:
        """The light and weather of a vehicle's pass."""
        rng = self.rng("light", vehicle, number)
        kind = str(rng.choice(self.config.weather)) if self.config.weather else ""
        return drawn_light(rng, kind)

    def frames_of(self, vehicle: int, number: int) -> Iterator[SimFrame]:
        """The frames of a vehicle's pass in the order in which they are taken, camera by camera at each place."""
        config, track = self.config, self.track(vehicle, number)
        end_m = min(float(track.along_m[-1]), config.limit_m or np.inf)
        moments = np.array([track.moment_at(along) for along in np.arange(config.step_m, end_m, config.step_m)])
        fixes = self._fixes(vehicle, number, track, moments)
        light = self.light(vehicle, number)
        stage = Stage(self.city, self.watcher(number), lambda: self.renderer, number, light, config.seen_px)
        sent_rng = self.rng("sent", vehicle, number)
        for place, (moment, fix) in enumerate(zip(moments, fixes, strict=True)):
            for camera in config.cameras:
                pose = track.pose_at(float(moment))
                taken_at = self.started_at(number) + timedelta(milliseconds=round(float(moment) * 1000))
                yield SimFrame(
                    stage=stage,
                    device=self.device(vehicle),
                    camera=camera.name,
                    vehicle=vehicle,
                    pass_number=number,
                    seq=number * 1_000_000 + place,
                    taken_at=taken_at,
                    sent_at=taken_at + timedelta(milliseconds=int(sent_rng.integers(300, 2500))),
                    pose=pose,
                    view=view_from(pose, camera.mount, camera.lens),
                    fix=fix,
                    campaign=config.campaign,
                )

    def _fixes(self, vehicle: int, number: int, track: Track, moments: NDArray[np.float64]) -> list[Fix]:
        """What the receiver says at each moment."""
        receiver, rng = self.config.receiver, self.rng("gnss", vehicle, number)
        errors = drifting(rng, moments, receiver.sigma_m, receiver.correlation_s)
        turns = heading_errors(rng, len(moments), receiver)
        gone = lost(rng, moments, receiver)
        found = []
        for i, moment in enumerate(moments):
            then = float(moment) - receiver.lag_s - receiver.lag_error_s
            pose = track.pose_at(then)
            here = self.city.plan.to_enu(np.array([[pose.x_m, pose.y_m]]))[0] + errors[i]
            lat, lon = self.city.local.to_latlon(float(here[0]), float(here[1]))
            found.append(
                Fix(
                    lat=lat,
                    lon=lon,
                    accuracy_m=receiver.accuracy_m,
                    heading_deg=(pose.heading_deg + self.city.plan.turn_deg + float(turns[i])) % 360,
                    speed_kmh=max(track.speed_at(then), 0.0),
                    error_m=float(np.hypot(*errors[i])),
                    is_lost=bool(gone[i]),
                )
            )
        return found

    def frames(self) -> Iterator[SimFrame]:
        """All frames, pass by pass; within a pass the vehicles' frames by the time they were taken."""
        for number in range(self.config.passes):
            one_pass = [frame for vehicle in range(self.config.vehicles) for frame in self.frames_of(vehicle, number)]
            yield from sorted(one_pass, key=lambda frame: (frame.taken_at, frame.device, frame.camera))


def as_uploaded(
    frames: list[SimFrame], rng: Generator, late_share: float = 0.05, late_by: int = 20, twice_share: float = 0.02
) -> list[SimFrame]:
    """The frames in the order of a weak network: some up to late_by places too late, some sent twice."""
    count = len(frames)
    order = np.arange(count) + np.where(rng.random(count) < late_share, rng.integers(1, late_by + 1, count) + 0.5, 0.0)
    pairs = [(float(place), frame) for place, frame in zip(order, frames, strict=True)]
    again = np.flatnonzero(rng.random(count) < twice_share)
    pairs += [(float(order[i] + rng.integers(1, late_by + 1) + 0.25), frames[int(i)]) for i in again]
    return [frame for _, frame in sorted(pairs, key=lambda pair: pair[0])]
