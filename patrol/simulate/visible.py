"""Which things a view shows, where, and how much of each: the truth behind every label.

Used by the drawn frames and by the frames without pictures alike. The box of a thing is the extent of its projected
outline, clipped to the frame and to what nearer things and buildings leave of it. Without anything in the way it is
exact; behind something it is found on a raster of at least 96 steps along its longer side.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from patrol.simulate.camera import NEAR_M, View
from patrol.simulate.city import City
from patrol.simulate.paint import cut_near, fixed_point
from patrol.simulate.solids import Floats, Model
from patrol.simulate.street import front_corners
from patrol.simulate.things import DISTRACTORS, Thing

RASTER = 96
Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels of the frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One thing in one view.

    `box` is what can be seen of it; `whole_box` its full extent, also outside the frame. `visible_share` is the area
    seen over the area of the outline inside the frame; `is_cut` tells that the frame's edge cuts it.
    """

    thing: Thing
    box: Box
    whole_box: Box
    visible_share: float
    is_cut: bool
    distance_m: float

    def side_px(self, frame_width_px: int, picture_width_px: int = 640) -> float:
        """The shorter side of the box in a picture of the whole frame that is picture_width_px wide."""
        scale = picture_width_px / frame_width_px
        return min(self.box[2] - self.box[0], self.box[3] - self.box[1]) * scale


