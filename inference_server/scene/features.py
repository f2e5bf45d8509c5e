"""Points of a photograph that can be found again in another one: RootSIFT, with a form that can be stored."""

import struct
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detector.image import Pixels

MOST_POINTS = 4000
_CONTRAST = 0.01  # a quarter of OpenCV's default: walls and asphalt have little contrast, and false points do no harm
_ROOT_SCALE = 512.0  # a RootSIFT value over 0.5 is rare; what is above is cut
_HEAD = struct.Struct("<4sHHI")
_MAGIC = b"XSF1"
_STEPS_PER_PX = 32.0
_STEPS_PER_OCTAVE = 24.0
_TURN_STEP_DEG = 360.0 / 256.0
_VALUES = 128
# The square root of the light: shadow and dark rooms then hold as many points as what lies in the sun.
_ROOT_OF_LIGHT = np.round(np.sqrt(np.arange(256) / 255.0) * 255.0).astype(np.uint8)


class FeaturesUnreadable(ValueError):
    """Stored features that are cut off, of another version, or none at all."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """The points of one photograph, strongest first.

    size_px: width and height of the picture. points_px: (n, 2) float32. scales_px: (n,) float32, diameter of the patch.
    turns_deg: (n,) float32, its main direction. descriptors: (n, 128) uint8, RootSIFT times 512 (Arandjelovic and
    Zisserman, "Three things everyone should know to improve object retrieval", CVPR 2012).
    """

    size_px: tuple[int, int]
    points_px: NDArray[np.float32]
    scales_px: NDArray[np.float32]
    turns_deg: NDArray[np.float32]
    descriptors: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.points_px)

    def where(self, kept: NDArray[np.bool_]) -> "Features":
        """The points for which `kept`, (n,) bool, is true."""
        return Features(
            self.size_px, self.points_px[kept], self.scales_px[kept], self.turns_deg[kept], self.descriptors[kept]
        )

    def on(self, usable: NDArray[np.bool_]) -> "Features":
        """The points that lie on true pixels of `usable`, (H, W) bool."""
        columns, rows = self.points_px.astype(np.int64).T
        return self.where(usable[np.clip(rows, 0, usable.shape[0] - 1), np.clip(columns, 0, usable.shape[1] - 1)])

    def to_bytes(self) -> bytes:
        """A compact form: 134 bytes a point, positions to 1/32 px, scales to 3 %, directions to 1.4 degrees."""
        octaves = np.log2(np.maximum(self.scales_px, 1.0))
        parts = (
            _HEAD.pack(_MAGIC, *self.size_px, len(self)),
            np.round(self.points_px * _STEPS_PER_PX).astype("<u2").tobytes(),
            np.clip(np.round(octaves * _STEPS_PER_OCTAVE), 0, 255).astype(np.uint8).tobytes(),
            (np.round(self.turns_deg / _TURN_STEP_DEG).astype(np.int64) % 256).astype(np.uint8).tobytes(),
            self.descriptors.tobytes(),
        )
        return b"".join(parts)

    @classmethod
    def from_bytes(cls, stored: bytes) -> "Features":
        """What `to_bytes` wrote; raises FeaturesUnreadable."""
        if len(stored) < _HEAD.size or not stored.startswith(_MAGIC):
            raise FeaturesUnreadable(f"{len(stored)} bytes do not start as stored features of this version")
        _, width_px, height_px, count = _HEAD.unpack_from(stored)
        if len(stored) != _HEAD.size + count * (4 + 1 + 1 + _VALUES):
            raise FeaturesUnreadable(f"{len(stored)} bytes do not hold {count} points")
        points, rest = np.frombuffer(stored, "<u2", 2 * count, _HEAD.size), _HEAD.size + 4 * count
        octaves = np.frombuffer(stored, np.uint8, count, rest)
        turns = np.frombuffer(stored, np.uint8, count, rest + count)
        return cls(
            (width_px, height_px),
            points.reshape(count, 2).astype(np.float32) / np.float32(_STEPS_PER_PX),
            np.exp2(octaves / _STEPS_PER_OCTAVE).astype(np.float32),
            turns.astype(np.float32) * np.float32(_TURN_STEP_DEG),
            np.frombuffer(stored, np.uint8, _VALUES * count, rest + 2 * count).reshape(count, _VALUES),
        )


def describe(pixels: Pixels, usable: NDArray[np.bool_] | None = None) -> Features:
    """The features of (H, W, 3) uint8 BGR pixels, about MOST_POINTS at most.

    usable: (H, W) bool; points elsewhere are left out, and not described: half of the time goes into that.
    """
    grey = _ROOT_OF_LIGHT[cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)]
    sift = cv2.SIFT_create(MOST_POINTS, contrastThreshold=_CONTRAST)  # type: ignore[attr-defined]
    keypoints, raw = sift.detectAndCompute(grey, None if usable is None else _and_next_to(usable))
    size_px = (pixels.shape[1], pixels.shape[0])
    if raw is None:
        return no_features(size_px)
    rows = np.array([(*point.pt, point.size, point.angle) for point in keypoints], np.float32).reshape(-1, 4)
    found = Features(size_px, rows[:, :2].copy(), rows[:, 2].copy(), rows[:, 3].copy(), _root(raw))
    return found if usable is None else found.on(usable)


def _and_next_to(usable: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """True pixels and their neighbours: OpenCV rounds a point's place where `on` cuts it."""
    return np.asarray(cv2.dilate(usable.astype(np.uint8), np.ones((3, 3), np.uint8)), np.uint8)


def no_features(size_px: tuple[int, int]) -> Features:
    """Features of a picture without any."""
    none = np.zeros(0, np.float32)
    return Features(size_px, np.zeros((0, 2), np.float32), none, none, np.zeros((0, _VALUES), np.uint8))


def _root(raw: NDArray[np.float32]) -> NDArray[np.uint8]:
    sums = np.maximum(raw.sum(axis=1, keepdims=True), 1.0)
    return np.asarray(np.minimum(np.round(np.sqrt(raw / sums) * _ROOT_SCALE), 255), np.uint8)
