"""The reported region and what lies round it, from both photographs, on one grid of pixels."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detector.image import Pixels
from inference_server.domain.observation import Box
from inference_server.scene.alignment import Alignment

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Matrix = NDArray[np.float64]

REGION_PX = 48.0  # the longer side of the region on the grid: finer detail does not survive a change of viewpoint
REACH_ACROSS = 3.2  # how far the grid goes to the left and right, in widths of the region
REACH_UP = 1.6  # up and down, in the larger of height and half the width
BELT = 0.7  # width of the belt round the region, in sides of the region
GAP = 0.08  # between region and belt: nobody draws boxes more exactly


@dataclass(frozen=True, slots=True, eq=False)
class Neighbourhood:
    """Region and surroundings in both photographs.

    before, after: (h, w, 3) uint8 BGR, pixel on pixel the same place as far as the geometry holds. seen: (h, w) bool,
    where both photographs show something. inside: (h, w) bool, the region. belt: (h, w) bool, what lies next to it.
    box: the region in pixels of the grid. to_before, to_after: (3, 3), pixels of the grid to pixels of the photographs.
    """

    before: Pixels
    after: Pixels
    seen: Mask
    inside: Mask
    belt: Mask
    box: Box
    to_before: Matrix
    to_after: Matrix

    @property
    def side_px(self) -> float:
        """The geometric mean of the region's sides on the grid."""
        return float(np.sqrt(self.box.width_px * self.box.height_px))


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """The region as the photograph after should show it.

    shown: share of it that lies inside the photograph. zoom: pixels after for one pixel before. is_sane: whether the
    geometry neither mirrors nor tears it.
    """

    shown: float
    zoom: float
    is_sane: bool


def carry(region: Box, homography: Matrix, after: Pixels) -> Carried:
    """Where the region comes to lie in the photograph after."""
    grid = np.stack(np.meshgrid(np.linspace(0, 1, 9), np.linspace(0, 1, 9)), axis=-1).reshape(-1, 2)
    points = grid * (region.width_px, region.height_px) + (region.x1, region.y1)
    lifted = np.column_stack([points, np.ones(len(points))]) @ homography.T
    depth = lifted[:, 2] * np.sign(lifted[len(lifted) // 2, 2] or 1.0)
    if depth.min() <= 1e-9:
        return Carried(shown=0.0, zoom=0.0, is_sane=False)
    there = lifted[:, :2] / lifted[:, 2:]
    height, width = after.shape[:2]
    shown = ((there >= 0) & (there < (width, height))).all(axis=1).mean()
    corners = there[[0, 8, 80, 72]]
    area = _signed_area(corners)
    zoom = float(np.sqrt(max(area, 0.0) / max(region.width_px * region.height_px, 1e-9)))
    sane = area > 0 and cv2.isContourConvex(corners.astype(np.float32)) and 0.1 < zoom < 10.0
    return Carried(shown=float(shown), zoom=zoom, is_sane=bool(sane))


def _signed_area(corners: Matrix) -> float:
    x, y = corners[:, 0], corners[:, 1]
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) / 2)


def neighbourhood(before: Pixels, after: Pixels, homography: Matrix, region: Box, zoom: float) -> Neighbourhood:
    """Both photographs round the region; no finer than the coarser of the two shows it."""
    scale = min(1.0, zoom, REGION_PX / max(region.width_px, region.height_px))
    across, up = REACH_ACROSS * region.width_px, REACH_UP * max(region.height_px, region.width_px / 2)
    left, top = region.x1 - across, region.y1 - up
    size = (
        int(np.ceil((region.width_px + 2 * across) * scale)),
        int(np.ceil((region.height_px + 2 * up) * scale)),
    )
    to_before = np.array([[1 / scale, 0, left], [0, 1 / scale, top], [0, 0, 1.0]])
    to_after = homography @ to_before
    first, first_seen = taken(before, to_before, size, scale)
    second, second_seen = taken(after, to_after, size, scale / zoom)
    x, y = (region.x1 - left) * scale, (region.y1 - top) * scale
    box = Box(x1=x, y1=y, x2=x + region.width_px * scale, y2=y + region.height_px * scale)
    seen = first_seen & second_seen
    inside = _filled(box, seen.shape, 0.0)
    side = float(np.sqrt(box.width_px * box.height_px))
    belt = _filled(box, seen.shape, BELT * side) & ~_filled(box, seen.shape, GAP * side) & seen
    return Neighbourhood(first, second, seen, inside & seen, belt, box, to_before, to_after)


def _filled(box: Box, shape: tuple[int, ...], margin: float) -> Mask:
    x = np.arange(shape[1]) + 0.5
    y = np.arange(shape[0]) + 0.5
    across = (x >= box.x1 - margin) & (x <= box.x2 + margin)
    return np.asarray(((y >= box.y1 - margin) & (y <= box.y2 + margin))[:, None] & across[None, :])


def taken(pixels: Pixels, to_pixels: Matrix, size: tuple[int, int], scale: float) -> tuple[Pixels, Mask]:
    """The piece of a photograph under a grid of `size` (columns, rows), smoothed before it is made smaller, and where
    the photograph reaches. to_pixels: (3, 3), pixels of the grid to its pixels. scale: pixels of the grid for one."""
    shrink = min(1.0, scale)
    if shrink < 0.9:
        wanted = (max(1, round(pixels.shape[1] * shrink)), max(1, round(pixels.shape[0] * shrink)))
        factors = np.diag([wanted[0] / pixels.shape[1], wanted[1] / pixels.shape[0], 1.0])
        pixels = np.asarray(cv2.resize(pixels, wanted, interpolation=cv2.INTER_AREA), np.uint8)
        to_pixels = factors @ to_pixels
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    taken = cv2.warpPerspective(pixels, to_pixels, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    whole = np.full(pixels.shape[:2], 255, np.uint8)
    seen = cv2.warpPerspective(whole, to_pixels, size, flags=flags, borderValue=0) > 127
    return np.asarray(taken, np.uint8), np.asarray(seen)


def alignment_homography(alignment: Alignment) -> Matrix | None:
    """The geometry near the region, scaled to a last element of 1 where it can be; None where none holds."""
    found = alignment.homography
    if found is None or not np.isfinite(found).all() or abs(np.linalg.det(found)) < 1e-12:
        return None
    return np.asarray(found / found[2, 2] if abs(found[2, 2]) > 1e-9 else found, np.float64)
