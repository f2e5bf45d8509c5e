"""Where a vehicle drives and when it is where: lanes, corners, lights and speed."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.random import Generator

from patrol.simulate.camera import Pose
from patrol.simulate.layout import Floats, Plan

STEP_M = 0.25
LANE_M = 1.75
ACCELERATION_MS2 = 1.2
CORNER_KMH = 14.0
CORNER_RADIUS_M = 6.5


@dataclass(frozen=True, kw_only=True)
class Track:
    """A driven line sampled about every STEP_M: places `(n, 2)` in the plan, headings in degrees, times in seconds.

    `left_s` is when the vehicle leaves a sample; it is later than `arrived_s` where it waits at a light.
    """

    places: Floats
    heading_deg: Floats
    along_m: Floats
    arrived_s: Floats
    left_s: Floats

    @cached_property
    def _moments(self) -> tuple[Floats, Floats]:
        """Moments in seconds and metres along the line, two for each sample."""
        moments = np.stack([self.arrived_s, self.left_s], axis=1).ravel()
        return moments, np.repeat(self.along_m, 2)

    def along_at(self, moment_s: float) -> float:
        """Metres along the line at a moment."""
        return float(np.interp(moment_s, *self._moments))

    def moment_at(self, along_m: float) -> float:
        """The moment in seconds when the vehicle gets to a place along the line."""
        return float(np.interp(along_m, self.along_m, self.arrived_s))

    def pose_at(self, moment_s: float) -> Pose:
        """The antenna's true pose in the plan at a moment."""
        along = self.along_at(moment_s)
        x, y = (float(np.interp(along, self.along_m, self.places[:, axis])) for axis in (0, 1))
        return Pose(x_m=x, y_m=y, heading_deg=float(np.interp(along, self.along_m, self.heading_deg)) % 360.0)

    def speed_at(self, moment_s: float) -> float:
        """The true speed in km/h at a moment."""
        return (self.along_at(moment_s + 0.1) - self.along_at(moment_s - 0.1)) / 0.2 * 3.6


def corners_of(plan: Plan, reverse: bool) -> list[tuple[int, int]]:
    """Crossings (number of the x line, number of the y line) of a drive along every street once.

    Down and up the long streets, then back and forth along the cross streets; reversed it drives the other lanes.
    """
    wide, tall = len(plan.x_lines), len(plan.y_lines)
    found: list[tuple[int, int]] = []
    for i in range(wide):
        run = range(tall) if i % 2 == 0 else range(tall - 1, -1, -1)
        found += [(i, j) for j in run]
    at_bottom = wide % 2 == 0
    rows = range(tall) if at_bottom else range(tall - 1, -1, -1)
    for number, j in enumerate(rows):
        run = range(wide - 1, -1, -1) if number % 2 == 0 else range(wide)
        found += [(i, j) for i in run]
    merged = [spot for k, spot in enumerate(found) if k == 0 or spot != found[k - 1]]
    return merged[::-1] if reverse else merged


def lane_line(plan: Plan, crossings: list[tuple[int, int]]) -> Floats:
    """The middle of the right lane `(n, 2)` through crossings, with round corners, about every STEP_M."""
    spots = np.array([(plan.x_lines[i].at_m, plan.y_lines[j].at_m) for i, j in crossings])
    ways = np.diff(spots, axis=0)
    ways = ways / np.linalg.norm(ways, axis=1, keepdims=True)
    right = np.stack([ways[:, 1], -ways[:, 0]], axis=1) * LANE_M
    knots = [spots[0] + right[0]]
    for k in range(1, len(spots) - 1):
        if abs(float(ways[k - 1] @ ways[k])) < 0.5:
            knots.append(spots[k] + right[k - 1] + right[k])
    knots.append(spots[-1] + right[-1])
    return rounded(np.array(knots))


def rounded(knots: Floats) -> Floats:
    """A line `(n, 2)` through corner points `(k, 2)` whose corners are arcs of CORNER_RADIUS_M."""
    pieces = []
    start = knots[0]
    for before, corner, after in zip(knots[:-2], knots[1:-1], knots[2:], strict=True):
        into = (corner - before) / np.linalg.norm(corner - before)
        out = (after - corner) / np.linalg.norm(after - corner)
        enter, leave = corner - into * CORNER_RADIUS_M, corner + out * CORNER_RADIUS_M
        pieces += [straight(start, enter), arc(enter, into, out)]
        start = leave
    pieces.append(straight(start, knots[-1]))
    line = np.concatenate(pieces)
    keep = np.concatenate([[True], np.linalg.norm(np.diff(line, axis=0), axis=1) > 1e-6])
    return np.asarray(line[keep])


