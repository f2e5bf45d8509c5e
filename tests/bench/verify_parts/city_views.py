"""From where a place is photographed: by a patrolling vehicle, or by somebody on foot with a telephone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from patrol.simulate.camera import Lens, Mount, Pose, View, view_from
from patrol.simulate.layout import Street
from patrol.simulate.things import Thing

_AIM_M = {"graffiti": 1.2, "garbage": 0.3, "overflowing_bin": 0.6, "soil_heap": 0.4}
AHEAD_M = (4.5, 9.0)  # from a vehicle to what its near evidence shows
_PHONE_PX = (1280, 960)
_TURN_DEG, _MOST_TURN_DEG = 12.0, 30.0
_STEP, _CLOSER = 0.25, -0.15  # of the logarithm of the distance, against that of the photograph before
_NEAREST_M, _FURTHEST_M = 2.4, 14.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where a camera stands: plan coordinates."""

    x_m: float
    y_m: float


def street_of(streets: tuple[Street, ...], thing: Thing) -> Street:
    """The street that a thing is in."""
    return next(one for one in streets if one.name == thing.street)


def vehicle_view(rng: Generator, street: Street, thing: Thing, way: int | None = None) -> View:
    """A patrol's view of a thing ahead: a lane of its street, `way` +1 or -1 along it, another vehicle every time."""
    way = way or (1 if rng.random() < 0.5 else -1)
    ahead_m = float(rng.uniform(*AHEAD_M))
    x, y = street.point(thing.along_m - way * ahead_m, way * float(rng.uniform(1.0, 2.6)))
    heading = street.heading_deg + (0 if way > 0 else 180) + float(rng.normal(0, 2.0))
    mount = Mount(
        height_m=float(rng.uniform(1.2, 2.6)),
        pitch_deg=float(rng.uniform(2, 14)),
        yaw_deg=float(rng.choice([0.0, 0.0, 15.0, 25.0])),
        roll_deg=float(rng.normal(0, 1.0)),
    )
    return view_from(Pose(x_m=x, y_m=y, heading_deg=heading), mount, Lens(focal_px=float(rng.uniform(650, 1150))))


def handler_spot(rng: Generator, thing: Thing, before: Spot) -> Spot:
    """Where somebody stands who was shown the photograph before and told to take it again: more or less there."""
    away = np.array([before.x_m - thing.x_m, before.y_m - thing.y_m])
    distance = float(np.hypot(*away)) * float(np.exp(rng.normal(_CLOSER, _STEP)))
    turn = float(np.clip(rng.normal(0, _TURN_DEG), -_MOST_TURN_DEG, _MOST_TURN_DEG))
    return spot_round(thing, away, float(np.clip(distance, _NEAREST_M, _FURTHEST_M)), turn)


def spot_round(thing: Thing, towards: np.ndarray, distance_m: float, turn_deg: float) -> Spot:
    """The place so far from a thing, in a direction `(2,)` turned clockwise."""
    angle = np.radians(turn_deg)
    unit = towards / max(float(np.hypot(*towards)), 1e-6)
    x = unit[0] * np.cos(angle) + unit[1] * np.sin(angle)
    y = -unit[0] * np.sin(angle) + unit[1] * np.cos(angle)
    return Spot(x_m=float(thing.x_m + distance_m * x), y_m=float(thing.y_m + distance_m * y))


def handler_view(rng: Generator, thing: Thing, spot: Spot) -> View:
    """Somebody's view from a spot: a telephone held at 1.3 to 1.8 m, aimed at the thing, not too well."""
    width, height = _PHONE_PX if rng.random() < 0.75 else _PHONE_PX[::-1]
    lens = Lens(
        focal_px=float(rng.uniform(0.70, 0.85)) * _PHONE_PX[0],
        width_px=width,
        height_px=height,
        cx_px=width / 2,
        cy_px=height / 2,
    )
    dx, dy = thing.x_m - spot.x_m, thing.y_m - spot.y_m
    held_m = float(np.clip(rng.normal(1.55, 0.12), 1.3, 1.8))
    down_m = held_m - _AIM_M.get(thing.class_name, 0.0)
    heading = float(np.degrees(np.arctan2(dx, dy))) + float(rng.normal(0, 4.0))
    pitch = float(np.degrees(np.arctan2(down_m, np.hypot(dx, dy)))) - float(rng.uniform(0, 6.0))
    mount = Mount(height_m=held_m, pitch_deg=pitch, roll_deg=float(rng.normal(0, 2.5)))
    return view_from(Pose(x_m=spot.x_m, y_m=spot.y_m, heading_deg=heading), mount, lens)


def spot_of(view: View) -> Spot:
    """Where a view's camera stands."""
    return Spot(x_m=float(view.centre[0]), y_m=float(view.centre[1]))