class Watcher:
    """Answers what views of one pass through a city show."""

    def __init__(self, city: City, number: int, reach_m: float = 60.0) -> None:
        self.city, self.number, self.reach_m = city, number, reach_m
        self.things = city.present(number)
        self.models = [city.model(thing, number) for thing in self.things]
        trunks = [city.trunk(spot) for spot in city.trees]
        self.labelled = np.array([thing.class_name not in DISTRACTORS for thing in self.things])
        self.solid = np.array([bool(model.parts) for model in [*self.models, *trunks]])
        self.models += trunks
        self.places = np.array([model.middle[:2] for model in self.models]).reshape(-1, 2)
        self.radii = np.array([np.ptp(model.points, axis=0).max() / 2 for model in self.models])
        self.on_wall = np.array([thing.contact == "wall" for thing in self.things] + [False] * len(trunks))
        turns = np.radians([thing.turn_deg for thing in self.things] + [0.0] * len(trunks))
        along = np.stack([np.cos(turns), np.sin(turns)], axis=1)
        self.outward = np.stack([along[:, 1], -along[:, 0]], axis=1)
        self.wall_half = along * self.radii[:, None] * 0.9
        fronts = city.plan.fronts
        self.front_corners = np.array([front_corners(row) for row in fronts])
        self.front_normals = np.array([row.normal for row in fronts])

    def seen(self, view: View, smallest_px: float = 4.0) -> list[Seen]:
        """The labelled things of which the view shows a box of at least smallest_px on both sides."""
        near, hidden = self._in_sight(view, self._near(view, smallest_px))
        if not len(near):
            return []
        scene = self._measured(view, near, hidden)
        found = []
        for row in range(len(near)):
            if scene.wants(row, self.labelled, smallest_px):
                one = self._judged(view, scene, row)
                if one is not None and min(one.box[2] - one.box[0], one.box[3] - one.box[1]) >= smallest_px:
                    found.append(one)
        return found

    def _near(self, view: View, smallest_px: float) -> NDArray[np.int64]:
        """Indices of things and trunks within reach that may be in the picture and big enough."""
        away = self.places - view.centre[:2]
        distance = np.hypot(away[:, 0], away[:, 1])
        ahead = away @ view.rotation[2, :2]
        size_px = 2 * self.radii * view.lens.focal_px / np.maximum(distance, 0.5)
        keep = (distance < self.reach_m) & (ahead > -self.radii - 1) & (size_px >= smallest_px)
        keep &= np.where(self.on_wall, np.einsum("ij,ij->i", self.outward, away) < 0, True)
        return np.flatnonzero(keep)

    def _in_sight(self, view: View, near: NDArray[np.int64]) -> tuple[NDArray[np.int64], Floats]:
        """Those of the near things that no building hides whole, with the hidden share of three sight lines each."""
        if not len(near):
            return near, np.empty(0)
        away = self.places[near] - view.centre[:2]
        right = np.stack([away[:, 1], -away[:, 0]], axis=1) / np.maximum(np.linalg.norm(away, axis=1), 1e-9)[:, None]
        half = np.where(self.on_wall[near, None], self.wall_half[near], right * self.radii[near, None] * 0.9)
        spots = np.stack([self.places[near], self.places[near] - half, self.places[near] + half], axis=1)
        share = self.city.plan.blocked(view.centre[:2], spots.reshape(-1, 2)).reshape(-1, 3).mean(axis=1)
        return near[share < 1], share[share < 1]

    def _measured(self, view: View, near: NDArray[np.int64], hidden: Floats) -> "Scene":
        """Boxes and distances of the near things."""
        points = [self.models[i].points for i in near]
        starts = np.concatenate([[0], np.cumsum([len(group) for group in points])[:-1]])
        local = view.in_camera(np.concatenate(points))
        depth = np.minimum.reduceat(local[:, 2], starts)
        local[:, 2] = np.maximum(local[:, 2], NEAR_M)
        pixels = view.ideal_pixels(local)
        if view.lens.is_distorted:
            pixels = view.lens.distort(pixels)
        boxes = np.concatenate([np.minimum.reduceat(pixels, starts), np.maximum.reduceat(pixels, starts)], axis=1)
        for row in np.flatnonzero(depth < NEAR_M):
            boxes[row] = extent(view, self.models[near[row]])
        away = np.linalg.norm(self.places[near] - view.centre[:2], axis=1)
        size = [view.lens.width_px, view.lens.height_px]
        return Scene(near, boxes, np.clip(boxes, 0, size * 2), away, hidden)

    def _judged(self, view: View, scene: "Scene", row: int) -> Seen | None:
        """One thing with what nearer things leave of it; None where they leave nothing."""
        i = int(scene.near[row])
        over = scene.before(row, self.solid)
        box, share = scene.inside[row], 1.0
        if (box != scene.boxes[row]).any():
            box = framed(outlines_of(view, self.models[i]), view.lens.width_px, view.lens.height_px)
        if len(over) or scene.hidden[row] > 0:
            outlines = [pixels for k in over for pixels in outlines_of(view, self.models[k])]
            outlines += self._fronts_before(view, i) if scene.hidden[row] > 0 else []
            box, share = left_over(outlines_of(view, self.models[i]), outlines, box)
        if share <= 0:
            return None
        whole = scene.boxes[row]
        return Seen(
            thing=self.things[i],
            box=(float(box[0]), float(box[1]), float(box[2]), float(box[3])),
            whole_box=(float(whole[0]), float(whole[1]), float(whole[2]), float(whole[3])),
            visible_share=share,
            is_cut=bool((whole != scene.inside[row]).any()),
            distance_m=float(scene.away[row]),
        )

    def _fronts_before(self, view: View, i: int) -> list[Floats]:
        """Outlines of the building fronts that face the camera and have the thing behind them."""
        side = np.einsum("ij,ij->i", self.places[i] - self.front_corners[:, 3, :2], self.front_normals)
        facing = np.einsum("ij,ij->i", view.centre[:2] - self.front_corners[:, 3, :2], self.front_normals)
        close = np.linalg.norm(self.front_corners[:, 3, :2] - view.centre[:2], axis=1) < self.reach_m + 20
        found = [
            polygon_pixels(view, self.front_corners[k]) for k in np.flatnonzero((side < -0.2) & (facing > 0) & close)
        ]
        return [pixels for pixels in found if len(pixels)]


