"""A whole drawn city: its plan, its things and what stands about, all from one seed."""

from dataclasses import dataclass, field
from functools import cached_property

from patrol.simulate.furniture import Trunk, park_cars, place_context, plant_trees
from patrol.simulate.layout import Plan, make_plan
from patrol.simulate.looks import LOOKS, Look
from patrol.simulate.plane import LocalPlane
from patrol.simulate.populate import Wishes, place_things
from patrol.simulate.seeds import generator
from patrol.simulate.shapes import trunk
from patrol.simulate.solids import Model
from patrol.simulate.things import BODIES, CASE_CLASSES, Thing

CONTEXT_PER_100_M = {"bin": 1.6, "manhole_cover": 2.2, "traffic_cone": 1.0, "patch": 2.5, "leaves": 2.0, "poster": 3.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class CityConfig:
    """What a city is made from; `blocks` counts those inside the streets, x and y.

    `passes` is how many passes the lives of things are spread over; `car_share` is the share of kerb slots with a
    parked car, drawn anew for every pass; `mix` is the order in which classes
    are placed, `context_rate` multiplies how many harmless things stand about. The middle of the city is at
    lat, lon (WGS84).
    """

    look: str = "demo"
    seed: int = 1
    blocks: tuple[int, int] = (3, 3)
    things: int = 400
    passes: int = 3
    pair_share: float = 0.15
    like_gap_m: float = 12.0
    short_lived_share: float = 0.25
    car_share: float = 0.2
    mix: tuple[str, ...] = CASE_CLASSES
    context_rate: float = 1.0
    lat: float = 30.27
    lon: float = 120.15


@dataclass
class City:
    """A city by its config; the same config gives the same city on every machine."""

    config: CityConfig
    _models: dict[tuple[str, int], Model] = field(default_factory=dict)
    _cars: dict[int, tuple[Thing, ...]] = field(default_factory=dict)

    @cached_property
    def look(self) -> Look:
        """The family of shapes and colours."""
        return LOOKS[self.config.look]

    @cached_property
    def local(self) -> LocalPlane:
        """The tangent plane at the city's middle."""
        return LocalPlane(self.config.lat, self.config.lon)

    @cached_property
    def plan(self) -> Plan:
        """Streets and blocks."""
        return make_plan(generator(self.config.look, self.config.seed, "plan"), self.config.blocks)

    @cached_property
    def things(self) -> tuple[Thing, ...]:
        """The things of the case classes over all passes."""
        config = self.config
        wishes = Wishes(
            things=config.things,
            pair_share=config.pair_share,
            like_gap_m=config.like_gap_m,
            short_lived_share=config.short_lived_share,
            passes=config.passes,
            mix=config.mix,
        )
        return tuple(place_things(generator(config.look, config.seed, "things"), self.plan, wishes))

    @cached_property
    def context(self) -> tuple[Thing, ...]:
        """Closed bins, covers, cones and harmless things; they stay for all passes."""
        rng = generator(self.config.look, self.config.seed, "context")
        rates = {name: rate * self.config.context_rate for name, rate in CONTEXT_PER_100_M.items()}
        return tuple(place_context(rng, self.plan, list(self.things), rates))

    @cached_property
    def trees(self) -> tuple[Trunk, ...]:
        """Trees along the streets; they stay for all passes."""
        rng = generator(self.config.look, self.config.seed, "trees")
        return tuple(plant_trees(rng, self.plan, [*self.things, *self.context]))

    def trunk(self, spot: Trunk) -> Model:
        """The trunk of a tree in plan coordinates."""
        key = (f"tree {spot.x_m} {spot.y_m}", 0)
        if key not in self._models:
            self._models[key] = trunk(spot.radius_m, spot.height_m).placed(spot.x_m, spot.y_m, 0.0)
        return self._models[key]

    def cars(self, number: int) -> tuple[Thing, ...]:
        """The cars parked during a pass."""
        if number not in self._cars:
            rng = generator(self.config.look, self.config.seed, "cars", number)
            firm = [*self.things, *(thing for thing in self.context if thing.class_name in ("bin", "traffic_cone"))]
            self._cars[number] = tuple(park_cars(rng, self.plan, firm, self.config.car_share))
        return self._cars[number]

    def present(self, number: int) -> list[Thing]:
        """Everything that is in the streets during a pass."""
        there = [thing for thing in self.things if thing.is_there(number)]
        return [*there, *self.context, *self.cars(number)]

    def model(self, thing: Thing, number: int = 0) -> Model:
        """The thing's body in plan coordinates; made on first use. Cars differ from pass to pass."""
        key = (thing.name, number if thing.class_name == "car" else 0)
        if key not in self._models:
            rng = generator(self.config.look, self.config.seed, "body", *key)
            body = BODIES[thing.class_name](self.look, rng)
            self._models[key] = body.placed(thing.x_m, thing.y_m, thing.turn_deg)
        return self._models[key]
