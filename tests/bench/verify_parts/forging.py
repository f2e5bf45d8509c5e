"""Forged after-photos, made from the photograph before: what somebody would send who has not been there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from verify_parts.screen import photographed_from_screen

Pixels = NDArray[np.uint8]
Box = tuple[int, int, int, int]  # x1, y1, x2, y2
Rng = np.random.Generator
Maker = Callable[[Pixels, Box, Rng], Pixels]


@dataclass(frozen=True)
class Kind:
    """One way to forge. `removes`: the thing is taken out of the picture."""

    make: Maker
    removes: bool


def forge(kind: Kind, before: Pixels, box: Box, rng: Rng) -> bytes:
    """A JPEG as it might arrive, of a quality that phones and chat programs use."""
    made = kind.make(before, box, rng)
    return _jpeg(made, int(rng.integers(60, 96)))


def _jpeg(pixels: Pixels, quality: int) -> bytes:
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def _resaved(pixels: Pixels, quality: int) -> Pixels:
    return np.asarray(cv2.imdecode(np.frombuffer(_jpeg(pixels, quality), np.uint8), cv2.IMREAD_COLOR), np.uint8)


def _mask(pixels: Pixels, box: Box, margin: float = 0.08) -> Pixels:
    """`(H, W)` 255 where the thing is, with some margin."""
    mask = np.zeros(pixels.shape[:2], np.uint8)
    x1, y1, x2, y2 = box
    dx, dy = int(2 + margin * (x2 - x1)), int(2 + margin * (y2 - y1))
    mask[max(0, y1 - dy) : y2 + dy, max(0, x1 - dx) : x2 + dx] = 255
    return mask


def filled_smoothly(pixels: Pixels, box: Box, rng: Rng) -> Pixels:
    """The thing painted over by what lies at its border (Telea, or Navier-Stokes)."""
    method = cv2.INPAINT_TELEA if rng.random() < 0.5 else cv2.INPAINT_NS
    return np.asarray(cv2.inpaint(pixels, _mask(pixels, box), 5, method), np.uint8)


def filled_by_patches(pixels: Pixels, box: Box, rng: Rng) -> Pixels:
    """The thing replaced patch by patch by the neighbouring texture that fits best what is filled already."""
    side, mask = max(16, (box[2] - box[0]) // 10, (box[3] - box[1]) // 10), _mask(pixels, box) > 0
    ys, xs = np.nonzero(mask)
    top, bottom, left, right = (
        int(ys.min()) - side // 2,
        int(ys.max()) + 1,
        int(xs.min()) - side // 2,
        int(xs.max()) + 1,
    )
    top, left = max(0, top), max(0, left)
    made = pixels.copy()
    sources = _sources(mask, side, rng)
    if not sources:
        return filled_smoothly(pixels, box, rng)
    places = [(y, x) for y in range(top, bottom, side // 2) for x in range(left, right, side // 2)]
    while places:  # first where most is known: from the rim inwards
        y, x = min(places, key=lambda at: mask[at[0] : at[0] + side, at[1] : at[1] + side].mean())
        places.remove((y, x))
        _fill_patch(made, mask, (y, x, side), sources)
    return made


def _sources(mask: NDArray[np.bool_], side: int, rng: Rng) -> list[tuple[int, int]]:
    """Places of patches without the thing, most of them near it."""
    ys, xs = np.nonzero(mask)
    spread = 2 * max(np.ptp(ys), np.ptp(xs)) + side
    places = np.stack([rng.normal(ys.mean(), spread, 600), rng.normal(xs.mean(), spread, 600)], 1).astype(int)
    height, width = mask.shape
    inside = [(y, x) for y, x in places.tolist() if 0 <= y < height - side and 0 <= x < width - side]
    return [(y, x) for y, x in inside if not mask[y : y + side, x : x + side].any()][:200]


def _fill_patch(
    made: Pixels, mask: NDArray[np.bool_], at: tuple[int, int, int], sources: list[tuple[int, int]]
) -> None:
    y, x, side = at
    target = made[y : y + side, x : x + side]
    height, width = target.shape[:2]
    open_ = mask[y : y + side, x : x + side]
    known = ~open_
    patches = np.stack([made[sy : sy + height, sx : sx + width] for sy, sx in sources])
    off = (
        ((patches.astype(np.float32) - target) ** 2).sum(3)[:, known].sum(1) if known.any() else np.zeros(len(sources))
    )
    best = patches[int(np.argmin(off))]
    target[open_] = best[open_]
    mask[y : y + side, x : x + side] = False


def covered_by_neighbour(pixels: Pixels, box: Box, rng: Rng) -> Pixels:
    """The thing covered with a piece of the same picture: cut hard, feathered, or blended by Poisson's equation."""
    x1, y1, x2, y2 = box
    width, height = x2 - x1, y2 - y1
    places = _places_beside(pixels, box)
    sx, sy = places[int(rng.integers(len(places)))]
    piece = pixels[sy : sy + height, sx : sx + width]
    way = int(rng.integers(3))
    made = pixels.copy()
    if way == 0:
        made[y1:y2, x1:x2] = piece
    elif way == 1:
        soft = cv2.GaussianBlur(np.pad(np.ones((max(1, height - 8), max(1, width - 8))), 4)[:height, :width], (0, 0), 3)
        soft = cv2.resize(soft, (width, height))[:, :, None]
        made[y1:y2, x1:x2] = np.round(soft * piece + (1 - soft) * made[y1:y2, x1:x2])
    else:
        whole = np.full(piece.shape[:2], 255, np.uint8)
        made = cv2.seamlessClone(piece, made, whole, ((x1 + x2) // 2, (y1 + y2) // 2), cv2.NORMAL_CLONE)
    return np.asarray(made, np.uint8)


def _places_beside(pixels: Pixels, box: Box) -> list[tuple[int, int]]:
    """Where a piece of the box's size fits beside it; over it, in one corner, if nowhere else."""
    x1, y1, x2, y2 = box
    width, height = x2 - x1, y2 - y1
    tried = [(x1 - width, y1), (x2, y1), (x1, y1 - height), (x1, y2), (x1 - width, y2), (x2, y2)]
    fits = [(x, y) for x, y in tried if 0 <= x <= pixels.shape[1] - width and 0 <= y <= pixels.shape[0] - height]
    return fits or [(0 if x1 > pixels.shape[1] - x2 else pixels.shape[1] - width, 0)]


def _removed(pixels: Pixels, box: Box, rng: Rng) -> Pixels:
    """The thing taken out in one of the three ways."""
    ways = (filled_smoothly, filled_by_patches, covered_by_neighbour)
    return ways[int(rng.integers(3))](pixels, box, rng)


def warped(pixels: Pixels, rng: Rng, strength: float = 0.04) -> Pixels:
    """Seen a little from the side: corners moved inwards by up to `strength` of the sides, nothing black at the rim."""
    height, width = pixels.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]], np.float32)
    moved = corners + inwards * rng.uniform(0, strength, (4, 2)).astype(np.float32) * (width, height)
    matrix = cv2.getPerspectiveTransform(moved.astype(np.float32), corners)
    return np.asarray(cv2.warpPerspective(pixels, matrix, (width, height), flags=cv2.INTER_CUBIC), np.uint8)


