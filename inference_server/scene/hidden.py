"""What stands before the region in the photograph after: vehicles, people, and anything new of their size."""

from dataclasses import dataclass

import numpy as np

from detector.detections import Detections
from inference_server.domain.observation import Box
from inference_server.scene.region import Mask, Matrix

RASTER = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """share: how much of the region known coverers hide, 0..1. score: of the surest of them."""

    share: float
    score: float


def cover(found: Detections, to_photo: Matrix, box: Box, classes: frozenset[str], min_score: float) -> Cover:
    """How much of the region (`box` on the grid) lies behind detections of these classes (`to_photo`: their pixels)."""
    steps = (np.arange(RASTER) + 0.5) / RASTER
    x, y = np.meshgrid(box.x1 + steps * box.width_px, box.y1 + steps * box.height_px)
    points = np.column_stack([x.ravel(), y.ravel(), np.ones(x.size)]) @ to_photo.T
    spots = points[:, :2] / points[:, 2:]
    hidden, best = np.zeros(len(spots), bool), 0.0
    for name, score, (x1, y1, x2, y2) in zip(found.names(), found.scores, found.boxes, strict=True):
        if name not in classes or score < min_score:
            continue
        under = (spots[:, 0] >= x1) & (spots[:, 0] <= x2) & (spots[:, 1] >= y1) & (spots[:, 1] <= y2)
        if under.any():
            hidden |= under
            best = max(best, float(score))
    return Cover(share=float(hidden.mean()), score=best)


def without_movers(
    shape: tuple[int, ...], found: Detections, to_photo: Matrix, classes: frozenset[str], min_score: float
) -> Mask:
    """(h, w) bool on the grid: where no vehicle or person of the photograph stands."""
    rows, columns = shape[:2]
    x, y = np.meshgrid(np.arange(columns) + 0.5, np.arange(rows) + 0.5)
    free = np.ones((rows, columns), bool)
    lifted = np.stack([x, y, np.ones_like(x)], axis=-1) @ to_photo.T
    across, down = lifted[:, :, 0] / lifted[:, :, 2], lifted[:, :, 1] / lifted[:, :, 2]
    for name, score, (x1, y1, x2, y2) in zip(found.names(), found.scores, found.boxes, strict=True):
        if name in classes and score >= min_score:
            free &= ~((across >= x1) & (across <= x2) & (down >= y1) & (down <= y2))
    return free
