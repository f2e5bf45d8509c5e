"""Pictures for people: the photograph before laid over the one after, and both in one with the region drawn in."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from detector.image import Pixels
from inference_server.domain.observation import Box
from inference_server.scene.alignment import Alignment
from inference_server.scene.photo import ScenePhoto

Corners = tuple[tuple[float, float], ...]

_QUALITY = 88
_REGION_BGR, _BOX_BGR = (0, 200, 255), (255, 120, 0)
_WIDTH_PX = 3


def carried(region: Box, homography: NDArray[np.float64]) -> Corners:
    """The corners of a region in pixels of the photograph after; empty where the geometry sends one to infinity."""
    corners = np.array(
        [[region.x1, region.y1], [region.x2, region.y1], [region.x2, region.y2], [region.x1, region.y2]], np.float64
    )
    moved = np.hstack([corners, np.ones((4, 1))]) @ homography.T
    if np.any(moved[:, 2] <= 1e-9):
        return ()
    return tuple((float(x), float(y)) for x, y in moved[:, :2] / moved[:, 2:])


def aligned(before: ScenePhoto, after: ScenePhoto, alignment: Alignment) -> bytes | None:
    """JPEG of the photograph before in the geometry of the one after; None where no geometry holds."""
    if alignment.homography is None:
        return None
    height_px, width_px = after.pixels.shape[:2]
    return _jpeg(np.asarray(cv2.warpPerspective(before.pixels, alignment.homography, (width_px, height_px)), np.uint8))


def overlay(
    before: ScenePhoto, after: ScenePhoto, alignment: Alignment, region: Box | None, seen: Sequence[Box]
) -> bytes | None:
    """JPEG of both photographs at half strength, the region and what was found after drawn in; None as `aligned`."""
    if alignment.homography is None:
        return None
    height_px, width_px = after.pixels.shape[:2]
    laid = cv2.warpPerspective(before.pixels, alignment.homography, (width_px, height_px))
    mixed = np.ascontiguousarray(cv2.addWeighted(laid, 0.5, after.pixels, 0.5, 0.0))
    corners = () if region is None else carried(region, alignment.homography)
    if corners and np.abs(corners).max() < 1e5:
        cv2.polylines(mixed, [np.round(corners).astype(np.int32)], True, _REGION_BGR, _WIDTH_PX)
    for box in seen:
        x1, y1, x2, y2 = (round(side) for side in (box.x1, box.y1, box.x2, box.y2))
        cv2.rectangle(mixed, (x1, y1), (x2, y2), _BOX_BGR, _WIDTH_PX - 1)
    return _jpeg(np.asarray(mixed, np.uint8))


def _jpeg(pixels: Pixels) -> bytes:
    _, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return encoded.tobytes()
