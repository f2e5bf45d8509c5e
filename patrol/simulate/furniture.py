"""What stands about besides the things that count: closed bins, covers, cones, parked cars and trees."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from patrol.simulate.layout import Plan
from patrol.simulate.populate import Ground, on_street, somewhere
from patrol.simulate.things import DISTRACTORS, Thing


def place_context(rng: Generator, plan: Plan, things: list[Thing], per_100_m: dict[str, float]) -> list[Thing]:
    """Closed bins, covers, cones and harmless things, so many of each class per 100 m of street."""
    ground, found = Ground(), []
    for thing in things:
        ground.add(thing)
    length = sum(street.high_m - street.low_m for street in plan.streets)
    for class_name, rate in per_100_m.items():
        for number in range(round(rate * length / 100)):
            spot = somewhere(rng, plan, class_name, f"{class_name}{number:05d}")
            if spot is not None and ground.is_free(spot, 4.5, 2.6 if class_name in DISTRACTORS else 3.5):
                ground.add(spot)
                found.append(spot)
    return found


def park_cars(rng: Generator, plan: Plan, things: list[Thing], share: float, spared: float = 0.7) -> list[Thing]:
    """Cars in a share of the kerb-side slots; most slots before a thing stay free, those on a thing always."""
    places = np.array([(thing.x_m, thing.y_m) for thing in things]).reshape(-1, 2)
    on_road = np.array([abs(thing.offset_m) < 6.5 and thing.contact == "ground" for thing in things], dtype=bool)
    cars: list[Thing] = []
    for street in plan.streets:
        for side in (-1, 1):
            offset = side * (street.road_half_m - 1.02)
            for along in np.arange(street.low_m + 14, street.high_m - 14, 6.6):
                if rng.random() > share:
                    continue
                place = float(along + rng.uniform(-0.5, 0.5)), offset + float(rng.normal(0, 0.08))
                x, y = street.point(*place)
                near = np.hypot(*(places - (x, y)).T) if len(places) else np.empty(0)
                if (near[on_road[: len(near)]] < 3.6).any() or ((near < 5.5).any() and rng.random() < spared):
                    continue
                back = -street.heading_deg + (0 if side > 0 else 180) + float(rng.normal(0, 1.5))
                car = on_street(rng, street, "car", f"car{len(cars):05d}", place)
                cars.append(replace(car, turn_deg=back))
    return cars


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """Where a tree stands (plan) and how big its trunk is."""

    x_m: float
    y_m: float
    radius_m: float
    height_m: float


def plant_trees(rng: Generator, plan: Plan, things: list[Thing]) -> list[Trunk]:
    """Trees along the kerb of some street sides, none on a thing."""
    places = np.array([(thing.x_m, thing.y_m) for thing in things]).reshape(-1, 2)
    found = []
    for street in plan.streets:
        for side in (-1, 1):
            if rng.random() < 0.35:
                continue
            for along in np.arange(street.low_m + 13, street.high_m - 13, 11.0):
                x, y = street.point(float(along + rng.normal(0, 1)), side * (street.road_half_m + 0.55))
                size = float(rng.uniform(0.1, 0.17)), float(rng.uniform(3.5, 4.2))
                if rng.random() < 0.75 and (not len(places) or np.hypot(*(places - (x, y)).T).min() > 1.9):
                    found.append(Trunk(x_m=x, y_m=y, radius_m=size[0], height_m=size[1]))
    return found
