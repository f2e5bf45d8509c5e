"""Draws planes and solids on a picture as an ideal pinhole sees them."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from patrol.simulate.camera import NEAR_M, View
from patrol.simulate.solids import Decal, Mesh, Model, Picture
from patrol.simulate.textures import Surface
from patrol.simulate.weather import Light

Floats = NDArray[np.float64]

SUBPIXEL = 16
SHIFT = 4


def cut_near(polygon: Floats, near_m: float = NEAR_M) -> Floats:
    """The part `(k, 3)` of a polygon in camera axes that lies beyond near_m, maybe empty (Sutherland and Hodgman)."""
    inside = polygon[:, 2] >= near_m
    if inside.all():
        return polygon
    kept = []
    for i in range(len(polygon)):
        here, ahead = polygon[i - 1], polygon[i]
        if inside[i] != inside[i - 1]:
            share = (near_m - here[2]) / (ahead[2] - here[2])
            kept.append(here + share * (ahead - here))
        if inside[i]:
            kept.append(ahead)
    return np.array(kept).reshape(-1, 3)


def fixed_point(pixels: Floats) -> NDArray[np.int32]:
    """Continuous pixels `(n, 2)` as OpenCV's drawing wants them: 1/16 px, zero at the middle of the first pixel."""
    return np.asarray(np.round(np.clip(pixels - 0.5, -30000, 30000) * SUBPIXEL), dtype=np.int32)


