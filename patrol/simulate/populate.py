"""Chooses where things lie: by class, on the proper part of the street, near like ones only where that is wanted."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.random import Generator

from patrol.simulate.layout import Floats, Front, Plan, Street
from patrol.simulate.things import CASE_CLASSES, Thing

PAIR_M = (3.3, 7.7)
"""Distances between the two things of a near pair: inside 3 to 8 m."""
CORNER_M = 12.0
"""No thing lies nearer to the crossing of two centre lines: there another street begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How many things a city gets and how close together they may be (metres); classes are taken in turn from `mix`."""

    things: int
    pair_share: float = 0.15
    like_gap_m: float = 12.0
    other_gap_m: float = 4.5
    short_lived_share: float = 0.25
    passes: int = 3
    mix: tuple[str, ...] = CASE_CLASSES


@dataclass
class Ground:
    """The things placed so far, quick to ask what is near."""

    things: list[Thing] = field(default_factory=list)
    _places: Floats = field(default_factory=lambda: np.full((64, 2), np.inf))

    def is_free(self, thing: Thing, like_m: float, other_m: float, partner: str = "") -> bool:
        """Whether no like thing but the partner is nearer than like_m and no other one nearer than other_m."""
        gap = self._places[: len(self.things)] - (thing.x_m, thing.y_m)
        away = np.hypot(gap[:, 0], gap[:, 1])
        return not any(
            away[i] < (like_m if self.things[i].class_name == thing.class_name else other_m)
            and self.things[i].name != partner
            for i in np.flatnonzero(away < max(like_m, other_m))
        )

    def add(self, thing: Thing) -> None:
        """Remembers a thing."""
        if len(self.things) == len(self._places):
            self._places = np.concatenate([self._places, np.full_like(self._places, np.inf)])
        self._places[len(self.things)] = (thing.x_m, thing.y_m)
        self.things.append(thing)


def side_of(offset_m: float) -> str:
    """`right` or `left` of the street's running direction."""
    return "right" if offset_m >= 0 else "left"


def offset_for(rng: Generator, class_name: str, street: Street) -> float:
    """A signed distance from the centre line where a thing of the class is likely to lie."""
    kerb, side = street.road_half_m, 1 if rng.random() < 0.5 else -1
    spans = {
        "garbage": (kerb + 0.5, kerb + street.pavement_m - 0.9),
        "overflowing_bin": (kerb + 0.6, kerb + 1.2),
        "bin": (kerb + 0.6, kerb + 1.2),
        "pothole": (0.7, kerb - 2.4),
        "open_manhole": (0.9, kerb - 2.3) if rng.random() < 0.6 else (kerb + 0.7, kerb + 1.8),
        "manhole_cover": (0.9, kerb - 2.3) if rng.random() < 0.7 else (kerb + 0.7, kerb + 1.8),
        "soil_heap": (kerb - 1.5, kerb + 0.8),
        "traffic_cone": (kerb - 2.3, kerb - 0.4),
        "patch": (0.0, kerb - 1.0),
        "leaves": (kerb - 1.5, kerb + street.pavement_m - 1.0),
    }
    return side * float(rng.uniform(*spans[class_name]))


def ground_thing(rng: Generator, plan: Plan, class_name: str, name: str) -> Thing:
    """A thing of the class somewhere on a street, in no corner."""
    lengths = np.array([street.high_m - street.low_m for street in plan.streets])
    street = plan.streets[int(rng.choice(len(lengths), p=lengths / lengths.sum()))]
    along = float(rng.uniform(street.low_m + CORNER_M, street.high_m - CORNER_M))
    return on_street(rng, street, class_name, name, (along, offset_for(rng, class_name, street)))


def on_street(rng: Generator, street: Street, class_name: str, name: str, place: tuple[float, float]) -> Thing:
    """The thing at `place` (along_m, offset_m) of a street, its back to the nearer building."""
    x, y = street.point(*place)
    back = -street.heading_deg - 90.0 * (1 if place[1] >= 0 else -1)
    loose = class_name not in ("overflowing_bin", "bin", "garbage", "soil_heap")
    return Thing(
        name=name,
        class_name=class_name,
        x_m=x,
        y_m=y,
        turn_deg=float(rng.uniform(0, 360)) if loose else back + float(rng.normal(0, 8)),
        contact="ground",
        street=street.name,
        along_m=place[0],
        offset_m=place[1],
        side=side_of(place[1]),
    )