def straight(start: Floats, end: Floats) -> Floats:
    """Points `(n, 2)` from start to end."""
    count = max(2, int(np.linalg.norm(end - start) / STEP_M) + 1)
    return np.asarray(start + np.linspace(0, 1, count)[:, None] * (end - start))


def arc(enter: Floats, into: Floats, out: Floats) -> Floats:
    """Points `(n, 2)` of a quarter circle that starts at `enter` along `into` and ends along `out`."""
    angle = np.linspace(0, np.pi / 2, int(CORNER_RADIUS_M * np.pi / 2 / STEP_M) + 2)[:, None]
    return np.asarray(enter + CORNER_RADIUS_M * (np.sin(angle) * into + (1 - np.cos(angle)) * out))


def headings(places: Floats) -> Floats:
    """The heading in degrees at every sample of a line, continuous (may pass 360)."""
    step = np.gradient(places, axis=0)
    return np.degrees(np.unwrap(np.arctan2(step[:, 0], step[:, 1])))


def speed_limits(rng: Generator, heading_deg: Floats, along_m: Floats, cruise_kmh: float) -> Floats:
    """The wanted speed in m/s at every sample: slow waves about the cruising speed, slow in corners."""
    knots = np.arange(0, along_m[-1] + 40, 40.0)
    wave = np.interp(along_m, knots, np.clip(rng.normal(1.0, 0.13, len(knots)), 0.7, 1.3))
    bend = np.abs(np.gradient(heading_deg, along_m)) > 1.0
    wanted = cruise_kmh * wave / 3.6
    return np.where(bend, np.minimum(wanted, CORNER_KMH / 3.6), wanted)


def with_acceleration(limits: Floats, along_m: Floats, stops: Floats) -> Floats:
    """Speeds in m/s that keep the limits, end at the samples `stops` in a halt and never change too quickly."""
    speed = limits.copy()
    speed[stops.astype(int)] = 0.0
    gaps = np.diff(along_m)
    for i in range(1, len(speed)):
        speed[i] = min(speed[i], float(np.sqrt(speed[i - 1] ** 2 + 2 * ACCELERATION_MS2 * gaps[i - 1])))
    for i in range(len(speed) - 2, -1, -1):
        speed[i] = min(speed[i], float(np.sqrt(speed[i + 1] ** 2 + 2 * ACCELERATION_MS2 * gaps[i])))
    return speed


def light_stops(rng: Generator, plan: Plan, places: Floats, heading_deg: Floats, share: float) -> Floats:
    """Samples where the vehicle halts at a red light: a few metres before some crossings it drives straight to."""
    x_at = np.array([line.at_m for line in plan.x_lines])
    y_at = np.array([line.at_m for line in plan.y_lines])
    gap = np.hypot(np.abs(places[:, :1] - x_at).min(axis=1), np.abs(places[:, 1:] - y_at).min(axis=1))
    ahead = np.gradient(gap) < 0
    found = []
    for i in np.flatnonzero((gap[:-1] >= 11.0) & (gap[1:] < 11.0) & ahead[:-1]):
        if i > 40 and rng.random() < share:
            found.append(int(i))
    return np.array(found, dtype=np.int64)


def driven(rng: Generator, plan: Plan, crossings: list[tuple[int, int]], cruise_kmh: float, red_share: float) -> Track:
    """The track of a drive through crossings at about a cruising speed."""
    places = lane_line(plan, crossings)
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(places, axis=0), axis=1))])
    heading = headings(places)
    stops = light_stops(rng, plan, places, heading, red_share)
    speed = with_acceleration(speed_limits(rng, heading, along, cruise_kmh), along, stops)
    mean = np.maximum((speed[1:] + speed[:-1]) / 2, 0.15)
    wait = np.zeros(len(places))
    wait[stops] = rng.uniform(5, 25, len(stops))
    arrived = np.concatenate([[0.0], np.cumsum(np.diff(along) / mean + wait[:-1])])
    return Track(places=places, heading_deg=heading, along_m=along, arrived_s=arrived, left_s=arrived + wait)