@dataclass
class Canvas:
    """A picture (uint8 HWC BGR) being drawn from one view in one light."""

    picture: Picture
    view: View
    light: Light

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.picture.shape[1], self.picture.shape[0]

    def outline(self, world: Floats) -> Floats:
        """Ideal pixels `(k, 2)` of a polygon of the world `(n, 3)`, cut off before the camera; maybe empty."""
        local = cut_near(self.view.in_camera(world))
        return self.view.ideal_pixels(local) if len(local) >= 3 else np.empty((0, 2))

    def window(self, pixels: Floats) -> tuple[int, int, int, int] | None:
        """The whole-pixel rectangle round pixels, inside the picture: left, top, right, bottom; None if empty."""
        if not len(pixels):
            return None
        low = np.floor(np.clip(pixels.min(axis=0), 0, self.size)).astype(int)
        high = np.ceil(np.clip(pixels.max(axis=0), 0, self.size)).astype(int)
        if high[0] - low[0] < 1 or high[1] - low[1] < 1:
            return None
        return int(low[0]), int(low[1]), int(high[0]), int(high[1])

    def mask(self, pixels: Floats, window: tuple[int, int, int, int]) -> NDArray[np.uint8]:
        """A mask (0 or 255) of a convex polygon within a window."""
        left, top, right, bottom = window
        plane = np.zeros((bottom - top, right - left), dtype=np.uint8)
        cv2.fillConvexPoly(plane, fixed_point(pixels - (left, top)), 255, cv2.LINE_8, SHIFT)
        return plane

    def fill(self, world: Floats, colour: Floats) -> None:
        """Fills a convex polygon of the world with a colour."""
        pixels = self.outline(world)
        if self.window(pixels) is not None:
            cv2.fillConvexPoly(self.picture, fixed_point(pixels), colour.tolist(), cv2.LINE_AA, SHIFT)

    def darken(self, polygons: list[Floats], share: float) -> None:
        """Multiplies the picture inside convex polygons of the world by a share, once wherever they overlap."""
        outlines = [pixels for pixels in map(self.outline, polygons) if self.window(pixels) is not None]
        if not outlines:
            return
        window = self.window(np.concatenate(outlines))
        assert window is not None
        left, top, right, bottom = window
        plane = np.zeros((bottom - top, right - left), dtype=np.uint8)
        for pixels in outlines:
            cv2.fillConvexPoly(plane, fixed_point(pixels - (left, top)), 255, cv2.LINE_8, SHIFT)
        plane = np.asarray(cv2.blur(plane, (5, 3)), dtype=np.uint8)
        region = self.picture[top:bottom, left:right]
        weight = cv2.LUT(plane, np.linspace(255, 255 * share, 256).astype(np.uint8))
        cv2.multiply(region, cv2.merge([weight] * 3), region, 1 / 255)

    def plane_to_window(
        self, matrix: Floats, px_per_m: tuple[float, float], window: tuple[int, int, int, int]
    ) -> Floats:
        """The 3x3 matrix from a texture's pixel indices to a window's pixel indices (both zero at pixel middles)."""
        into = np.array([[1 / px_per_m[0], 0, 0.5 / px_per_m[0]], [0, 1 / px_per_m[1], 0.5 / px_per_m[1]], [0, 0, 1]])
        out = np.array([[1, 0, -0.5 - window[0]], [0, 1, -0.5 - window[1]], [0, 0, 1.0]])
        return np.asarray(out @ matrix @ into)

    def tone(self, region: Picture, brightness: float, depth_m: float) -> Picture:
        """A piece of picture under the light's shade and the haze of a distance."""
        own = self.light.clear_share(depth_m)
        scale = np.diag(np.full(3, brightness * own))
        offset = (self.light.haze * (1 - own)).reshape(3, 1)
        return np.asarray(cv2.transform(region, np.hstack([scale, offset])), dtype=np.uint8)

    def wall(
        self,
        texture: Surface,
        corners: Floats,
        size_m: tuple[float, float],
        brightness: float,
        covered: NDArray[np.uint8],
    ) -> None:
        """Draws a texture on an upright rectangle where nothing nearer was drawn, and marks that place as covered.

        Corners `(4, 3)` run from top left clockwise, seen from its front; `covered` is 255 where something is drawn.
        """
        pixels = self.outline(corners)
        window = self.window(pixels)
        if window is None:
            return
        place = covered[window[1] : window[3], window[0] : window[2]]
        mask = cv2.subtract(self.mask(pixels, window), place)
        left, top, wide, tall = cv2.boundingRect(mask)
        if not wide:
            return
        cv2.bitwise_or(place, mask, place)
        mask = mask[top : top + tall, left : left + wide]
        window = (window[0] + left, window[1] + top, window[0] + left + wide, window[1] + top + tall)
        along, down = (corners[1] - corners[0]) / size_m[0], (corners[3] - corners[0]) / size_m[1]
        local = cut_near(self.view.in_camera(corners), 1.0)
        depth = float(np.exp(np.log(local[:, 2]).mean())) if len(local) else 1.0
        picture, _ = texture.level_for(self.view.lens.focal_px / depth)
        px_per_m = picture.shape[1] / size_m[0], picture.shape[0] / size_m[1]
        matrix = self.plane_to_window(self.view.plane_matrix(corners[0], along, down), px_per_m, window)
        drawn = cv2.warpPerspective(
            picture, matrix, (wide, tall), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        drawn = self.tone(np.asarray(drawn, dtype=np.uint8), brightness, depth)
        cv2.copyTo(drawn, mask, self.picture[window[1] : window[3], window[0] : window[2]])

    def decal(self, decal: Decal, brightness: float) -> None:
        """Draws a picture with opacity on its plane."""
        edge = np.array([[0, 0], [decal.width_m, 0], [decal.width_m, decal.height_m], [0, decal.height_m]])
        corners = decal.origin + edge[:, :1] * decal.along + edge[:, 1:] * decal.across
        pixels = self.outline(corners)
        window = self.window(pixels)
        if window is None:
            return
        depth = max(float(self.view.in_camera(corners)[:, 2].mean()), 0.5)
        wanted = self.view.lens.focal_px / depth
        own = decal.picture.shape[1] / decal.width_m
        step = int(np.clip(np.round(np.log2(own / wanted)), 0, len(decal.levels) - 1))
        picture = decal.levels[step]
        px_per_m = picture.shape[1] / decal.width_m, picture.shape[0] / decal.height_m
        matrix = self.plane_to_window(self.view.plane_matrix(decal.origin, decal.along, decal.across), px_per_m, window)
        size = window[2] - window[0], window[3] - window[1]
        drawn = cv2.warpPerspective(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        opacity = np.asarray(cv2.bitwise_and(np.ascontiguousarray(drawn[:, :, 3]), self.mask(pixels, window)), np.uint8)
        colour = self.tone(np.ascontiguousarray(drawn[:, :, :3]), brightness, depth)
        self.blend(colour, opacity, window)

    def blend(self, colour: Picture, opacity: NDArray[np.uint8], window: tuple[int, int, int, int]) -> None:
        """Lays a colour over a window of the picture with an opacity of 0 to 255."""
        region = self.picture[window[1] : window[3], window[0] : window[2]]
        share = opacity.astype(np.float32) * np.float32(1 / 255)
        region[:] = cv2.blendLinear(colour, region, share, np.float32(1) - share)

    def solids(self, mesh: Mesh) -> None:
        """Draws the faces of a thing that look at the camera: far solids first, far faces of a solid first."""
        towards = self.view.centre - mesh.vertices[mesh.faces[:, 0]]
        seen = np.flatnonzero(np.einsum("ij,ij->i", mesh.normals, towards) > 0)
        if not len(seen):
            return
        local = self.view.in_camera(mesh.vertices)
        corners = local[mesh.faces[seen]]
        depth = corners[:, :, 2].mean(axis=1)
        own = self.light.clear_share(float(depth.mean()))
        colours = mesh.colours[seen] * (self.light.shade(mesh.normals[seen]) * own)[:, None] + self.light.haze * (
            1 - own
        )
        away = np.linalg.norm(mesh.middles - self.view.centre, axis=1)
        self.faces(corners, np.minimum(colours, 255), np.lexsort((-depth, -away[mesh.owner[seen]])))

    def faces(self, corners: Floats, colours: Floats, order: NDArray[np.int64], line: int = cv2.LINE_8) -> None:
        """Fills flat faces: corners `(m, 4, 3)` in camera axes, colours `(m, 3)`, in an order of their indices."""
        whole = corners[:, :, 2].min(axis=1) >= NEAR_M
        flat = np.where(whole[:, None, None], corners, 1.0).reshape(-1, 3)
        pixels = fixed_point(self.view.ideal_pixels(flat)).reshape(-1, 4, 2)
        rows = colours.tolist()
        for i in order:
            if whole[i]:
                cv2.fillConvexPoly(self.picture, pixels[i], rows[i], line, SHIFT)
            elif len(kept := cut_near(corners[i])) >= 3:
                cv2.fillConvexPoly(self.picture, fixed_point(self.view.ideal_pixels(kept)), rows[i], line, SHIFT)

    def model(self, model: Model) -> None:
        """Draws a whole thing: its pictures, then its solids."""
        for decal in model.decals:
            outward = np.cross(decal.across, decal.along)
            if float(outward @ (self.view.centre - decal.origin)) > 0:
                self.decal(decal, float(self.light.shade(outward[None])[0]))
        if model.parts:
            self.solids(model.mesh)
