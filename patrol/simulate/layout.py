"""The plan of a drawn city: street lines, blocks between them and the building fronts round each block.

Plan axes: metres, x along the cross streets, y along the long ones. `Plan.turn_deg` turns the plan (clockwise) into
east and north: a heading in the plan plus turn_deg is a true heading. Roads, kerbs and pavements all lie on z = 0.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Floats = NDArray[np.float64]

OUTER_M = 60.0
FRONT_KINDS = ("wall", "flats", "shops", "shutters")
FRONTS_PER_KIND = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Street:
    """A straight street: its centre line is x = at_m (axis 0) or y = at_m (axis 1) from low_m to high_m."""

    name: str
    axis: int
    at_m: float
    low_m: float
    high_m: float
    road_half_m: float
    pavement_m: float

    def point(self, along_m: float, offset_m: float) -> tuple[float, float]:
        """Plan coordinates of a point at along_m of the running axis, offset_m to the right of that direction."""
        if self.axis == 0:
            return self.at_m + offset_m, along_m
        return along_m, self.at_m - offset_m

    @property
    def heading_deg(self) -> float:
        """The plan heading (clockwise from +y) of the running direction."""
        return 0.0 if self.axis == 0 else 90.0

    @property
    def wall_m(self) -> float:
        """Distance of the building line from the centre line."""
        return self.road_half_m + self.pavement_m


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """One building's front: from `start` along the unit vector `along`, facing `normal`; plan coordinates."""

    start: tuple[float, float]
    along: tuple[float, float]
    normal: tuple[float, float]
    width_m: float
    height_m: float
    kind: str
    style: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A rectangle of buildings with a belt of pavement: `inner` at the building line, `outer` at the kerb.

    Both are (low x, low y, high x, high y).
    """

    inner: tuple[float, float, float, float]
    outer: tuple[float, float, float, float]
    fronts: tuple[Front, ...]


@dataclass(frozen=True)
class Plan:
    """Streets and blocks, with the centre lines' positions on both axes."""

    turn_deg: float
    x_lines: tuple[Street, ...]
    y_lines: tuple[Street, ...]
    blocks: tuple[Block, ...]

    @property
    def streets(self) -> tuple[Street, ...]:
        """All streets, the long ones (axis 0) first."""
        return self.x_lines + self.y_lines

    @cached_property
    def inner(self) -> Floats:
        """The building rectangles `(n, 4)`: low x, low y, high x, high y."""
        return np.array([block.inner for block in self.blocks])

    @cached_property
    def outer(self) -> Floats:
        """The kerb rectangles `(n, 4)`."""
        return np.array([block.outer for block in self.blocks])

    @cached_property
    def fronts(self) -> tuple[Front, ...]:
        """The fronts of all blocks."""
        return tuple(front for block in self.blocks for front in block.fronts)

    def to_enu(self, plan: Floats) -> Floats:
        """East and north `(n, 2)` of plan points `(n, 2)`."""
        angle = np.radians(self.turn_deg)
        sine, cosine = np.sin(angle), np.cos(angle)
        return np.asarray(plan @ np.array([[cosine, -sine], [sine, cosine]]))

    def to_plan(self, enu: Floats) -> Floats:
        """Plan points `(n, 2)` of east and north `(n, 2)`."""
        angle = np.radians(self.turn_deg)
        sine, cosine = np.sin(angle), np.cos(angle)
        return np.asarray(enu @ np.array([[cosine, sine], [-sine, cosine]]))

    def blocked(self, start: Floats, ends: Floats) -> NDArray[np.bool_]:
        """Whether a building stands between a point `(2,)` and each of the points `(n, 2)`.

        Slab method on the rectangles; the last 5 cm are not counted, so that a point on a wall is seen from its front.
        """
        step = ends - start
        length = np.maximum(np.linalg.norm(step, axis=1, keepdims=True), 1e-9)
        step = step * np.maximum(0.0, 1 - 0.05 / length)
        step = np.where(np.abs(step) < 1e-12, 1e-12, step)[:, None, :]
        low = (self.inner[None, :, :2] - start) / step
        high = (self.inner[None, :, 2:] - start) / step
        enter = np.minimum(low, high).max(axis=2)
        leave = np.maximum(low, high).min(axis=2)
        return np.asarray(((enter < leave) & (leave > 0) & (enter < 1)).any(axis=1))