def street_of(plan: Plan, x_m: float, y_m: float) -> tuple[Street, float, float] | None:
    """The street whose wall a point is on, with along_m and offset_m; None where no street runs by."""
    for street in plan.streets:
        along = y_m if street.axis == 0 else x_m
        offset = x_m - street.at_m if street.axis == 0 else street.at_m - y_m
        if abs(abs(offset) - street.wall_m) < 0.3 and street.low_m - 1 <= along <= street.high_m + 1:
            return street, along, offset
    return None


def on_front(plan: Plan, front: Front, share: float, class_name: str, name: str) -> Thing | None:
    """The thing on a building's front at a share of its width; None where no street runs by."""
    x, y = np.array(front.start) + np.array(front.along) * front.width_m * share
    found = street_of(plan, float(x), float(y))
    if found is None:
        return None
    street, along, offset = found
    return Thing(
        name=name,
        class_name=class_name,
        x_m=float(x),
        y_m=float(y),
        turn_deg=float(np.degrees(np.arctan2(front.along[1], front.along[0]))),
        contact="wall",
        street=street.name,
        along_m=along,
        offset_m=offset,
        side=side_of(offset),
    )


def wall_thing(rng: Generator, plan: Plan, class_name: str, name: str) -> Thing | None:
    """A thing on a bare wall or a row of shutters; None where the drawn place does not suit."""
    front = plan.fronts[int(rng.integers(len(plan.fronts)))]
    if front.kind not in ("wall", "shutters") or front.width_m < 5:
        return None
    return on_front(plan, front, float(rng.uniform(0.3, 0.7)), class_name, name)


def somewhere(rng: Generator, plan: Plan, class_name: str, name: str) -> Thing | None:
    """A thing of the class at a random place that suits it, or None where this try failed."""
    if class_name in ("graffiti", "poster"):
        return wall_thing(rng, plan, class_name, name)
    return ground_thing(rng, plan, class_name, name)


def neighbour(rng: Generator, plan: Plan, first: Thing, name: str) -> Thing | None:
    """A like thing 3 to 8 m further along the same street side, or None where this try failed."""
    step = float(rng.uniform(*PAIR_M)) * (1 if rng.random() < 0.5 else -1)
    street = next(street for street in plan.streets if street.name == first.street)
    along = first.along_m + step
    if not street.low_m + CORNER_M < along < street.high_m - CORNER_M:
        return None
    if first.contact == "ground":
        return on_street(rng, street, first.class_name, name, (along, first.offset_m))
    x, y = street.point(along, first.offset_m)
    for front in plan.fronts:
        away = np.array([x, y]) - np.array(front.start)
        at = float(away @ np.array(front.along))
        if abs(float(away @ np.array(front.normal))) < 0.3 and 2 < at < front.width_m - 2:
            return on_front(plan, front, at / front.width_m, first.class_name, name)
    return None


def lifetimes(rng: Generator, wishes: Wishes, count: int) -> Iterator[tuple[int, int]]:
    """First and last pass of each of `count` things: some appear later, some are cleaned before the end."""
    for _ in range(count):
        first, last = 0, 1_000_000
        if wishes.passes > 1 and rng.random() < wishes.short_lived_share:
            if rng.random() < 0.5:
                first = int(rng.integers(1, wishes.passes))
            else:
                last = int(rng.integers(0, wishes.passes - 1))
        yield first, last


def place_things(rng: Generator, plan: Plan, wishes: Wishes) -> list[Thing]:
    """The things of the case classes: `wishes.things` of them, `pair_share` of them in near pairs of like ones."""
    ground, lives = Ground(), lifetimes(rng, wishes, wishes.things)
    pairs = round(wishes.things * wishes.pair_share / 2)
    number, tries = 0, 0
    while number < wishes.things:
        tries += 1
        if tries > wishes.things * 150:
            raise ValueError(f"no room for {wishes.things} things in this plan: {number} placed; take more blocks")
        class_name = wishes.mix[(number if number >= 2 * pairs else number // 2) % len(wishes.mix)]
        first = somewhere(rng, plan, class_name, f"t{number:05d}")
        if first is None or not ground.is_free(first, wishes.like_gap_m, wishes.other_gap_m):
            continue
        if number >= 2 * pairs:
            ground.add(with_life(first, next(lives)))
            number += 1
            continue
        second = neighbour(rng, plan, first, f"t{number + 1:05d}")
        if second is None or not ground.is_free(second, wishes.like_gap_m, wishes.other_gap_m, first.name):
            continue
        ground.add(with_life(first, next(lives)))
        ground.add(with_life(second, next(lives)))
        number += 2
    return ground.things


def with_life(thing: Thing, life: tuple[int, int]) -> Thing:
    """The thing with its first and last pass."""
    return replace(thing, first_pass=life[0], last_pass=life[1])
