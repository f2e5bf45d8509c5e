"""Photographs before and after of the things of a drawn city, as handlers and vehicles take them, with the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.random import Generator

from inference_server.domain.geo import LatLon
from inference_server.domain.observation import Box
from patrol.simulate.camera import View
from patrol.simulate.layout import Street
from patrol.simulate.render import jpeg_bytes
from patrol.simulate.seeds import generator
from patrol.simulate.solids import Picture
from patrol.simulate.things import CASE_CLASSES, Thing
from patrol.simulate.visible import Seen
from patrol.simulate.weather import Light, drawn_light
from verify_parts.city_changes import (
    DIVISIBLE,
    MOVABLE,
    car_before,
    cleared,
    moved,
    parked,
    partly_cleared,
    walkers,
)
from verify_parts.city_street import Studio
from verify_parts.city_views import Spot, handler_spot, handler_view, spot_of, spot_round, street_of, vehicle_view
from verify_parts.forging import KINDS, forge

CLEARED, TOO_NEAR, TOO_FAR, FORGED, REUSED = "cleared", "too near", "too far", "forged", "re-used"
REMAINS, PARTLY, MOVED, NEXT_DOOR, ELSEWHERE, HIDDEN = (
    "not touched",
    "cleared in part",
    "moved some metres",
    "the next house",
    "a place like it",
    "behind a car",
)
WEIGHTS: Mapping[str, float] = {
    CLEARED: 0.46,
    REMAINS: 0.26,
    PARTLY: 0.06,
    MOVED: 0.04,
    NEXT_DOOR: 0.03,
    ELSEWHERE: 0.03,
    HIDDEN: 0.03,
    FORGED: 0.03,
    REUSED: 0.01,
    TOO_NEAR: 0.025,
    TOO_FAR: 0.025,
}
TURNS = 4  # so often is the same place presented, each time with another photograph
_TRIES = 30
_VEHICLE_SHARE = 0.25  # of the photographs after, taken by a vehicle that passes again
_LEAST_BEFORE_PX, _LEAST_AFTER_PX = 32.0, 24.0
_LEAST_SHARE, _HIDDEN_SHARE = 0.75, 0.15
_BOX_ERROR = 0.03  # of a side: how exactly a detector draws a box
_CASE_ERROR_M, _PHONE_M, _MULTIPATH_SHARE = 1.2, (4.0, 15.0), 0.03
_NO_POSITION_SHARE = 0.03
_CLEAR_OF_OTHERS_M = 6.0
_STARTED = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What is said of a photograph after, and when the work was ordered and reported; true or not."""

    taken_at: datetime
    position: LatLon | None
    accuracy_m: float
    dispatched_at: datetime
    reported_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceBefore:
    """One case: what the vehicle photographed, with the box that it drew, and where it says that it is."""

    name: str
    class_name: str
    photo: bytes
    region: Box
    position: LatLon
    accuracy_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CityCase:
    """One verification. used: this photograph was handed in for another case before. told: what to count by."""

    place: PlaceBefore
    kind: str
    is_fixed: bool
    after: bytes
    story: Story
    used: bool = False
    told: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A place while its photographs are taken."""

    studio: Studio
    thing: Thing
    street: Street
    others: tuple[Thing, ...]
    view: View
    light: Light
    standing: tuple[Thing, ...]
    picture: Picture
    before: PlaceBefore

    @property
    def spot(self) -> Spot:
        """Where the vehicle stood."""
        return spot_of(self.view)


@dataclass(frozen=True, slots=True)
class _Shot:
    """A photograph being planned: from where, what stands there, in which street, by whom."""

    view: View
    standing: list[Thing]
    source: str
    target: Thing


def cases_of(look: str, seed: int, city: int, most: int) -> Iterator[CityCase]:
    """At most so many verifications in one city of a look and a seed; always the same ones."""
    studio = Studio(look, int(generator(look, seed, "verified city", city).integers(2**31)))
    left = most
    for thing in studio.city.things:
        rng = generator(look, seed, "place", city, thing.name)
        place = _place_of(studio, thing, rng, f"{look} {seed} {city} {thing.name}")
        if place is None:
            continue
        for turn in range(TURNS):
            found = _case(place, generator(look, seed, "turn", city, thing.name, turn), turn) if left else None
            if found is not None:
                left -= 1
                yield found


def _place_of(studio: Studio, thing: Thing, rng: Generator, name: str) -> _Place | None:
    """The place as a vehicle has seen it; None where it never saw it well."""
    city = studio.city
    street = street_of(city.plan.streets, thing)
    others = (*(one for one in city.things if one.name != thing.name), *city.context)
    for number in range(_TRIES):
        view = vehicle_view(rng, street, thing)
        standing = [thing, *others, *parked(city, 0), *walkers(city, thing, spot_of(view), rng, f"before {number}")]
        seen = studio.seen(view, standing, thing.name)
        if seen is None or not _is_shown(seen, _LEAST_BEFORE_PX):
            continue
        light = drawn_light(rng)
        picture = studio.photograph(view, light, street.name, standing, rng)
        before = PlaceBefore(
            name=name,
            class_name=thing.class_name,
            photo=jpeg_bytes(picture, light.jpeg_quality),
            region=_drawn_box(rng, seen, view),
            position=_latlon(studio, thing.x_m, thing.y_m, rng.normal(0, _CASE_ERROR_M, 2)),
            accuracy_m=2.0,
        )
        return _Place(
            studio=studio,
            thing=thing,
            street=street,
            others=others,
            view=view,
            light=light,
            standing=tuple(standing),
            picture=picture,
            before=before,
        )
    return None


def _is_shown(seen: Seen, least_px: float) -> bool:
    side = min(seen.box[2] - seen.box[0], seen.box[3] - seen.box[1])
    return seen.visible_share >= _LEAST_SHARE and not seen.is_cut and side >= least_px


def _drawn_box(rng: Generator, seen: Seen, view: View) -> Box:
    x1, y1, x2, y2 = seen.box
    sides = np.array([x2 - x1, y2 - y1, x2 - x1, y2 - y1])
    drawn = np.array(seen.box) + rng.normal(0, _BOX_ERROR, 4) * sides
    size = view.lens.width_px, view.lens.height_px
    left, top, right, bottom = np.clip(drawn, 0, [*size, *size]).tolist()
    return Box(x1=left, y1=top, x2=right, y2=bottom)


def _latlon(studio: Studio, x_m: float, y_m: float, error_m: np.ndarray) -> LatLon:
    city = studio.city
    east, north = city.plan.to_enu(np.array([[x_m, y_m]]))[0] + error_m
    return LatLon(*city.local.to_latlon(float(east), float(north)))


def _case(place: _Place, rng: Generator, turn: int) -> CityCase | None:
    """One verification of a place; None where no photograph of the drawn kind can be taken there."""
    kind = _drawn_kind(place.thing.class_name, rng)
    if kind == FORGED:
        return _forged(place, rng)
    is_clear = kind in (CLEARED, REUSED) or (kind in (TOO_NEAR, TOO_FAR) and rng.random() < 0.5)
    shot = _shot(place, kind, is_clear, rng, turn)
    if shot is None:
        return None
    light = drawn_light(rng)
    picture = place.studio.photograph(shot.view, light, shot.target.street, shot.standing, rng)
    is_spoofed = kind in (ELSEWHERE, REUSED) and rng.random() < 0.5
    spot = place.spot if is_spoofed else spot_of(shot.view)
    return CityCase(
        place=place.before,
        kind=kind,
        is_fixed=is_clear and kind != REUSED,
        after=jpeg_bytes(picture, int(rng.integers(80, 95))),
        story=_story(place.studio, spot, rng, turn),
        used=kind == REUSED,
        told=_told(place, light.kind, shot.source),
    )


def _drawn_kind(class_name: str, rng: Generator) -> str:
    unfit = {PARTLY: class_name not in DIVISIBLE, MOVED: class_name not in MOVABLE}
    kinds = [kind for kind in WEIGHTS if not unfit.get(kind, False)]
    chances = np.array([WEIGHTS[kind] for kind in kinds])
    return str(rng.choice(kinds, p=chances / chances.sum()))


def _told(place: _Place, light: str, source: str) -> dict[str, str]:
    return {
        "class": place.thing.class_name,
        "light before": place.light.kind,
        "light after": light,
        "source": source,
    }


def _story(studio: Studio, spot: Spot, rng: Generator, turn: int) -> Story:
    """What a telephone writes into a photograph: its receiver among houses, and a clock that is nearly right."""
    dispatched_at = _STARTED + timedelta(days=turn, minutes=float(rng.uniform(0, 600)))
    taken_at = dispatched_at + timedelta(minutes=float(rng.uniform(20, 2000)))
    accuracy_m = float(rng.uniform(*_PHONE_M))
    sigma_m = accuracy_m / 1.515 * (3.0 if rng.random() < _MULTIPATH_SHARE else 1.0)  # 68 % radius: Rayleigh
    position = _latlon(studio, spot.x_m, spot.y_m, rng.normal(0, sigma_m, 2))
    return Story(
        taken_at=taken_at + timedelta(seconds=float(rng.normal(0, 20))),
        position=None if rng.random() < _NO_POSITION_SHARE else position,
        accuracy_m=accuracy_m,
        dispatched_at=dispatched_at,
        reported_at=taken_at + timedelta(minutes=float(rng.uniform(1, 40))),
    )


def _shot(place: _Place, kind: str, is_clear: bool, rng: Generator, turn: int) -> _Shot | None:
    """A photograph that shows what its kind claims; None where none was found."""
    city, changed = place.studio.city, _changed(place, kind, is_clear, rng)
    target = place.thing if kind not in (NEXT_DOOR, ELSEWHERE, REUSED) else _other_target(place, kind, rng)
    if target is None:
        return None
    cars = parked(city, turn + 1)
    for number in range(_TRIES):
        view, source = _view(place, kind, target, rng)
        if view is None:
            continue
        spot = spot_of(view)
        near = walkers(city, target, spot, rng, f"after {turn} {number}")
        hiding = [car_before(city, place.thing, place.street, spot, rng)] if kind == HIDDEN else []
        standing = [*changed, *place.others, *cars, *near, *hiding]
        if _shows(place, kind, target, view, standing):
            return _Shot(view, standing, source, target)
    return None


def _changed(place: _Place, kind: str, is_clear: bool, rng: Generator) -> list[Thing]:
    """What stands where the thing was."""
    city, thing = place.studio.city, place.thing
    if is_clear and kind != REUSED:
        return cleared(city, thing, rng)
    if kind == PARTLY:
        return partly_cleared(city, thing, rng)
    return moved(city, thing, place.street, rng) if kind == MOVED else [thing]


def _other_target(place: _Place, kind: str, rng: Generator) -> Thing | None:
    """An empty place: at the next house, or in another street at a house of the same kind if there is one."""
    plan, thing = place.studio.city.plan, place.thing
    for _ in range(_TRIES):
        street, along = place.street, thing.along_m + float(rng.uniform(8, 17)) * (1 if rng.random() < 0.5 else -1)
        if kind != NEXT_DOOR:
            street = plan.streets[int(rng.integers(len(plan.streets)))]
            along = float(rng.uniform(street.low_m + 14, street.high_m - 14))
        x, y = street.point(along, thing.offset_m)
        there = replace(thing, street=street.name, along_m=along, x_m=x, y_m=y, name=f"{thing.name} elsewhere")
        is_other = kind == NEXT_DOOR or street.name != place.street.name
        if is_other and street.low_m + 12 < along < street.high_m - 12 and not _is_crowded(place, there):
            return there
    return None


def _is_crowded(place: _Place, there: Thing) -> bool:
    """Whether a thing that is a case lies about: a photograph of another heap is not what is meant."""
    cases = [one for one in (*place.others, place.thing) if one.class_name in CASE_CLASSES]
    return any(np.hypot(one.x_m - there.x_m, one.y_m - there.y_m) < _CLEAR_OF_OTHERS_M for one in cases)


def _view(place: _Place, kind: str, target: Thing, rng: Generator) -> tuple[View | None, str]:
    """From where it is photographed, and by whom."""
    plan = place.studio.city.plan
    street = street_of(plan.streets, target)
    is_near = kind in (TOO_NEAR, TOO_FAR)
    if not is_near and rng.random() < _VEHICLE_SHARE:
        return vehicle_view(rng, street, target, _way(place)), "vehicle"
    base = _base(place, target, street)
    towards = np.array([base.x_m - target.x_m, base.y_m - target.y_m])
    if is_near:
        distance_m = rng.uniform(0.5, 1.1) if kind == TOO_NEAR else rng.uniform(26, 45)
        spot = spot_round(target, towards, float(distance_m), float(rng.normal(0, 5)))
    else:
        spot = handler_spot(rng, target, base)
    eye, goal = np.array([spot.x_m, spot.y_m]), np.array([[target.x_m, target.y_m]])
    if bool(plan.blocked(goal[0] + 0.2 * (eye - goal[0]) / np.hypot(*(eye - goal[0])), eye[None])[0]):
        return None, "hand"
    return handler_view(rng, target, spot), "hand"


def _way(place: _Place) -> int:
    """The direction in which the vehicle drove."""
    along = place.spot.y_m if place.street.axis == 0 else place.spot.x_m
    return 1 if along < place.thing.along_m else -1


def _base(place: _Place, target: Thing, street: Street) -> Spot:
    """The vehicle's place, moved along with the target: to the like place of another street."""
    own = place.spot
    along = own.y_m if place.street.axis == 0 else own.x_m
    across = own.x_m - place.street.at_m if place.street.axis == 0 else place.street.at_m - own.y_m
    x, y = street.point(target.along_m + along - place.thing.along_m, across)
    return Spot(x_m=x, y_m=y)


