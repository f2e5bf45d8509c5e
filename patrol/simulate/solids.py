"""What a thing is made of: solids with flat faces and pictures lying on planes, in metres."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Part:
    """One solid: `vertices (n, 3)`, `faces (m, 4)` (a triangle repeats its last corner), `colours (m, 3)` BGR 0..255.

    Corners of a face run counter-clockwise seen from outside.
    """

    vertices: Floats
    faces: NDArray[np.int64]
    colours: Floats

    @cached_property
    def normals(self) -> Floats:
        """Unit normals `(m, 3)` that point outwards."""
        corner = self.vertices[self.faces]
        cross = np.cross(corner[:, 2] - corner[:, 0], corner[:, 3] - corner[:, 1])
        flat = np.linalg.norm(cross, axis=1, keepdims=True)
        cross = np.where(flat > 1e-12, cross, np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]))
        return np.asarray(cross / np.maximum(np.linalg.norm(cross, axis=1, keepdims=True), 1e-12))

    @cached_property
    def middle(self) -> Floats:
        """The mean `(3,)` of the vertices."""
        return np.asarray(self.vertices.mean(axis=0))

    def moved(self, turn: Floats, shift: Floats) -> "Part":
        """The same solid after a rotation `(3, 3)` and a shift `(3,)`."""
        return Part(self.vertices @ turn.T + shift, self.faces, self.colours)


@dataclass(frozen=True)
class Decal:
    """A picture (uint8 HWC, BGR and opacity) on a plane: its first pixel at `origin`, columns run along, rows across.

    `along` and `across` are unit vectors; `width_m` and `height_m` are the extents of the whole picture.
    """

    picture: Picture
    origin: Floats
    along: Floats
    across: Floats
    width_m: float
    height_m: float

    @cached_property
    def outline(self) -> Floats:
        """Corners `(k, 3)` of the convex hull of what is more than a quarter opaque."""
        rows, columns = np.nonzero(self.picture[:, :, 3] > 64)
        corners = np.concatenate([np.stack([columns + dx, rows + dy], axis=1) for dx in (0, 1) for dy in (0, 1)])
        hull = cv2.convexHull(corners.astype(np.int32))[:, 0].astype(np.float64)
        size = np.array([self.width_m / self.picture.shape[1], self.height_m / self.picture.shape[0]])
        flat = hull * size
        return np.asarray(self.origin + flat[:, :1] * self.along + flat[:, 1:] * self.across)

    @cached_property
    def levels(self) -> tuple[Picture, ...]:
        """The picture and its halved copies, down to 8 px."""
        found = [self.picture]
        while min(found[-1].shape[:2]) >= 16:
            found.append(np.asarray(cv2.pyrDown(found[-1]), dtype=np.uint8))
        return tuple(found)

    def moved(self, turn: Floats, shift: Floats) -> "Decal":
        """The same picture after a rotation `(3, 3)` and a shift `(3,)`."""
        return Decal(
            self.picture, turn @ self.origin + shift, turn @ self.along, turn @ self.across, self.width_m, self.height_m
        )


@dataclass(frozen=True, kw_only=True)
class Mesh:
    """The solids of a thing in one set of arrays.

    `owner (m,)` is the solid of each face, `middles (k, 3)` the middle of each solid; the vertices of solid i are those
    from `starts[i]` to `starts[i + 1]`.
    """

    vertices: Floats
    faces: NDArray[np.int64]
    colours: Floats
    normals: Floats
    owner: NDArray[np.int64]
    middles: Floats
    starts: NDArray[np.int64]


@dataclass(frozen=True)
class Model:
    """A whole thing about its own zero: the footprint's centre for things on the ground, the foot of the middle of the
    picture for things on a wall. `shadow_m` is the half width of the soft dark spot under it (0 = none).
    """

    parts: tuple[Part, ...] = ()
    decals: tuple[Decal, ...] = ()
    shadow_m: tuple[float, float] = (0.0, 0.0)

    def placed(self, x_m: float, y_m: float, turn_deg: float) -> "Model":
        """The model turned counter-clockwise about the vertical and set on a point of the ground."""
        angle = np.radians(turn_deg)
        sine, cosine = float(np.sin(angle)), float(np.cos(angle))
        turn = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
        shift = np.array([x_m, y_m, 0.0])
        return Model(
            tuple(part.moved(turn, shift) for part in self.parts),
            tuple(decal.moved(turn, shift) for decal in self.decals),
            self.shadow_m,
        )

    @cached_property
    def points(self) -> Floats:
        """Every point `(n, 3)` whose projection can be on the outline."""
        groups = [part.vertices for part in self.parts] + [decal.outline for decal in self.decals]
        return np.concatenate(groups)

    @cached_property
    def middle(self) -> Floats:
        """The mean `(3,)` of the points."""
        return np.asarray(self.points.mean(axis=0))

    @cached_property
    def reach_m(self) -> float:
        """The largest horizontal distance of a point from the middle."""
        return float(np.linalg.norm(self.points[:, :2] - self.middle[:2], axis=1).max())

    @cached_property
    def mesh(self) -> "Mesh":
        """All faces of all solids in one piece."""
        starts = np.cumsum([0, *(len(part.vertices) for part in self.parts)])
        counts = [len(part.faces) for part in self.parts]
        return Mesh(
            vertices=np.concatenate([part.vertices for part in self.parts]),
            faces=np.concatenate([part.faces + start for part, start in zip(self.parts, starts[:-1], strict=True)]),
            colours=np.concatenate([part.colours for part in self.parts]),
            normals=np.concatenate([part.normals for part in self.parts]),
            owner=np.repeat(np.arange(len(self.parts)), counts),
            middles=np.stack([part.middle for part in self.parts]),
            starts=starts,
        )

    @cached_property
    def groups(self) -> tuple[Floats, ...]:
        """The points of each solid and picture by itself: the outline is the union of their hulls."""
        return tuple([part.vertices for part in self.parts] + [decal.outline for decal in self.decals])


def raised(corners: Floats, x_m: float, y_m: float, z_m: float) -> Floats:
    """Corners `(n, 3)` moved by three lengths."""
    return np.asarray(corners + np.array([x_m, y_m, z_m]))


def quads(vertices: Floats, faces: list[tuple[int, ...]], colours: Floats) -> Part:
    """A part from faces of 3 or 4 corners; `colours` is one row for all or one row for each face."""
    four = np.array([face if len(face) == 4 else (*face, face[-1]) for face in faces], dtype=np.int64)
    rows = np.broadcast_to(np.asarray(colours, dtype=np.float64), (len(faces), 3))
    return Part(np.asarray(vertices, dtype=np.float64), four, np.array(rows))


def prism(bottom: Floats, top: Floats, colours: Floats) -> Part:
    """A solid between two rings `(n, 3)` of corners, both counter-clockwise seen from above, with a fan as lid.

    `colours` is one row, or `n + 1` rows: the sides, then the lid.
    """
    count = len(bottom)
    vertices = np.concatenate([bottom, top, top.mean(axis=0, keepdims=True)])
    sides = [(i, (i + 1) % count, count + (i + 1) % count, count + i) for i in range(count)]
    lid = [(count + i, count + (i + 1) % count, 2 * count) for i in range(count)]
    rows = np.broadcast_to(np.asarray(colours, dtype=np.float64), (count + 1, 3))
    return quads(vertices, [*sides, *lid], np.concatenate([rows[:-1], np.repeat(rows[-1:], count, axis=0)]))


def ring(radius_m: tuple[float, float], z_m: float, count: int, phase: float = 0.0) -> Floats:
    """`count` corners `(count, 3)` of an ellipse at a height, counter-clockwise."""
    angle = np.arange(count) * 2 * np.pi / count + phase
    return np.stack([radius_m[0] * np.cos(angle), radius_m[1] * np.sin(angle), np.full(count, z_m)], axis=1)


def rectangle(width_m: float, depth_m: float, z_m: float) -> Floats:
    """The four corners `(4, 3)` of a rectangle at a height, counter-clockwise from the near left one."""
    x, y = width_m / 2, depth_m / 2
    return np.array([[-x, -y, z_m], [x, -y, z_m], [x, y, z_m], [-x, y, z_m]])