@dataclass(frozen=True)
class Scene:
    """The near things of one view in rows: index, full box, box inside the frame, distance and hidden sight lines."""

    near: NDArray[np.int64]
    boxes: Floats
    inside: Floats
    away: Floats
    hidden: Floats

    def wants(self, row: int, labelled: NDArray[np.bool_], smallest_px: float) -> bool:
        """Whether a row is a thing to label that is big enough inside the frame."""
        i = self.near[row]
        size = self.inside[row, 2:] - self.inside[row, :2]
        return bool(i < len(labelled) and labelled[i] and size.min() >= smallest_px)

    def before(self, row: int, solid: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Indices of the standing things nearer than a row whose boxes overlap its own."""
        mine = self.inside[row]
        apart = (self.boxes[:, :2] >= mine[2:]).any(axis=1) | (self.boxes[:, 2:] <= mine[:2]).any(axis=1)
        return self.near[~apart & (self.away < self.away[row]) & solid[self.near]]


def polygon_pixels(view: View, corners: Floats) -> Floats:
    """Pixels `(k, 2)` of a flat polygon of the world `(n, 3)` cut off before the camera; maybe empty."""
    local = cut_near(view.in_camera(corners))
    if len(local) < 3:
        return np.empty((0, 2))
    pixels = view.ideal_pixels(local)
    return view.lens.distort(pixels) if view.lens.is_distorted else pixels


def outlines_of(view: View, model: Model) -> list[Floats]:
    """The outline `(k, 2)` in pixels of each solid and picture of a thing: the hull of its points before the camera."""
    found = []
    for part in model.parts:
        if (view.in_camera(part.vertices)[:, 2] >= NEAR_M).all():
            found.append(hull_of(polygon_pixels(view, part.vertices)))
        else:
            faces = [polygon_pixels(view, part.vertices[face]) for face in part.faces]
            corners = np.concatenate(faces) if faces else np.empty((0, 2))
            found += [hull_of(corners)] if len(corners) else []
    for decal in model.decals:
        pixels = polygon_pixels(view, decal.outline)
        found += [pixels] if len(pixels) else []
    return found


def hull_of(pixels: Floats) -> Floats:
    """The convex hull `(k, 2)` of pixels."""
    return np.asarray(cv2.convexHull(pixels.astype(np.float32))[:, 0], dtype=np.float64)


def extent(view: View, model: Model) -> Floats:
    """Left, top, right, bottom of a thing that reaches behind the camera; zeros where nothing is before it."""
    outlines = outlines_of(view, model)
    if not outlines:
        return np.zeros(4)
    points = np.concatenate(outlines)
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def framed(outlines: list[Floats], width_px: int, height_px: int) -> Floats:
    """The box of what of convex outlines lies inside the frame; zeros where nothing does."""
    limits = ((0, 0.0, 1.0), (0, float(width_px), -1.0), (1, 0.0, 1.0), (1, float(height_px), -1.0))
    kept = []
    for outline in outlines:
        for axis, edge, sign in limits:
            outline = cut_line(outline, axis, edge, sign)
        kept.append(outline)
    points = np.concatenate(kept) if kept else np.empty((0, 2))
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


def left_over(own: list[Floats], over: list[Floats], box: Floats) -> tuple[Floats, float]:
    """The box of what covers leave of a thing inside `box`, and its share of the area there."""
    size = box[2:] - box[:2]
    scale = RASTER / max(float(size.max()), 1e-6)
    shape = np.maximum(np.ceil(size * scale).astype(int), 1)
    mine = np.zeros((int(shape[1]), int(shape[0])), dtype=np.uint8)
    for pixels in own:
        cv2.fillConvexPoly(mine, fixed_point((pixels - box[:2]) * scale), 255, cv2.LINE_8, 4)
    area = cv2.countNonZero(mine)
    for pixels in over:
        cv2.fillConvexPoly(mine, fixed_point((pixels - box[:2]) * scale), 0, cv2.LINE_8, 4)
    rest = cv2.countNonZero(mine)
    if not rest or not area:
        return box, 0.0
    if rest == area:
        return box, 1.0
    left, top, width, height = cv2.boundingRect(mine)
    inner = np.array([left, top, left + width, top + height]) / scale + np.tile(box[:2], 2)
    return np.minimum(np.maximum(inner, np.tile(box[:2], 2)), np.tile(box[2:], 2)), rest / area
