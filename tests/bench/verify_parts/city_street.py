"""A drawn city for verifications: no two houses and no two streets are alike, and what stands about can be changed.

The drawn city repeats sixteen fronts and one piece of asphalt, to the pixel. Two different places would then match as
no real ones do. Here half of the houses are of a design of their own, the others share a design and differ by weather
and fittings as the houses of one estate do; every street has a ground of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import cv2
import numpy as np
from numpy.random import Generator

from patrol.simulate.camera import View
from patrol.simulate.city import City, CityConfig
from patrol.simulate.ground import Floor
from patrol.simulate.layout import FRONTS_PER_KIND, Block, Front, Plan
from patrol.simulate.noise import layered
from patrol.simulate.render import Renderer
from patrol.simulate.seeds import generator
from patrol.simulate.solids import Model, Picture
from patrol.simulate.textures import Surface, asphalt, front, paving, surface
from patrol.simulate.things import Thing
from patrol.simulate.visible import Seen, Watcher
from patrol.simulate.weather import Light

GROUND_M = 40.96  # the ground of a street repeats after that, further than a photograph shows it in any detail
PLACES = 25  # things of a city that are asked about
MIX = (
    *("garbage", "graffiti", "soil_heap", "garbage", "pothole"),
    *("garbage", "graffiti", "soil_heap", "overflowing_bin", "open_manhole"),
)
_ESTATE = range(2, FRONTS_PER_KIND)  # styles that are built again and again


@dataclass
class ChangingCity(City):
    """A city whose houses have numbers, and where at any moment that stands in the streets which is said to."""

    standing: list[Thing] = field(default_factory=list)

    @cached_property
    def plan(self) -> Plan:
        """Streets and blocks; the style of a front is its number times the styles there are, plus its design."""
        drawn, first, blocks = super().plan, 0, []
        for block in drawn.blocks:
            blocks.append(_numbered(block, first))
            first += len(block.fronts)
        return replace(drawn, blocks=tuple(blocks))

    def present(self, number: int) -> list[Thing]:
        """What stands there now, whatever the pass."""
        return list(self.standing)

    def bring(self, thing: Thing, model: Model, number: int = 0) -> None:
        """The body of a thing that is no part of the city."""
        self._models[thing.name, number] = model


def _numbered(block: Block, first: int) -> Block:
    rows = enumerate(block.fronts, first)
    return replace(block, fronts=tuple(replace(one, style=one.style + FRONTS_PER_KIND * i) for i, one in rows))


class Houses(dict[tuple[str, int], Surface]):
    """The front of each house, painted when it is first seen."""

    def __init__(self, city: ChangingCity, designs: Mapping[tuple[str, int], Surface]) -> None:
        super().__init__()
        self._city, self._designs = city, designs

    def __missing__(self, key: tuple[str, int]) -> Surface:
        kind, (number, style) = key[0], divmod(key[1], FRONTS_PER_KIND)
        config = self._city.config
        rng = generator(config.look, config.seed, "house", number)
        if style in _ESTATE:
            design = self._designs[kind, style]
        else:
            own: Front = self._city.plan.fronts[number]
            design = front(self._city.look, rng, kind, own.width_m, own.height_m)
        self[key] = surface(weathered(design.levels[0], rng), design.px_per_m, 8)
        return self[key]


def weathered(design: Picture, rng: Generator) -> Picture:
    """A front (uint8 HWC BGR) with stains, pipes and boxes of its own."""
    height, width = design.shape[:2]
    shade = 1 + 0.06 * layered(rng, (height, width), 5, 4)
    drawn = np.clip(design * shade[:, :, None], 0, 255).astype(np.uint8)
    for _ in range(int(rng.integers(2, 6))):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        tone = rng.uniform(0.55, 0.85)
        streak = drawn[y : y + int(rng.integers(20, 120)), x : x + int(rng.integers(2, 9))]
        streak[:] = (streak * tone).astype(np.uint8)
    for _ in range(int(rng.integers(1, 5))):
        _fitting(drawn, rng)
    return drawn


def _fitting(drawn: Picture, rng: Generator) -> None:
    """A box with a grille, a pipe, or a notice."""
    height, width = drawn.shape[:2]
    x, y, grey = int(rng.integers(width)), int(rng.integers(height)), int(rng.integers(90, 225))
    match int(rng.integers(3)):
        case 0:
            cv2.rectangle(drawn, (x, y), (x + 30, y + 20), (grey, grey, grey - 5), -1)
            cv2.circle(drawn, (x + 10, y + 10), 8, (grey - 60,) * 3, 2)
        case 1:
            cv2.line(drawn, (x, 0), (x + int(rng.integers(-3, 4)), height), (grey, grey, grey), 3)
        case _:
            paper = rng.integers(60, 240, 3).tolist()
            cv2.rectangle(drawn, (x, y), (x + int(rng.integers(8, 26)), y + int(rng.integers(8, 30))), paper, -1)


class Studio:
    """One city and what is needed to photograph it."""

    def __init__(self, look: str, seed: int) -> None:
        config = CityConfig(
            look=look, seed=seed, blocks=(1, 1), things=PLACES, passes=1, pair_share=0.0, mix=MIX, context_rate=1.5
        )
        self.city = ChangingCity(config)
        self.renderer = Renderer(self.city)
        drawn = self.renderer.scenery
        self._scenery = replace(drawn, fronts=Houses(self.city, drawn.fronts))
        self._floors: dict[str, Floor] = {}

    def photograph(self, view: View, light: Light, street: str, standing: Iterable[Thing], rng: Generator) -> Picture:
        """The picture (uint8 HWC BGR) that a camera in a street takes of what stands there."""
        self.renderer.scenery = replace(self._scenery, floor=self._floor(street))
        return self.renderer.frame(view, light, list(standing), rng)

    def seen(self, view: View, standing: Iterable[Thing], name: str) -> Seen | None:
        """What a view shows of one thing among those that stand there; None: nothing."""
        self.city.standing = list(standing)
        found = Watcher(self.city, 0).seen(view)
        return next((one for one in found if one.thing.name == name), None)

    def _floor(self, street: str) -> Floor:
        if street not in self._floors:
            rng = generator(self.city.config.look, self.city.config.seed, "floor", street)
            look = self.city.look
            self._floors[street] = Floor(asphalt(look, rng, GROUND_M), paving(look, rng, GROUND_M))
        return self._floors[street]
