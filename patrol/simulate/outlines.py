"""The outline of a thing in pixels, and what others leave of it."""

import cv2
import numpy as np
from numpy.typing import NDArray

from patrol.simulate.camera import NEAR_M, View
from patrol.simulate.paint import cut_near, fixed_point
from patrol.simulate.solids import Floats, Model

RASTER = 96
"""Steps along the longer side of a box on which covered outlines are counted."""


def polygon_pixels(view: View, corners: Floats) -> Floats:
    """Pixels `(k, 2)` of a flat polygon of the world `(n, 3)` cut off before the camera; maybe empty."""
    local = cut_near(view.in_camera(corners))
    return pixels_of(view, local) if len(local) >= 3 else np.empty((0, 2))


def pixels_of(view: View, local: Floats) -> Floats:
    """Pixels `(n, 2)` of points in camera axes `(n, 3)` before the camera."""
    pixels = view.ideal_pixels(local)
    return view.lens.distort(pixels) if view.lens.is_distorted else pixels


def before_camera(local: Floats, faces: NDArray[np.int64]) -> Floats:
    """The corners `(k, 3)` of a solid cut off at the near plane: vertices beyond it and where edges cross it."""
    first, second = local[faces].reshape(-1, 3), local[np.roll(faces, -1, axis=1)].reshape(-1, 3)
    crossing = (first[:, 2] < NEAR_M) & (second[:, 2] >= NEAR_M)
    low, high = first[crossing], second[crossing]
    share = ((NEAR_M - low[:, 2]) / (high[:, 2] - low[:, 2]))[:, None] if len(low) else np.empty((0, 1))
    return np.concatenate([local[local[:, 2] >= NEAR_M], low + share * (high - low)])


def outlines_of(view: View, model: Model) -> list[Floats]:
    """The outline `(k, 2)` in pixels of each solid and picture of a thing: the hull of its points before the camera."""
    found = []
    for part in model.parts:
        local = before_camera(view.in_camera(part.vertices), part.faces)
        found += [hull_of(pixels_of(view, local))] if len(local) else []
    for decal in model.decals:
        pixels = polygon_pixels(view, decal.outline)
        found += [pixels] if len(pixels) else []
    return found


def hull_of(pixels: Floats) -> Floats:
    """The convex hull `(k, 2)` of pixels."""
    return np.asarray(cv2.convexHull(pixels.astype(np.float32))[:, 0], dtype=np.float64)


def extent(view: View, model: Model) -> Floats:
    """Left, top, right, bottom of a thing that reaches behind the camera; zeros where nothing is before it."""
    points = [polygon_pixels(view, decal.outline) for decal in model.decals]
    if model.parts:
        local = before_camera(view.in_camera(model.mesh.vertices), model.mesh.faces)
        points.append(pixels_of(view, local))
    pixels = np.concatenate(points)
    return np.concatenate([pixels.min(axis=0), pixels.max(axis=0)]) if len(pixels) else np.zeros(4)


def framed(outlines: list[Floats], width_px: int, height_px: int) -> Floats:
    """The box of what of convex outlines lies inside the frame; zeros where nothing does."""
    limits = ((0, 0.0, 1.0), (0, float(width_px), -1.0), (1, 0.0, 1.0), (1, float(height_px), -1.0))
    kept = []
    for outline in outlines:
        for axis, edge, sign in limits:
            outline = cut_line(outline, axis, edge, sign)
        kept.append(outline)
    points = np.clip(np.concatenate(kept), 0, (width_px, height_px)) if kept else np.empty((0, 2))
    return np.concatenate([points.min(axis=0), points.max(axis=0)]) if len(points) else np.zeros(4)


def cut_line(polygon: Floats, axis: int, edge: float, sign: float) -> Floats:
    """The part `(k, 2)` of a polygon where sign * (coordinate - edge) >= 0."""
    gap = (polygon[:, axis] - edge) * sign if len(polygon) else np.empty(0)
    if (gap >= 0).all():
        return polygon
    kept = []
    for i in range(len(polygon)):
        if (gap[i] >= 0) != (gap[i - 1] >= 0):
            share = gap[i - 1] / (gap[i - 1] - gap[i])
            kept.append(polygon[i - 1] + share * (polygon[i] - polygon[i - 1]))
        if gap[i] >= 0:
            kept.append(polygon[i])
    return np.array(kept).reshape(-1, 2)


def left_over(view: View, own: Model, over: list[Model], fronts: list[Floats], box: Floats) -> tuple[Floats, float]:
    """The box of what nearer things and fronts leave of a thing inside `box`, and its share of the area there."""
    size = box[2:] - box[:2]
    scale = RASTER / max(float(size.max()), 1e-6)
    shape = np.maximum(np.ceil(size * scale).astype(int), 1)
    mine = np.zeros((int(shape[1]), int(shape[0])), dtype=np.uint8)
    stamp(mine, view, own, (box[:2], scale), 255)
    area = cv2.countNonZero(mine)
    for model in over:
        stamp(mine, view, model, (box[:2], scale), 0)
    for pixels in fronts:
        cv2.fillConvexPoly(mine, fixed_point((pixels - box[:2]) * scale), 0, cv2.LINE_8, 4)
    rest = cv2.countNonZero(mine)
    if not rest or not area:
        return box, 0.0
    if rest == area:
        return box, 1.0
    left, top, width, height = cv2.boundingRect(mine)
    inner = np.array([left, top, left + width, top + height]) / scale + np.tile(box[:2], 2)
    return np.minimum(np.maximum(inner, np.tile(box[:2], 2)), np.tile(box[2:], 2)), rest / area


def stamp(mask: NDArray[np.uint8], view: View, model: Model, place: tuple[Floats, float], value: int) -> None:
    """Fills the outline of a thing on a raster whose first corner and scale are `place`."""
    local = view.in_camera(model.points)
    if local[:, 2].min() < NEAR_M:
        for pixels in outlines_of(view, model):
            cv2.fillConvexPoly(mask, fixed_point((pixels - place[0]) * place[1]), value, cv2.LINE_8, 4)
        return
    pixels = view.ideal_pixels(local)
    if view.lens.is_distorted:
        pixels = view.lens.distort(pixels)
    fixed = fixed_point((pixels - place[0]) * place[1])
    at = 0
    for group in model.groups:
        cv2.fillConvexPoly(mask, cv2.convexHull(fixed[at : at + len(group)]), value, cv2.LINE_8, 4)
        at += len(group)
