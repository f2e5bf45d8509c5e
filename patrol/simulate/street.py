"""Draws what a street is without its things: sky, road, pavement, markings, building fronts and trees."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from patrol.simulate.camera import View
from patrol.simulate.city import City
from patrol.simulate.ground import Floor
from patrol.simulate.layout import FRONT_KINDS, FRONTS_PER_KIND, Front
from patrol.simulate.markings import Markings, all_markings
from patrol.simulate.noise import layered
from patrol.simulate.paint import Canvas
from patrol.simulate.seeds import generator
from patrol.simulate.shapes import one_of
from patrol.simulate.solids import Decal, Model, Picture
from patrol.simulate.textures import Surface, asphalt, front, paving

Floats = NDArray[np.float64]

FAR_M = 110.0


@dataclass(frozen=True)
class Tree:
    """A trunk and the picture of a crown that always turns to the camera; metres in the plan."""

    x_m: float
    y_m: float
    trunk: Model
    crown: Decal

    def seen_from(self, view: View) -> Decal:
        """The crown turned to the camera."""
        away = np.array([self.x_m, self.y_m, 0.0]) - view.centre * (1, 1, 0)
        forward = away / max(float(np.linalg.norm(away)), 1e-6)
        along = np.array([forward[1], -forward[0], 0.0])
        origin = np.array([self.x_m, self.y_m, self.crown.origin[2]]) - along * self.crown.width_m / 2
        return replace(self.crown, origin=origin, along=along)


@dataclass(frozen=True)
class Scenery:
    """Textures and standing greenery of one city."""

    floor: Floor
    fronts: dict[tuple[str, int], Surface]
    trees: tuple[Tree, ...]
    corners: Floats
    middles: Floats
    normals: Floats
    markings: Markings


def make_scenery(city: City) -> Scenery:
    """The scenery of a city, from its look and seed alone."""
    rng = generator(city.config.look, city.config.seed, "scenery")
    fronts = {}
    for kind in FRONT_KINDS:
        for style in range(FRONTS_PER_KIND):
            height = 3.2 if kind == "wall" else float(rng.uniform(8, 13))
            fronts[kind, style] = front(city.look, rng, kind, float(rng.uniform(10, 14)), height)
    rows = city.plan.fronts
    corners = np.array([front_corners(row) for row in rows])
    normals = np.array([(*row.normal, 0.0) for row in rows])
    return Scenery(
        Floor(asphalt(city.look, rng), paving(city.look, rng)),
        fronts,
        grow(city),
        corners,
        corners.mean(axis=1),
        normals,
        all_markings(city.plan),
    )


def front_corners(row: Front) -> Floats:
    """The corners `(4, 3)` of a front from top left clockwise, seen from the street."""
    start, along = np.array([*row.start, 0.0]), np.array([*row.along, 0.0])
    end, up = start + along * row.width_m, np.array([0, 0, row.height_m])
    return np.array([start + up, end + up, end, start])


def crown(city: City, number: int) -> Picture:
    """A tree's crown: a ragged green cloud with opacity."""
    rng = generator(city.config.look, city.config.seed, "crown", number)
    size = 160
    line = (np.arange(size, dtype=np.float32) + 0.5) / size * 2 - 1
    x, y = np.meshgrid(line, line)
    grain = layered(rng, (size, size), 7, 5)
    opacity = np.clip((0.78 - np.hypot(x, y * 1.05) + 0.13 * grain) * 9, 0, 1)
    light = np.clip(0.85 - 0.35 * y + 0.30 * grain, 0.25, 1.6)
    colour = light[:, :, None] * one_of(rng, city.look.leaf_colours).astype(np.float32)
    return np.asarray(np.clip(np.dstack([colour, opacity * 255]), 0, 255), dtype=np.uint8)


def grow(city: City) -> tuple[Tree, ...]:
    """The city's trees with crowns; each starts above head height."""
    rng = generator(city.config.look, city.config.seed, "crowns")
    crowns = [crown(city, number) for number in range(4)]
    found = []
    for spot in city.trees:
        picture, size, foot = crowns[int(rng.integers(4))], rng.uniform(3.6, 5.5), spot.height_m - 1.2
        top = np.array([0, 0, foot + size * 0.8])
        leaves = Decal(picture, top, np.array([1.0, 0, 0]), np.array([0, 0, -1.0]), size, size * 0.8)
        found.append(Tree(spot.x_m, spot.y_m, city.trunk(spot), leaves))
    return tuple(found)


def visible_fronts(canvas: Canvas, city: City, scenery: Scenery) -> NDArray[np.int64]:
    """Indices of the fronts to draw, near ones first."""
    centre = canvas.view.centre
    away = scenery.middles - centre
    distance = np.linalg.norm(away[:, :2], axis=1)
    facing = np.einsum("ij,ij->i", scenery.normals, away) < 0
    ahead = (canvas.view.in_camera(scenery.corners.reshape(-1, 3))[:, 2].reshape(-1, 4) > 0.3).any(axis=1)
    chosen = np.flatnonzero(facing & ahead & (distance < FAR_M))
    if not len(chosen):
        return chosen
    ends = scenery.corners[chosen][:, [0, 1], :2] + scenery.normals[chosen][:, None, :2] * 0.1
    spots = np.concatenate([ends, ends.mean(axis=1, keepdims=True)], axis=1)
    hidden = city.plan.blocked(centre[:2], spots.reshape(-1, 2)).reshape(-1, 3).all(axis=1)
    chosen = chosen[~hidden]
    return np.asarray(chosen[np.argsort(distance[chosen])])


def draw_fronts(canvas: Canvas, city: City, scenery: Scenery) -> NDArray[np.int64]:
    """Draws the building fronts within sight and returns their indices."""
    rows = city.plan.fronts
    chosen = visible_fronts(canvas, city, scenery)
    covered = np.zeros(canvas.size[::-1], dtype=np.uint8)
    for i in chosen:
        row, corners = rows[int(i)], scenery.corners[i]
        brightness = float(canvas.light.shade(scenery.normals[i][None])[0])
        canvas.wall(scenery.fronts[row.kind, row.style], corners, (row.width_m, row.height_m), brightness, covered)
    return chosen
