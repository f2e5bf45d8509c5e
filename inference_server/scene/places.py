"""Which earlier frames show the place of a photograph? A short description of a picture, and the nearest ones.

A photograph after that does not match the one before may match another frame of the same place, taken on another patrol
from another spot, in another light; the description says which frames are worth a closer look.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from inference_server.scene.features import Features

_WORDS_FILE = Path(__file__).with_name("place_words.npy")
_UNIT = 1000.0  # of the length of a description: its values then fill a byte
_LEAST_POINTS = 30

Key = TypeVar("Key")
Description = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Nearby(Generic[Key]):
    """A frame, and how alike its place looks: the cosine of the two descriptions, 1 for the same picture."""

    key: Key
    likeness: float


@cache
def words() -> NDArray[np.float32]:
    """(k, 128) float32 unit vectors: the shipped vocabulary of RootSIFT (`tests/bench/place_words.py` learns it)."""
    values = np.load(_WORDS_FILE).astype(np.float32)
    return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True), np.float32)


def place_of(features: Features) -> Description | None:
    """(128 k,) int8: what a place looks like as a whole; None where there are too few points to say.

    VLAD with normalised residuals: for each word the sum of how its points differ from it, each word scaled to one
    length, the square root of each value, the whole to one length (Jegou et al., "Aggregating local
    descriptors into a compact image representation", CVPR 2010; Arandjelovic and Zisserman, "All about VLAD", 2013).
    """
    if len(features) < _LEAST_POINTS:
        return None
    values = features.descriptors.astype(np.float32)
    values /= np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1.0)
    nearest = (values @ words().T).argmax(axis=1)
    sums = np.zeros_like(words())
    np.add.at(sums, nearest, values - words()[nearest])
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    rooted = np.sign(sums) * np.sqrt(np.abs(sums) / np.maximum(lengths, 1e-9))
    scaled = rooted.ravel() / max(float(np.linalg.norm(rooted)), 1e-9) * _UNIT
    return np.asarray(np.round(np.clip(scaled, -127, 127)), np.int8)


def nearest(wanted: Description, known: Mapping[Key, Description], most: int) -> Sequence[Nearby[Key]]:
    """The most alike of the known places, the best first; `known` holds the frames near the position."""
    if not known:
        return []
    rows = np.stack(list(known.values())).astype(np.float32)
    own = wanted.astype(np.float32)
    alike = rows @ own / np.maximum(np.linalg.norm(rows, axis=1) * np.linalg.norm(own), 1e-9)
    best = np.argsort(-alike, kind="stable")[:most]
    keys = list(known)
    return [Nearby(keys[index], float(alike[index])) for index in best]
