"""Geometry of boxes: `(N, 4)` float32 arrays of x1 y1 x2 y2, in any one unit of length."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from detector.detections import Boxes, ClassIds, Scores


def from_centres(centres: Boxes) -> Boxes:
    """Corner boxes of `(N, 4)` rows of centre x, centre y, width, height.

    >>> from_centres(np.array([[5, 5, 4, 2]], np.float32)).tolist()
    [[3.0, 4.0, 7.0, 6.0]]
    """
    half = centres[:, 2:] / 2
    return np.concatenate([centres[:, :2] - half, centres[:, :2] + half], axis=1)


def clip(boxes: Boxes, width_px: int, height_px: int) -> Boxes:
    """The boxes cut at the edges of a picture of the given size.

    >>> clip(np.array([[-3, 2, 12, 30]], np.float32), 10, 20).tolist()
    [[0.0, 2.0, 10.0, 20.0]]
    """
    ends = np.array([width_px, height_px, width_px, height_px], np.float32)
    return np.clip(boxes, np.float32(0), ends)


def areas(boxes: Boxes) -> NDArray[np.float32]:
    """The area of each box, `(N,)`; a box turned inside out has none.

    >>> areas(np.array([[0, 0, 2, 3], [5, 5, 4, 9]], np.float32)).tolist()
    [6.0, 0.0]
    """
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], np.float32(0))
    product: NDArray[np.float32] = sides[:, 0] * sides[:, 1]
    return product


def iou(first: Boxes, second: Boxes) -> NDArray[np.float32]:
    """Intersection over union of every pair, `(N, M)` in 0..1; 0 where both boxes are without area.

    >>> iou(np.array([[0, 0, 2, 2]], np.float32), np.array([[1, 0, 3, 2], [2, 2, 3, 3]], np.float32)).round(3).tolist()
    [[0.3330000042915344, 0.0]]
    """
    top_left = np.maximum(first[:, None, :2], second[None, :, :2])
    bottom_right = np.minimum(first[:, None, 2:], second[None, :, 2:])
    sides = np.maximum(bottom_right - top_left, np.float32(0))
    shared = sides[..., 0] * sides[..., 1]
    union = areas(first)[:, None] + areas(second)[None, :] - shared
    ratios: NDArray[np.float32] = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return ratios


def nms(boxes: Boxes, scores: Scores, class_ids: ClassIds, max_iou: float) -> NDArray[np.int64]:
    """Indices, best score first, of the boxes kept when a box that overlaps a better one of its class is removed.

    Two boxes overlap when their intersection over union is more than `max_iou`.
    """
    if not len(boxes):
        return np.zeros(0, np.int64)
    corner_and_size = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    kept = cv2.dnn.NMSBoxesBatched(corner_and_size.tolist(), scores.tolist(), class_ids.tolist(), 0.0, max_iou)
    order = np.asarray(kept, np.int64)
    return order[np.argsort(-scores[order], kind="stable")]