def street_lines(rng: Generator, counts: tuple[int, int]) -> tuple[tuple[Street, ...], tuple[Street, ...]]:
    """The streets round `counts` blocks (x, y), centre lines 100 to 150 m apart."""
    places = [np.concatenate([[0.0], np.cumsum(rng.uniform(100, 150, count))]) for count in counts]
    places = [np.round(place - place.mean(), 2) for place in places]
    groups = []
    for axis in (0, 1):
        run = places[1 - axis]
        groups.append(
            tuple(
                Street(
                    name=f"{'NE'[axis]}{number + 1}",
                    axis=axis,
                    at_m=float(at),
                    low_m=float(run[0]),
                    high_m=float(run[-1]),
                    road_half_m=float(rng.choice([5.0, 5.5, 6.0])),
                    pavement_m=float(rng.choice([3.0, 3.5, 4.0])),
                )
                for number, at in enumerate(places[axis])
            )
        )
    return groups[0], groups[1]


def side_fronts(rng: Generator, start: Floats, along: Floats, length_m: float) -> list[Front]:
    """Fronts that fill one side of a block of `length_m`, from its left end as seen from the street."""
    widths: list[float] = []
    while sum(widths) < length_m - 6:
        widths.append(float(rng.uniform(8, 17)))
    scale = length_m / sum(widths)
    normal = np.array([along[1], -along[0]])
    found, at = [], 0.0
    for width in widths:
        kind = str(rng.choice(FRONT_KINDS, p=[0.34, 0.22, 0.24, 0.20]))
        height = 2.7 if kind == "wall" and rng.random() < 0.6 else float(rng.uniform(6.5, 16))
        place = start + along * at
        found.append(
            Front(
                start=(float(place[0]), float(place[1])),
                along=(float(along[0]), float(along[1])),
                normal=(float(normal[0]), float(normal[1])),
                width_m=width * scale,
                height_m=height,
                kind=kind,
                style=int(rng.integers(FRONTS_PER_KIND)),
            )
        )
        at += width * scale
    return found


def block_between(rng: Generator, sides: tuple[Street | None, Street | None, Street | None, Street | None]) -> Block:
    """The block between a west, south, east and north street; a missing one is the city's edge."""
    west, south, east, north = sides
    x0 = west.at_m if west else east.at_m - OUTER_M if east else 0.0
    x1 = east.at_m if east else west.at_m + OUTER_M if west else 0.0
    y0 = south.at_m if south else north.at_m - OUTER_M if north else 0.0
    y1 = north.at_m if north else south.at_m + OUTER_M if south else 0.0
    road = [side.road_half_m if side else 0.0 for side in sides]
    wall = [side.wall_m if side else 0.0 for side in sides]
    inner = (x0 + wall[0], y0 + wall[1], x1 - wall[2], y1 - wall[3])
    low, high = np.array(inner[:2]), np.array(inner[2:])
    wide, tall = high - low
    fronts = (
        side_fronts(rng, np.array([low[0], low[1]]), np.array([1.0, 0]), wide)
        + side_fronts(rng, np.array([high[0], low[1]]), np.array([0.0, 1]), tall)
        + side_fronts(rng, np.array([high[0], high[1]]), np.array([-1.0, 0]), wide)
        + side_fronts(rng, np.array([low[0], high[1]]), np.array([0.0, -1]), tall)
    )
    outer = (x0 + road[0], y0 + road[1], x1 - road[2], y1 - road[3])
    return Block(inner=inner, outer=outer, fronts=tuple(fronts))


def make_plan(rng: Generator, counts: tuple[int, int]) -> Plan:
    """A plan of `counts` blocks (x, y) with a ring of half blocks round them, turned by up to 20 degrees."""
    x_lines, y_lines = street_lines(rng, counts)
    columns: list[tuple[Street | None, Street | None]] = list(zip((None, *x_lines), (*x_lines, None), strict=True))
    rows: list[tuple[Street | None, Street | None]] = list(zip((None, *y_lines), (*y_lines, None), strict=True))
    blocks = tuple(block_between(rng, (west, south, east, north)) for west, east in columns for south, north in rows)
    return Plan(float(rng.uniform(-20, 20)), x_lines, y_lines, blocks)
