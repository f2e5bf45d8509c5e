"""What can have become of a thing when somebody comes back: cleared, in part, moved, behind a parked car."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator

from patrol.simulate import shapes, stains, vehicles
from patrol.simulate.layout import Street
from patrol.simulate.people import person
from patrol.simulate.solids import Decal, Model
from patrol.simulate.things import BODIES, Thing
from verify_parts.city_street import ChangingCity
from verify_parts.city_views import Spot

MOVABLE = frozenset({"garbage", "overflowing_bin", "soil_heap"})
DIVISIBLE = frozenset({"garbage", "overflowing_bin", "soil_heap", "graffiti", "pothole"})
_MOVED_M = (1.5, 4.0)
_BIN_PARTS = 5  # of an overflowing bin's solids these are the bin: wheels, body, rim and label


def cleared(city: ChangingCity, thing: Thing, rng: Generator) -> list[Thing]:
    """What stands there once the work is done: nothing, an emptied bin, a lid, or a mended road."""
    makes = {
        "overflowing_bin": (shapes.closed_bin, "bin"),
        "open_manhole": (stains.manhole_cover, "manhole_cover"),
        "pothole": (stains.patch, "patch"),
    }
    if thing.class_name not in makes:
        return []
    make, class_name = makes[thing.class_name]
    left = replace(thing, name=f"{thing.name} cleared", class_name=class_name)
    city.bring(left, make(city.look, rng).placed(thing.x_m, thing.y_m, thing.turn_deg))
    return [left]


def partly_cleared(city: ChangingCity, thing: Thing, rng: Generator) -> list[Thing]:
    """The thing with a third to two thirds of it taken away."""
    left = replace(thing, name=f"{thing.name} in part")
    city.bring(left, part_of(city.model(thing), thing, rng))
    return [left]


def part_of(model: Model, thing: Thing, rng: Generator) -> Model:
    """What a hasty worker leaves: some bags, a smaller heap or hole, half of the letters."""
    share = float(rng.uniform(0.35, 0.65))
    if thing.class_name == "soil_heap":
        return _shrunk(model, thing, share**0.5)
    if thing.class_name in ("graffiti", "pothole"):
        return Model((), tuple(_half(decal, share) for decal in model.decals), model.shadow_m)
    firm = _BIN_PARTS if thing.class_name == "overflowing_bin" else 0
    loose = sorted(model.parts[firm:], key=lambda part: -float(np.ptp(part.vertices, axis=0).prod()))
    kept = loose[: max(1, round(share * len(loose)))]
    return Model((*model.parts[:firm], *kept), model.decals, model.shadow_m)


def _shrunk(model: Model, thing: Thing, factor: float) -> Model:
    foot = np.array([thing.x_m, thing.y_m, 0.0])
    turn, shift = np.eye(3) * factor, foot * (1 - factor)
    return Model(tuple(part.moved(turn, shift) for part in model.parts), model.decals, model.shadow_m)


def _half(decal: Decal, share: float) -> Decal:
    """The left share of a picture on a plane."""
    picture = decal.picture.copy()
    picture[:, round(share * picture.shape[1]) :, 3] = 0
    return replace(decal, picture=picture)


def moved(city: ChangingCity, thing: Thing, street: Street, rng: Generator) -> list[Thing]:
    """The same thing some metres further along its street."""
    step_m = float(rng.uniform(*_MOVED_M)) * (1 if rng.random() < 0.5 else -1)
    x, y = street.point(thing.along_m + step_m, thing.offset_m)
    there = replace(thing, name=f"{thing.name} moved", x_m=x, y_m=y, along_m=thing.along_m + step_m)
    city.bring(there, city.model(thing).placed(x - thing.x_m, y - thing.y_m, 0.0))
    return [there]


def car_before(city: ChangingCity, thing: Thing, street: Street, spot: Spot, rng: Generator) -> Thing:
    """A car parked between a thing and whoever photographs it, along the street."""
    away = np.array([spot.x_m - thing.x_m, spot.y_m - thing.y_m])
    gap_m = float(rng.uniform(1.5, 2.4))
    x, y = np.array([thing.x_m, thing.y_m]) + away / max(float(np.hypot(*away)), 1e-6) * gap_m
    turn = -street.heading_deg + float(rng.normal(0, 4)) + (0 if rng.random() < 0.5 else 180)
    car = replace(thing, name=f"{thing.name} hidden", class_name="car", x_m=x, y_m=y, turn_deg=turn, contact="ground")
    city.bring(car, vehicles.car(city.look, rng).placed(x, y, turn))
    return car


def parked(city: ChangingCity, number: int) -> list[Thing]:
    """The cars that stand in the streets at a time, each time others."""
    found = []
    for car in city.cars(number):
        own = replace(car, name=f"{car.name} of {number}")
        city.bring(own, city.model(car, number))
        found.append(own)
    return found


def walkers(city: ChangingCity, thing: Thing, spot: Spot, rng: Generator, name: str) -> list[Thing]:
    """Up to four people on their way between a camera and what lies behind a thing, none on it."""
    ahead = np.array([thing.x_m - spot.x_m, thing.y_m - spot.y_m])
    reach = float(np.hypot(*ahead))
    ahead = ahead / max(reach, 1e-6)
    aside, found = np.array([ahead[1], -ahead[0]]), []
    for number in range(int(rng.integers(0, 5))):
        offset = float(rng.uniform(1.3, 6.0)) * (1 if rng.random() < 0.5 else -1)
        x, y = np.array([spot.x_m, spot.y_m]) + ahead * float(rng.uniform(2.5, reach + 12)) + aside * offset
        if bool(city.plan.blocked(np.array([spot.x_m, spot.y_m]), np.array([[x, y]]))[0]):
            continue
        turn = float(rng.uniform(0, 360))
        one = replace(thing, name=f"{name} {number}", class_name="person", x_m=x, y_m=y, turn_deg=turn)
        one = replace(one, contact="ground")
        city.bring(one, person(city.look, rng).placed(x, y, turn))
        found.append(one)
    return found


assert set(BODIES) >= MOVABLE | DIVISIBLE
