"""One exposure as if it were taken again: from a step aside, in another light, in other weather, by another camera."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from verify_parts.forging import roughened
from verify_parts.things import Box

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
Matrix = NDArray[np.float64]
Rng = np.random.Generator

_ASIDE = 0.035  # of the sides, that each corner may wander
_TURN_DEG, _NEARER, _FARTHER = 3.0, 1.15, 0.9
_PARALLAX = 0.012  # of the width, by which the nearest moves against the farthest
_RELIEF_PX = 0.12  # of the width: how wide hills and hollows of the relief are
_TRIES = 12


def photographed_again(pixels: Pixels, box: Box, rng: Rng) -> Pixels:
    """The place of a photograph taken again with the box in the frame; box: in its pixels."""
    moved = _elsewhere(pixels, box, rng)
    lit = _developed(_shaded(moved, rng), rng)
    return roughened(_weathered(lit, rng), rng)


def _elsewhere(pixels: Pixels, box: Box, rng: Rng) -> Pixels:
    """From another standpoint: a homography, and a relief of which near parts move more."""
    height, width = pixels.shape[:2]
    matrix = _standpoint(width, height, box, rng)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    back = np.linalg.inv(matrix)
    depth = back[2, 0] * x + back[2, 1] * y + back[2, 2]
    from_x, from_y = (back[0, 0] * x + back[0, 1] * y + back[0, 2]), (back[1, 0] * x + back[1, 1] * y + back[1, 2])
    relief, angle = _relief((height, width), rng), rng.uniform(0, 2 * np.pi)
    aside = relief * np.float32(_PARALLAX * width * rng.uniform(0.3, 1.0))
    at_x, at_y = from_x / depth + aside * np.cos(angle), from_y / depth + aside * np.sin(angle)
    taken = cv2.remap(
        pixels, at_x.astype(np.float32), at_y.astype(np.float32), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(taken, np.uint8)


def _standpoint(width: int, height: int, box: Box, rng: Rng) -> Matrix:
    """Pixels before to pixels after; the box stays inside. The identity where no try keeps it there."""
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    of_box = np.array([[[x, y] for x in (box[0], box[2]) for y in (box[1], box[3])]], np.float32)
    for _ in range(_TRIES):
        aslant = corners + rng.uniform(-_ASIDE, _ASIDE, (4, 2)).astype(np.float32) * (width, height)
        turn = cv2.getRotationMatrix2D(
            (width / 2, height / 2), rng.uniform(-_TURN_DEG, _TURN_DEG), rng.uniform(_FARTHER, _NEARER)
        )
        matrix = np.vstack([turn, [0, 0, 1]]) @ cv2.getPerspectiveTransform(corners, aslant.astype(np.float32))
        there = cv2.perspectiveTransform(of_box, matrix)[0]
        if (there >= 2).all() and (there <= (width - 3, height - 3)).all():
            return np.asarray(matrix, np.float64)
    return np.eye(3)


def _relief(shape: tuple[int, int], rng: Rng) -> Floats:
    """(H, W) -1..1, smooth, and nearer at the bottom as the ground is."""
    rough = rng.normal(0, 1, shape).astype(np.float32)
    hills = cv2.GaussianBlur(rough, (0, 0), _RELIEF_PX * shape[1])
    hills /= max(float(np.abs(hills).max()), 1e-6)
    ground = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    return np.asarray(np.clip(0.5 * hills + 0.5 * ground, -1, 1), np.float32)


def _shaded(pixels: Pixels, rng: Rng) -> Pixels:
    """Light that comes from another side, and a cast shadow now and then."""
    height, width = pixels.shape[:2]
    across, down = np.linspace(-1, 1, width)[None, :], np.linspace(-1, 1, height)[:, None]
    light = 1 + 0.15 * (rng.uniform(-1, 1) * across + rng.uniform(-1, 1) * down)
    if rng.random() < 0.4:
        outline = rng.uniform((0, 0), (width, height), (4, 2)).astype(np.int32)
        cast = cv2.fillConvexPoly(np.zeros((height, width), np.float32), cv2.convexHull(outline), 1.0)
        light = light * (1 - rng.uniform(0.15, 0.45) * cv2.GaussianBlur(cast, (0, 0), 0.008 * width))
    return np.clip(pixels * light[:, :, None], 0, 255).astype(np.uint8)


def _developed(pixels: Pixels, rng: Rng) -> Pixels:
    """By a camera with another exposure, curve and white balance."""
    values = np.arange(256) / 255.0
    curve = np.clip(values ** rng.uniform(0.75, 1.3) * rng.uniform(0.8, 1.2), 0, 1)
    table = np.clip(curve[:, None] * rng.uniform(0.93, 1.07, 3), 0, 1)
    return np.asarray(cv2.LUT(pixels, np.round(table * 255).astype(np.uint8)[None]), np.uint8)


def _weathered(pixels: Pixels, rng: Rng) -> Pixels:
    """As it is, in haze, in rain, or wet after rain."""
    kind = int(rng.integers(4))
    if kind == 1:
        veil = rng.uniform(0.1, 0.35) * np.linspace(1.0, 0.4, pixels.shape[0])[:, None, None]
        return np.asarray(pixels * (1 - veil) + 215 * veil, np.uint8)
    if kind == 2:
        return _rained_on(pixels, rng)
    if kind == 3:
        values = 255 * (np.arange(256) / 255.0) ** rng.uniform(1.15, 1.5)
        return np.asarray(cv2.LUT(pixels, values.astype(np.uint8)), np.uint8)
    return pixels


def _rained_on(pixels: Pixels, rng: Rng) -> Pixels:
    """With streaks of falling rain, one slant for all."""
    height, width = pixels.shape[:2]
    drops = (rng.random((height, width)) > 0.996).astype(np.float32) * 255
    length = max(5, height // 30)
    streak = np.zeros((length, length), np.float32)
    lean = int(rng.integers(-length // 3, length // 3 + 1))
    cv2.line(streak, (length // 2 - lean // 2, 0), (length // 2 + lean // 2, length - 1), 1.0, 1)
    fallen = cv2.filter2D(drops, -1, streak / streak.sum())
    return np.clip(pixels + fallen[:, :, None] * rng.uniform(0.5, 1.2), 0, 255).astype(np.uint8)
