"""What a network puts out, as boxes of its frame.

Two heads are known. NMS-free: `(1, N, 6)` rows of x1 y1 x2 y2 score class. Raw: `(1, 4 + C, A)` columns of centre x,
centre y, width, height and one score a class, of which overlapping ones are still to be removed.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detector.boxes import from_centres, nms
from detector.detections import Boxes, ClassIds, Scores

Head = Literal["nms_free", "raw"]
RAW_MAX_IOU = 0.7
RAW_MAX_ROWS = 300
_NMS_FREE_COLUMNS = 6


class FrameBoxes(NamedTuple):
    """Columns of equal length, best score first: boxes `(N, 4)` x1 y1 x2 y2 in pixels of the network's frame."""

    boxes: Boxes
    scores: Scores
    class_ids: ClassIds


def read_head(head: Head, output: NDArray[np.float32], min_score: float, class_count: int) -> FrameBoxes:
    """The boxes of one picture whose score is `min_score` or more; raises ValueError for an output of another shape.

    Rows that are not finite or of a class that does not exist are left out: a network can put them out, a user of
    boxes cannot use them.
    """
    demand_head_shape(head, output.shape, class_count)
    found = (_read_nms_free if head == "nms_free" else _read_raw)(output[0], min_score)
    usable = np.isfinite(found.boxes).all(axis=1) & np.isfinite(found.scores)
    usable &= (found.class_ids >= 0) & (found.class_ids < class_count)
    if usable.all():
        return found
    return FrameBoxes(found.boxes[usable], found.scores[usable], found.class_ids[usable])


def demand_head_shape(head: Head, shape: tuple[int, ...], class_count: int) -> None:
    """Nothing; raises ValueError when an output of this shape cannot come from the head.

    >>> demand_head_shape("raw", (1, 21, 5040), 17)
    >>> demand_head_shape("nms_free", (1, 21, 5040), 17)
    Traceback (most recent call last):
    ValueError: the nms_free head puts out (1, N, 6), not (1, 21, 5040)
    """
    is_fitting = len(shape) == 3 and shape[0] == 1
    if head == "nms_free" and not (is_fitting and shape[2] == _NMS_FREE_COLUMNS):
        raise ValueError(f"the nms_free head puts out (1, N, 6), not {shape}")
    if head == "raw" and not (is_fitting and shape[1] == 4 + class_count):
        raise ValueError(f"the raw head of {class_count} classes puts out (1, {4 + class_count}, A), not {shape}")


def _read_nms_free(rows: NDArray[np.float32], min_score: float) -> FrameBoxes:
    """Of `(N, 6)` rows."""
    rows = rows[rows[:, 4] >= np.float32(min_score)]
    rows = rows[np.argsort(-rows[:, 4], kind="stable")]
    class_ids = np.where(np.isfinite(rows[:, 5]), rows[:, 5], -1).round().astype(np.int64)
    return FrameBoxes(rows[:, :4], rows[:, 4], class_ids)


def _read_raw(columns: NDArray[np.float32], min_score: float) -> FrameBoxes:
    """Of `(4 + C, A)` columns: the best class of each anchor, then the best of overlapping boxes of a class."""
    best = columns[4:].max(axis=0)
    chosen = np.flatnonzero((best >= np.float32(min_score)) & np.isfinite(columns[:4]).all(axis=0))
    rows = np.ascontiguousarray(columns[:, chosen].T)
    boxes, scores = from_centres(rows[:, :4]), best[chosen]
    class_ids = rows[:, 4:].argmax(axis=1)
    kept = nms(boxes, scores, class_ids, RAW_MAX_IOU)[:RAW_MAX_ROWS]
    return FrameBoxes(boxes[kept], scores[kept], class_ids[kept])