def recoloured(pixels: Pixels, rng: Rng) -> Pixels:
    """Another brightness, contrast, gamma and white balance."""
    values = np.arange(256) / 255.0
    gamma, gain, lift = rng.uniform(0.7, 1.4), rng.uniform(0.85, 1.15, 3), rng.uniform(-0.06, 0.08)
    tables = np.stack([np.clip(values**gamma * channel * rng.uniform(0.95, 1.05) + lift, 0, 1) for channel in gain], 1)
    return np.asarray(cv2.LUT(pixels, np.round(tables * 255).astype(np.uint8)[None]), np.uint8)


def cropped(pixels: Pixels, rng: Rng) -> Pixels:
    """55 to 92 % of each side."""
    height, width = pixels.shape[:2]
    share = rng.uniform(0.55, 0.92)
    h, w = int(share * height), int(share * width)
    y, x = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
    return pixels[y : y + h, x : x + w].copy()


def roughened(pixels: Pixels, rng: Rng) -> Pixels:
    """Blurred a little and with new noise, to hide traces."""
    soft = cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.4, 1.0)).astype(np.float32)
    return np.clip(soft + rng.normal(0, rng.uniform(2, 6), soft.shape), 0, 255).astype(np.uint8)


def chatted(pixels: Pixels, rng: Rng) -> Pixels:
    """Through a chat program: smaller and rough."""
    factor = rng.uniform(0.45, 0.8)
    small = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return _resaved(np.asarray(small, np.uint8), int(rng.integers(40, 70)))


KINDS = {
    "filled smoothly": Kind(filled_smoothly, True),
    "filled by patches": Kind(filled_by_patches, True),
    "covered by a neighbouring piece": Kind(covered_by_neighbour, True),
    "removed, warped": Kind(lambda p, b, r: warped(_removed(p, b, r), r), True),
    "removed, recoloured": Kind(lambda p, b, r: recoloured(_removed(p, b, r), r), True),
    "removed, cropped": Kind(lambda p, b, r: cropped(_removed(p, b, r), r), True),
    "removed, mirrored": Kind(lambda p, b, r: _removed(p, b, r)[:, ::-1].copy(), True),
    "removed, roughened": Kind(lambda p, b, r: roughened(_removed(p, b, r), r), True),
    "removed, through a chat program": Kind(lambda p, b, r: chatted(_removed(p, b, r), r), True),
    "removed, from a screen": Kind(lambda p, b, r: photographed_from_screen(_removed(p, b, r), r), True),
    "saved again": Kind(lambda p, b, r: p, False),
    "cropped": Kind(lambda p, b, r: cropped(p, r), False),
    "mirrored": Kind(lambda p, b, r: p[:, ::-1].copy(), False),
    "recoloured": Kind(lambda p, b, r: recoloured(p, r), False),
    "warped": Kind(lambda p, b, r: warped(p, r), False),
    "from a screen": Kind(lambda p, b, r: photographed_from_screen(p, r), False),
}
