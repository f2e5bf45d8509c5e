"""Which things a view shows, where, and how much of each: the truth behind every label.

Used by the drawn frames and by the frames without pictures alike. The box of a thing is the extent of its projected
outline, clipped to the frame and to what nearer things and buildings leave of it. Without anything in the way it is
exact; behind something it is found on a raster of at least 96 steps along its longer side.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from patrol.simulate.camera import NEAR_M, View
from patrol.simulate.city import City
from patrol.simulate.outlines import extent, framed, left_over, outlines_of, pixels_of, polygon_pixels
from patrol.simulate.solids import Floats, Model
from patrol.simulate.street import front_corners
from patrol.simulate.things import FLAT_CLASSES, LABELLED_CLASSES, LARGEST_M, Thing

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels of the frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One thing in one view.

    The bottom edge of a ground thing's box is its contact: the point of its footprint that looks lowest in the picture,
    which is the edge towards the camera and not the footprint's centre that `Thing` calls its position. Laid on the
    ground it comes out nearer than the centre by about half the footprint's depth (0.1 m for a cone, 0.5 m for a heap
    of bags, up to 1.5 m for a large heap of soil). A thing on a wall has no contact with the ground.
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
    """Answers what views of one pass through a city show of some classes."""

    def __init__(
        self, city: City, number: int, reach_m: float = 60.0, classes: tuple[str, ...] = LABELLED_CLASSES
    ) -> None:
        self.city, self.number, self.reach_m = city, number, reach_m
        self.things = city.present(number)
        trees = city.trees
        self.labelled = np.array([thing.class_name in classes for thing in self.things], dtype=bool)
        standing = [thing.class_name not in FLAT_CLASSES for thing in self.things]
        self.solid = np.array(standing + [True] * len(trees), dtype=bool)
        places = [(one.x_m, one.y_m) for one in self.things] + [(one.x_m, one.y_m) for one in trees]
        self.places = np.array(places, dtype=np.float64).reshape(-1, 2)
        self.radii = np.array([LARGEST_M[thing.class_name] for thing in self.things] + [2.0] * len(trees))
        self.on_wall = np.array([thing.contact == "wall" for thing in self.things] + [False] * len(trees), dtype=bool)
        turns = np.radians([thing.turn_deg for thing in self.things] + [0.0] * len(trees))
        along = np.stack([np.cos(turns), np.sin(turns)], axis=1)
        self.outward = np.stack([along[:, 1], -along[:, 0]], axis=1)
        self.wall_half = along * self.radii[:, None] * 0.9
        self.front_corners = np.array([front_corners(row) for row in city.plan.fronts])
        self.front_normals = np.array([row.normal for row in city.plan.fronts])

    def _model(self, i: int) -> Model:
        """The body of a thing or, past the things, the trunk of a tree."""
        if i < len(self.things):
            return self.city.model(self.things[i], self.number)
        return self.city.trunk(self.city.trees[i - len(self.things)])

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
        near = np.flatnonzero((distance < self.reach_m) & (away @ view.rotation[2, :2] > -self.radii))
        reach, lens = self.radii[near] * 1.2, view.lens
        local = np.column_stack([away[near], np.full(len(near), 0.7 - view.centre[2])]) @ view.rotation.T
        room = (
            (lens.width_px + abs(lens.width_px - 2 * lens.cx_px))
            / 2
            / lens.focal_px
            * (1.25 if lens.is_distorted else 1.0)
        )
        keep = np.abs(local[:, 0]) - reach * 1.5 < np.maximum(local[:, 2] + reach, 0) * room
        keep &= 2 * reach * lens.focal_px >= smallest_px * np.maximum(distance[near], 0.5)
        keep &= np.where(self.on_wall[near], np.einsum("ij,ij->i", self.outward[near], away[near]) < 0, True)
        return near[keep]

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
        points = [self._model(int(i)).points for i in near]
        starts = np.concatenate([[0], np.cumsum([len(group) for group in points])[:-1]])
        local = view.in_camera(np.concatenate(points))
        depth = np.minimum.reduceat(local[:, 2], starts)
        local[:, 2] = np.maximum(local[:, 2], NEAR_M)
        pixels = pixels_of(view, local)
        boxes = np.concatenate([np.minimum.reduceat(pixels, starts), np.maximum.reduceat(pixels, starts)], axis=1)
        for row in np.flatnonzero(depth < NEAR_M):
            boxes[row] = extent(view, self._model(int(near[row])))
        away = np.linalg.norm(self.places[near] - view.centre[:2], axis=1)
        size = [view.lens.width_px, view.lens.height_px]
        return Scene(near, boxes, np.clip(boxes, 0, size * 2), away, hidden)

    def _judged(self, view: View, scene: "Scene", row: int) -> Seen | None:
        """One thing with what nearer things leave of it; None where they leave nothing."""
        i = int(scene.near[row])
        over = scene.before(row, self.solid)
        box, share = scene.inside[row], 1.0
        if (box != scene.boxes[row]).any():
            box = framed(outlines_of(view, self._model(i)), view.lens.width_px, view.lens.height_px)
        if (len(over) or scene.hidden[row] > 0) and (box[2:] > box[:2]).all():
            fronts = self._fronts_before(view, i) if scene.hidden[row] > 0 else []
            box, share = left_over(view, self._model(i), [self._model(int(k)) for k in over], fronts, box)
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
        """Outlines of the building fronts between the camera and a thing: facing the one, before the other."""
        eye, spot = view.centre[:2], self.places[i]
        ends = self.front_corners[:, 2:, :2]
        side = np.einsum("ij,ij->i", spot - ends[:, 1], self.front_normals)
        facing = np.einsum("ij,ij->i", eye - ends[:, 1], self.front_normals)
        away = spot - eye
        right = np.array([away[1], -away[0]]) / max(float(np.linalg.norm(away)), 1e-9)
        offset, depth = (ends - eye) @ right, (ends - eye) @ away
        reach = self.radii[i] * 1.5
        slope = offset * float(away @ away) / np.where(np.abs(depth) < 1e-6, 1e-6, depth)
        behind = (depth <= 0).any(axis=1)
        beside = (slope.min(axis=1) > reach) | (slope.max(axis=1) < -reach)
        chosen = np.flatnonzero((side < -0.2) & (facing > 0) & (behind | ~beside) & (depth.max(axis=1) > 0))
        found = [polygon_pixels(view, self.front_corners[k]) for k in chosen]
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
        return np.asarray(self.near[~apart & (self.away < self.away[row]) & solid[self.near]])