def _shows(place: _Place, kind: str, target: Thing, view: View, standing: list[Thing]) -> bool:
    """Whether the photograph shows the place, or does not, as its kind says."""
    if kind in (TOO_NEAR, TOO_FAR):
        return True
    ghost = replace(target, name="ghost")
    place.studio.city.bring(ghost, place.studio.city.model(place.thing).placed(0, 0, 0))
    if kind in (NEXT_DOOR, ELSEWHERE, REUSED):
        return True
    without = [one for one in standing if one.name != place.thing.name]
    seen = place.studio.seen(view, [*without, ghost], "ghost")
    if kind == HIDDEN:
        return seen is None or seen.visible_share <= _HIDDEN_SHARE
    return seen is not None and _is_shown(seen, _LEAST_AFTER_PX)


def _forged(place: _Place, rng: Generator) -> CityCase:
    """Made from the photograph before: the same file, its copies, the thing taken out of it."""
    box = place.before.region
    corners = int(box.x1), int(box.y1), max(int(box.x2), int(box.x1) + 4), max(int(box.y2), int(box.y1) + 4)
    makers: dict[str, Callable[[], bytes]] = {name: _maker(place, name, corners, rng) for name in KINDS}
    makers["the same file"] = lambda: place.before.photo
    makers["drawn anew without it"] = lambda: jpeg_bytes(_without(place), int(rng.integers(60, 96)))
    way = str(rng.choice(sorted(makers)))
    return CityCase(
        place=place.before,
        kind=FORGED,
        is_fixed=False,
        after=makers[way](),
        story=_story(place.studio, place.spot, rng, 0),
        told={**_told(place, place.light.kind, "forger"), "forgery": way},
    )


def _maker(place: _Place, name: str, corners: tuple[int, int, int, int], rng: Generator) -> Callable[[], bytes]:
    return lambda: forge(KINDS[name], place.picture, corners, rng)


def _without(place: _Place) -> Picture:
    """The photograph before as the perfect editor would make it: drawn again without the thing, with other grain."""
    standing = [one for one in place.standing if one.name != place.thing.name]
    rng = generator("forger", 0, place.before.name)
    return place.studio.photograph(place.view, place.light, place.street.name, standing, rng)
