"""Label files: one line per box, `class centre_x centre_y width height`, normalised to 0..1."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from training.index import DataError

EDGE_TOLERANCE = 0.002  # boxes may leave the picture by rounding only


def read_labels(path: Path, class_count: int) -> np.ndarray:
    """Float array (n, 5): class id, then centre x, centre y, width, height in 0..1.

    Raises DataError naming file and line for a wrong count of numbers, an unknown class, or a box outside 0..1.
    """
    rows: list[list[float]] = []
    for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if text.strip():
            rows.append(_parse(path, line, text, class_count))
    return np.array(rows, dtype=np.float32).reshape(-1, 5)


def to_corners(labels: np.ndarray, width_px: int, height_px: int) -> np.ndarray:
    """Float array (n, 4) x1, y1, x2, y2 in pixels of a width x height picture, from labels (n, 5)."""
    centre, size = labels[:, 1:3], labels[:, 3:5]
    corners = np.concatenate([centre - size / 2, centre + size / 2], axis=1)
    scale = np.array([width_px, height_px, width_px, height_px], dtype=np.float32)
    return np.asarray(corners * scale, dtype=np.float32)


def _parse(path: Path, line: int, text: str, class_count: int) -> list[float]:
    fields = text.split()
    if len(fields) != 5:
        raise DataError(path, line, f"expected 5 numbers, found {len(fields)}")
    try:
        class_id, x, y, width, height = (float(field) for field in fields)
    except ValueError as error:
        raise DataError(path, line, f"not a number: {text!r}") from error
    if not all(math.isfinite(number) for number in (class_id, x, y, width, height)):
        raise DataError(path, line, f"not a number: {text!r}")
    if class_id != int(class_id) or not 0 <= class_id < class_count:
        raise DataError(path, line, f"unknown class id {fields[0]}")
    if width <= 0 or height <= 0:
        raise DataError(path, line, "a box without area")
    low, high = min(x - width / 2, y - height / 2), max(x + width / 2, y + height / 2)
    if low < -EDGE_TOLERANCE or high > 1 + EDGE_TOLERANCE:
        raise DataError(path, line, "the box leaves the picture")
    return [class_id, x, y, width, height]
