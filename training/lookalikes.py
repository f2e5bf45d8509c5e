"""Pictures that look alike belong into one group: neighbours of a drive, copies, re-encodings.

Alike are two pictures whose 64-bit difference hashes (each pixel of a 9x8 grey picture brighter than its right
neighbour or not) differ in at most 6 bits, directly or over others.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from detector.image import Limits, decode

MOST_BITS = 6
_HASH_PX = (9, 8)


def difference_hash(picture: Path) -> np.ndarray:
    """(64,) bool. Raises a detector PictureError for what cannot be decoded."""
    pixels = decode(picture.read_bytes(), Limits(), at_least_px=(64, 64)).pixels
    grey = cv2.resize(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), _HASH_PX, interpolation=cv2.INTER_AREA)
    return np.asarray(grey[:, :-1] > grey[:, 1:]).reshape(-1)


def join_alike(groups: Sequence[str], hashes: np.ndarray) -> list[str]:
    """A group for each picture: the given ones, joined where pictures look alike. `hashes` is (n, 64) bool.

    >>> join_alike(["a", "b", "c"], np.array([[0] * 64, [1] * 64, [0] * 63 + [1]], dtype=bool))
    ['a', 'b', 'a']
    """
    joined = {group: group for group in groups}

    def root(group: str) -> str:
        while joined[group] != group:
            group = joined[group]
        return group

    signs = hashes.astype(np.int16)
    for place, group in enumerate(groups):
        different = np.abs(signs[:place] - signs[place]).sum(axis=1)
        for other in np.flatnonzero(different <= MOST_BITS).tolist():
            first, second = sorted((root(groups[other]), root(group)))
            joined[second] = first
    return [root(group) for group in groups]
