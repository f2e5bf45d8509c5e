"""Draws sky and ground: road, pavement, haze over them and shadows."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from patrol.simulate.city import City
from patrol.simulate.paint import Canvas, fixed_point
from patrol.simulate.solids import Floats, Model, Picture
from patrol.simulate.textures import Surface

BANDS_M = (1.0, 7.0, 14.0, 28.0, 60.0, 4000.0)
"""Distances between which one copy of a ground texture is used."""

CLEAR_SHARE = 0.965
"""Ground that keeps more of its own colour than this is drawn without haze."""


@dataclass(frozen=True)
class Floor:
    """The seamless textures of the ground."""

    road: Surface
    pavement: Surface


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
    """The picture row of ground straight ahead at a distance, never above the horizon or the picture."""
    view = canvas.view
    ahead = view.rotation[2] * (1, 1, 0)
    flat = ahead / max(float(np.linalg.norm(ahead)), 1e-9)
    spot = view.centre * (1, 1, 0) + flat * distance_m
    local = view.in_camera(spot[None])
    if local[0, 2] < 0.3:
        return canvas.size[1]
    return int(np.clip(view.ideal_pixels(local)[0, 1], max(horizon, 0.0), canvas.size[1]))


def draw_ground(canvas: Canvas, city: City, floor: Floor, horizon: float) -> None:
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
            draw_band(canvas, floor, mask[top:bottom], (0, top, width, bottom), depth)


def draw_band(
    canvas: Canvas, floor: Floor, mask: NDArray[np.uint8], window: tuple[int, int, int, int], depth: float
) -> None:
    """Draws a band of picture rows of ground with the copies of the textures that suit a distance."""
    region = canvas.picture[window[1] : window[3]]
    below = horizon_mask(canvas, window)
    tile = tiled(canvas, floor.road, depth, window)
    if below is None:
        region[:] = tile
    else:
        cv2.copyTo(tile, below, region)
        mask = np.asarray(cv2.bitwise_and(mask, below), dtype=np.uint8)
    left, top, wide, tall = cv2.boundingRect(mask)
    if wide:
        part = (left, window[1] + top, left + wide, window[1] + top + tall)
        paved = tiled(canvas, floor.pavement, depth, part)
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
    count = int(np.count_nonzero(own < CLEAR_SHARE))
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
    tile_m = picture.shape[0] / px_per_m
    origin = np.floor(canvas.view.centre / tile_m) * tile_m * (1, 1, 0)
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
