"""Draws what a street is without its things: sky, road, pavement, markings, building fronts and trees."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from patrol.simulate.camera import View
from patrol.simulate.city import City
from patrol.simulate.layout import FRONT_KINDS, FRONTS_PER_KIND, Front
from patrol.simulate.markings import Markings, all_markings
from patrol.simulate.noise import layered
from patrol.simulate.paint import Canvas, fixed_point
from patrol.simulate.seeds import generator
from patrol.simulate.shapes import one_of
from patrol.simulate.solids import Decal, Model, Picture
from patrol.simulate.textures import TILE_M, Surface, asphalt, front, paving

Floats = NDArray[np.float64]

FAR_M = 110.0
BANDS_M = (1.0, 7.0, 14.0, 28.0, 60.0, 4000.0)
"""Distances between which one copy of a ground texture is used."""


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

    road: Surface
    pavement: Surface
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
        asphalt(city.look, rng),
        paving(city.look, rng),
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


def draw_sky(canvas: Canvas) -> float:
    """Fills the picture above the horizon and returns the row where the horizon crosses the middle column."""
    width, height = canvas.size
    view, light = canvas.view, canvas.light
    down = view.rotation[:, 2]
    lens = view.lens
    slope = -down[0] / down[1]
    row = lens.cy_px - lens.focal_px * down[2] / down[1]
    left, right = row - slope * lens.cx_px, row + slope * (width - lens.cx_px)
    top = int(np.clip(max(left, right) + 2, 0, height))
    if top > 0:
        ramp = np.clip((row - np.arange(top)) / (lens.focal_px * 0.6), 0, 1)[:, None]
        rows = light.haze * (1 - ramp) + light.zenith * ramp
        column = np.clip(rows, 0, 255).astype(np.uint8)[:, None, :]
        canvas.picture[:top] = cv2.resize(column, (width, top), interpolation=cv2.INTER_NEAREST)
    return float(row)


def ground_rows(canvas: Canvas, distance_m: float, horizon: float) -> int:
    """The picture row of ground straight ahead at a distance, never above the horizon."""
    view = canvas.view
    ahead = view.rotation[2] * (1, 1, 0)
    flat = ahead / max(float(np.linalg.norm(ahead)), 1e-9)
    spot = view.centre * (1, 1, 0) + flat * distance_m
    local = view.in_camera(spot[None])
    if local[0, 2] < 0.3:
        return canvas.size[1]
    return int(np.clip(view.ideal_pixels(local)[0, 1], horizon, canvas.size[1]))


def draw_ground(canvas: Canvas, city: City, scenery: Scenery, horizon: float) -> None:
    """Draws road everywhere below the horizon and pavement inside the kerbs."""
    width, height = canvas.size
    first = int(np.clip(horizon - 1, 0, height))
    roll_px = abs(canvas.view.rotation[0, 2]) * width
    mask = pavement_mask(canvas, city)
    edges = [
        height,
        *(ground_rows(canvas, distance, horizon) for distance in BANDS_M[1:-1]),
        max(0, int(first - roll_px)),
    ]
    for number in range(len(edges) - 1):
        bottom, top = edges[number], edges[number + 1]
        if bottom - top >= 1:
            depth = float(np.sqrt(BANDS_M[number] * min(BANDS_M[number + 1], 200)))
            draw_band(canvas, scenery, mask[top:bottom], (0, top, width, bottom), depth)


def draw_band(
    canvas: Canvas, scenery: Scenery, mask: NDArray[np.uint8], window: tuple[int, int, int, int], depth: float
) -> None:
    """Draws a band of picture rows of ground with the copies of the textures that suit a distance."""
    region = canvas.picture[window[1] : window[3]]
    below = horizon_mask(canvas, window)
    tile = tiled(canvas, scenery.road, depth, window)
    if below is None:
        region[:] = tile
    else:
        cv2.copyTo(tile, below, region)
        mask = np.asarray(cv2.bitwise_and(mask, below), dtype=np.uint8)
    left, top, wide, tall = cv2.boundingRect(mask)
    if wide:
        part = (left, window[1] + top, left + wide, window[1] + top + tall)
        paved = tiled(canvas, scenery.pavement, depth, part)
        inner = np.s_[top : top + tall, left : left + wide]
        cv2.copyTo(paved, mask[inner], region[inner])
    veil(canvas, window, below)


def veil(canvas: Canvas, window: tuple[int, int, int, int], below: NDArray[np.uint8] | None) -> None:
    """Lays the haze over the ground of a window, row by row as its distance grows."""
    left, top, right, bottom = window
    view = canvas.view
    rows = np.stack([np.full(bottom - top, view.lens.cx_px), np.arange(top, bottom) + 0.5, np.ones(bottom - top)])
    rays = view.rotation.T @ np.linalg.inv(view.intrinsic) @ rows
    depth = np.where(rays[2] < -1e-4, -view.centre[2] / np.minimum(rays[2], -1e-4), 1e6)
    own = np.exp(-depth / canvas.light.view_m).astype(np.float32)
    count = int(np.count_nonzero(own < 0.98))
    if not count:
        return
    share = np.repeat(own[:count, None], right - left, axis=1)
    haze = np.empty((count, right - left, 3), dtype=np.uint8)
    haze[:] = np.clip(canvas.light.haze, 0, 255).astype(np.uint8)
    region = canvas.picture[top : top + count, left:right]
    veiled = cv2.blendLinear(region, haze, share, np.float32(1) - share)
    if below is None:
        region[:] = veiled
    else:
        cv2.copyTo(veiled, below[:count], region)


def horizon_mask(canvas: Canvas, window: tuple[int, int, int, int]) -> NDArray[np.uint8] | None:
    """255 where a pixel of the window looks below the horizon; None where all of them do."""
    inverse = np.linalg.inv(canvas.view.intrinsic @ canvas.view.rotation)
    x = np.arange(window[0], window[2]) + 0.5
    y = np.arange(window[1], window[3]) + 0.5
    upward = inverse[2, 0] * x[None, [0, -1]] + inverse[2, 1] * y[[0, -1], None] + inverse[2, 2]
    if (upward < -1e-3).all():
        return None
    upward = inverse[2, 0] * x[None, :] + inverse[2, 1] * y[:, None] + inverse[2, 2]
    return np.asarray((upward < -1e-3) * 255, dtype=np.uint8)


def tiled(canvas: Canvas, surface: Surface, depth: float, window: tuple[int, int, int, int]) -> Picture:
    """The ground texture repeated over a window of the picture."""
    scale = canvas.view.lens.focal_px / depth
    squeeze = np.sqrt(max(canvas.view.centre[2] / depth, 0.05))
    picture, px_per_m = surface.level_for(scale * float(squeeze))
    origin = np.floor(canvas.view.centre / TILE_M) * TILE_M * (1, 1, 0)
    matrix = canvas.view.plane_matrix(origin, np.array([1.0, 0, 0]), np.array([0, 1.0, 0]))
    into = canvas.plane_to_window(matrix, (px_per_m, px_per_m), window)
    size = window[2] - window[0], window[3] - window[1]
    return np.asarray(
        cv2.warpPerspective(picture, into, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP), dtype=np.uint8
    )


def near_boxes(boxes: Floats, centre: Floats, reach_m: float) -> Floats:
    """The rectangles `(n, 4)` that come within reach of a point."""
    gap = np.maximum(np.maximum(boxes[:, :2] - centre[:2], centre[:2] - boxes[:, 2:]), 0)
    return boxes[np.hypot(gap[:, 0], gap[:, 1]) < reach_m]


def box_corners(box: Floats) -> Floats:
    """Corners `(4, 3)` on the ground of a rectangle (low x, low y, high x, high y)."""
    return np.array([[box[0], box[1], 0], [box[2], box[1], 0], [box[2], box[3], 0], [box[0], box[3], 0.0]])


def pavement_mask(canvas: Canvas, city: City) -> NDArray[np.uint8]:
    """255 where the ground is inside a kerb."""
    plane = np.zeros(canvas.size[::-1], dtype=np.uint8)
    for box in near_boxes(city.plan.outer, canvas.view.centre, 300.0):
        pixels = canvas.outline(box_corners(box))
        if canvas.window(pixels) is not None:
            cv2.fillConvexPoly(plane, fixed_point(pixels), 255, cv2.LINE_8, 4)
    return plane


def draw_shadows(canvas: Canvas, city: City, solids: list[Model]) -> None:
    """Darkens the ground where buildings and standing things keep the sun off."""
    light = canvas.light
    canvas.darken([footprint(model) for model in solids], 0.78)
    if not light.has_shadows:
        return
    lean = -light.sun[:2] / light.sun[2]
    polygons = []
    for box in near_boxes(city.plan.inner, canvas.view.centre, 80.0):
        base = box_corners(box)
        polygons.append(hull(np.concatenate([base, base + np.array([*(lean * 7.5), 0])])))
    for model in solids:
        fallen = model.points.copy()
        fallen[:, :2] += fallen[:, 2:3] * lean
        polygons.append(hull(fallen))
    canvas.darken(polygons, max(light.ambient / (light.ambient + light.direct), 0.45))


def hull(points: Floats) -> Floats:
    """The convex hull `(k, 3)` of points on the ground."""
    flat = cv2.convexHull(points[:, :2].astype(np.float32))[:, 0]
    return np.concatenate([flat, np.zeros((len(flat), 1))], axis=1).astype(np.float64)


def footprint(model: Model) -> Floats:
    """The hull of what of a model is near the ground, a little widened: the dark spot under it."""
    points = model.points
    low = points[points[:, 2] < 0.35]
    flat = hull(low if len(low) >= 3 else points)
    middle = flat.mean(axis=0)
    return np.asarray(middle + (flat - middle) * 1.1)


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
