"""A labelled thing cut out of one picture and laid into another: what a place would look like with it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from verify_parts.things import Box, Thing

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
Rng = np.random.Generator

_STANDING = frozenset({"garbage", "overflowing_bin", "soil_heap", "car", "truck", "bus"})  # they have an outline
_MARGIN = 0.2  # of the box's sides, round it: what the outline is told from
_LONG_SIDE_PX = 160  # of what is cut; no cut-out is pasted much larger
_LEAST_FILLED, _MOST_FILLED = 0.25, 0.97  # of the box; an outline beyond that is a mistake
_LIGHT_TAKEN_OVER = 0.6  # of the difference between the ground here and there


@dataclass(frozen=True, slots=True, eq=False)
class CutOut:
    """pixels: (h, w, 3) uint8, the thing in its box. mask: (h, w) float32, 0..1. ground: (3,) the median colour beside
    it."""

    pixels: Pixels
    mask: Floats
    ground: Floats


def cut_out(thing: Thing) -> CutOut:
    """The thing by its outline (GrabCut; Rother et al. 2004) if it stands out of the ground, else its box with soft
    rims."""
    whole = np.asarray(cv2.imread(str(thing.picture)), np.uint8)
    x1, y1, x2, y2 = thing.box
    dx, dy = max(3, int(_MARGIN * (x2 - x1))), max(3, int(_MARGIN * (y2 - y1)))
    left, top = max(0, x1 - dx), max(0, y1 - dy)
    around = whole[top : y2 + dy, left : x2 + dx]
    factor = min(1.0, _LONG_SIDE_PX / max(around.shape[:2]))
    small = cv2.resize(around, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    inner = [round(value * factor) for value in (x1 - left, y1 - top, x2 - left, y2 - top)]
    inner[2], inner[3] = max(inner[2], inner[0] + 2), max(inner[3], inner[1] + 2)
    part = np.s_[inner[1] : inner[3], inner[0] : inner[2]]
    beside = np.ones(small.shape[:2], bool)
    beside[part] = False
    ground = np.median(small[beside], axis=0) if beside.any() else np.full(3, 128.0)
    mask = _outline(np.asarray(small, np.uint8), inner)[part] if thing.class_name in _STANDING else None
    filled = 0.0 if mask is None else float(mask.mean())
    if mask is None or not _LEAST_FILLED <= filled <= _MOST_FILLED:
        mask = _soft_box(small[part].shape[:2])
    return CutOut(np.asarray(small[part], np.uint8), mask, np.asarray(ground, np.float32))


def _outline(pixels: Pixels, inner: list[int]) -> Floats:
    """(h, w) 0..1 where GrabCut sees the thing that the box holds."""
    cv2.setRNGSeed(1)
    marks = np.full(pixels.shape[:2], cv2.GC_BGD, np.uint8)
    rect = (inner[0], inner[1], inner[2] - inner[0], inner[3] - inner[1])
    cv2.grabCut(pixels, marks, rect, np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_RECT)
    found = ((marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD)).astype(np.uint8)
    closed = cv2.morphologyEx(found, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    return np.asarray(cv2.GaussianBlur(closed.astype(np.float32), (0, 0), 0.8), np.float32)


def _soft_box(shape: tuple[int, int]) -> Floats:
    """1 inside, falling to 0 over a tenth of the sides at the rim."""
    sides = [np.minimum(np.arange(n) + 0.5, n - np.arange(n) - 0.5) / max(1.0, 0.1 * n) for n in shape]
    return np.asarray(np.clip(np.minimum.outer(sides[0], sides[1]), 0, 1), np.float32)


def paste(place: Pixels, piece: CutOut, box: Box, part: Floats | None = None) -> Pixels:
    """The picture with the cut-out in a box, in the light of its ground.

    part: (h, w) 0..1 of any size, how much of the thing is there; None for all of it.
    """
    x1, y1, x2, y2 = box
    size = (x2 - x1, y2 - y1)
    kind = cv2.INTER_AREA if size[0] < piece.pixels.shape[1] else cv2.INTER_CUBIC
    thing = cv2.resize(piece.pixels, size, interpolation=kind).astype(np.float32)
    mask = cv2.resize(piece.mask, size, interpolation=cv2.INTER_LINEAR)
    if part is not None:
        mask = mask * cv2.resize(part, size, interpolation=cv2.INTER_LINEAR)
    under = place[y1:y2, x1:x2].astype(np.float32)
    lit = thing + _LIGHT_TAKEN_OVER * (np.median(under.reshape(-1, 3), axis=0) - piece.ground)
    made = place.copy()
    made[y1:y2, x1:x2] = np.clip(mask[:, :, None] * lit + (1 - mask[:, :, None]) * under, 0, 255).round()
    return made


def visible_share(piece: CutOut) -> float:
    """How much of its box the thing fills, 0..1."""
    return float(piece.mask.mean())


def left_part(share: float, rng: Rng) -> Floats:
    """(64, 64) 1 on one side of a straight line, 0 on the other: `share` of a thing is left."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:64, 0:64] - 31.5
    along = np.cos(angle) * x + np.sin(angle) * y
    left = (along < np.quantile(along, share)).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(left, (0, 0), 1.5), np.float32)
