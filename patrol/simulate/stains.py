"""Flat things: pictures with opacity that lie on the road or stick to a wall."""

from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from patrol.simulate.looks import Look
from patrol.simulate.noise import layered
from patrol.simulate.shapes import one_of, within
from patrol.simulate.solids import Decal, Model, Part, Picture

SIDE_PX = 160


def polar(size_px: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Radius (1 at the edge's middle) and angle of every pixel of a square picture."""
    line = (np.arange(size_px, dtype=np.float32) + 0.5) / size_px * 2 - 1
    x, y = np.meshgrid(line, line)
    return np.hypot(x, y), np.arctan2(y, x)


def ragged(rng: Generator, angle: NDArray[np.float32], roughness: float) -> NDArray[np.float32]:
    """The radius of a random closed line at every angle, at most 1."""
    line = np.ones_like(angle)
    for wave in range(2, 11):
        line += roughness * rng.normal(0, 1) / wave**0.7 * np.cos(wave * angle + rng.uniform(0, 2 * np.pi))
    return np.asarray(line / max(float(line.max()), 1e-6) * 0.96, dtype=np.float32)


def assembled(colour: NDArray[np.float32], opacity: NDArray[np.floating[Any]]) -> Picture:
    """A picture (uint8 HWC, BGR and opacity) of a colour plane `(h, w, 3)` 0..255 and an opacity plane 0..1."""
    alpha = np.clip(opacity, 0, 1)[:, :, None] * 255
    return np.asarray(np.clip(np.concatenate([colour, alpha], axis=2), 0, 255), dtype=np.uint8)


def on_ground(picture: Picture, width_m: float, length_m: float) -> Decal:
    """The picture laid on the ground about its middle, columns to +x and rows to -y."""
    origin = np.array([-width_m / 2, length_m / 2, 0.0])
    return Decal(picture, origin, np.array([1.0, 0, 0]), np.array([0.0, -1, 0]), width_m, length_m)


def on_wall(picture: Picture, width_m: float, height_m: float, foot_m: float) -> Decal:
    """The picture upright in the plane y = 0, its lower edge foot_m above the ground, read from the -y side."""
    origin = np.array([-width_m / 2, 0.0, foot_m + height_m])
    return Decal(picture, origin, np.array([1.0, 0, 0]), np.array([0.0, 0, -1]), width_m, height_m)


def flat_model(decal: Decal, parts: tuple[Part, ...] = ()) -> Model:
    """A model of one decal whose zero is the middle of what is drawn."""
    middle = (decal.outline.min(axis=0) + decal.outline.max(axis=0)) / 2 * np.array([1, 1, 0])
    return Model(tuple(part.moved(np.eye(3), -middle) for part in parts), (decal.moved(np.eye(3), -middle),))


def pothole(look: Look, rng: Generator) -> Model:
    """A broken-out hole of the road: dark uneven floor, crumbled light rim, 0.5 to 1.5 m."""
    radius, angle = polar(SIDE_PX)
    edge = ragged(rng, angle, within(rng, look.hole_roughness))
    grain = layered(rng, (SIDE_PX, SIDE_PX), 8, 4)
    share = radius / (edge * 0.86) + grain * 0.035
    dark = within(rng, look.hole_darkness)
    ground = sum(look.asphalt_grey) / 2
    floor = ground * (dark + 0.10 * grain + 0.16 * np.clip(share - 0.45, 0, 1))
    sunny = np.sin(angle + rng.uniform(0, 6.28))
    wall = ground * (dark * 0.55 + 0.12 * sunny)
    rim = ground * (1.22 + 0.10 * sunny + 0.12 * grain)
    tone = np.where(share < 0.80, floor, np.where(share < 0.97, wall, rim))
    if rng.random() < 0.3:
        tone = np.where(share < 0.6, ground * 0.75 + 8 * grain, tone)
    opacity = np.clip((1.17 - share) / 0.12, 0, 1)
    warm = np.array([0.93, 0.99, 1.05], dtype=np.float32)
    size = rng.uniform(0.55, 1.35)
    picture = assembled((tone[:, :, None] * warm).astype(np.float32), opacity)
    return flat_model(on_ground(picture, size, size * rng.uniform(0.75, 1.3)))


def round_lid(look: Look, rng: Generator) -> Picture:
    """A closed manhole cover seen from above: rings and a raised pattern, hardly darker than the road."""
    radius, angle = polar(SIDE_PX)
    base = sum(look.asphalt_grey) / 2 * rng.uniform(0.72, 0.9)
    grain = layered(rng, (SIDE_PX, SIDE_PX), 10, 4)
    knobs = np.where(np.sin(radius * 26) * np.cos(angle * 10) > 0.1, 1.14, 0.93)
    tone = base * knobs * (1 + 0.06 * grain)
    gap = within(rng, look.cover_ring)
    tone = np.where(np.abs(radius - (0.96 - gap)) < 0.025, base * 0.45, tone)
    tone = np.where(radius > 0.985 - gap, base * (1.18 + 0.05 * grain), tone)
    tint = np.array([0.96, 1.0, 1.04], dtype=np.float32)
    return assembled((tone[:, :, None] * tint).astype(np.float32), (0.97 - radius) / 0.02)


def manhole_cover(look: Look, rng: Generator) -> Model:
    """A closed round cover, 0.66 to 0.8 m."""
    size = rng.uniform(0.68, 0.82)
    return flat_model(on_ground(round_lid(look, rng), size, size))


def open_manhole(look: Look, rng: Generator) -> Model:
    """A shaft without its cover: a black disc in a light ring."""
    radius, angle = polar(SIDE_PX)
    grain = layered(rng, (SIDE_PX, SIDE_PX), 10, 4)
    gap = within(rng, look.cover_ring) * 1.25
    light = np.clip(np.sin(angle + rng.uniform(0, 6.28)), 0, 1)
    shaft = 7 + 34 * light * np.clip((radius - 0.45) / 0.4, 0, 1) + 2 * grain
    frame = sum(look.asphalt_grey) / 2 * (1.28 + 0.08 * grain)
    tone = np.where(radius < 0.95 - gap, shaft, frame)
    size = rng.uniform(0.8, 0.98)
    picture = assembled(np.repeat(tone[:, :, None], 3, axis=2).astype(np.float32), (0.97 - radius) / 0.02)
    return flat_model(on_ground(picture, size, size))


def letter(rng: Generator, slant: float) -> NDArray[np.float64]:
    """A closed or open random line `(k, 2)` in the unit square that reads like a letter of nobody's alphabet."""
    knots = int(rng.integers(4, 7))
    rows = np.linspace(0.05, 0.95, knots)
    side = np.where(np.arange(knots) % 2 == rng.integers(2), 0.12, 0.88) + rng.normal(0, 0.12, knots)
    points = np.stack([np.clip(side, 0.02, 0.98), rows], axis=1)
    if rng.random() < 0.5:
        points = np.concatenate([points, points[:1]])
    fine = np.linspace(0, len(points) - 1, 26)
    curve = np.stack([np.interp(fine, np.arange(len(points)), points[:, i]) for i in (0, 1)], axis=1)
    kernel = np.ones(5) / 5
    padded = np.pad(curve, ((2, 2), (0, 0)), mode="edge")
    curve = np.stack([np.convolve(padded[:, i], kernel, mode="valid") for i in (0, 1)], axis=1)
    curve[:, 0] += slant * (1 - curve[:, 1])
    return curve


def graffiti(look: Look, rng: Generator) -> Model:
    """Sprayed letters on a wall: fat bodies with outlines or quick thin tags, 1.2 to 3.6 m wide."""
    height_px, count = 120, int(rng.integers(3, 7))
    aspect = count * rng.uniform(0.5, 0.8) + 0.3
    width_px = int(height_px * aspect)
    fat = rng.random() < 0.65
    body, line = one_of(rng, look.graffiti_colours), one_of(rng, look.graffiti_colours)
    glow = one_of(rng, look.graffiti_colours)
    colour = np.full((height_px, width_px, 3), body, dtype=np.uint8)
    opacity = np.zeros((height_px, width_px), dtype=np.uint8)
    step, slant = (width_px - 26) / count, within(rng, look.graffiti_slant)
    layers = ((27, glow), (19, line), (12, body)) if fat else ((int(rng.integers(5, 9)), line),)
    curves = [
        letter(rng, slant) * (step * 1.05, height_px * rng.uniform(0.62, 0.78)) + (13 + i * step, rng.uniform(12, 22))
        for i in range(count)
    ]
    if not fat:
        curves.append(
            np.array([[10, height_px * 0.9], [width_px * 0.5, height_px * 0.8], [width_px - 10, height_px * 0.88]])
        )
    for thickness, paint in layers:
        for curve in curves:
            points = [np.round(curve * 8).astype(np.int32)]
            cv2.polylines(colour, points, False, paint.tolist(), thickness, cv2.LINE_AA, 3)
            cv2.polylines(opacity, points, False, 255, thickness, cv2.LINE_AA, 3)
    spray = 1 + 0.08 * layered(rng, (height_px, width_px), 12, 3)
    tall = rng.uniform(0.75, 1.45)
    picture = assembled(colour * spray[:, :, None], opacity.astype(np.float32) / 255 * 0.96)
    wide = min(tall * aspect, 3.8)
    return flat_model(on_wall(picture, wide, tall, rng.uniform(0.35, 0.9)))


def patch(look: Look, rng: Generator) -> Model:
    """A mended piece of road: no fault, only another grey."""
    ground = sum(look.asphalt_grey) / 2 * rng.choice([0.78, 0.86, 1.12])
    grain = 1 + 0.05 * layered(rng, (96, 96), 12, 3)
    edge = np.zeros((96, 96), dtype=np.float32)
    edge[3:-3, 3:-3] = rng.uniform(0.6, 0.95)
    colour = np.repeat((ground * grain)[:, :, None], 3, axis=2).astype(np.float32)
    return flat_model(on_ground(assembled(colour, edge), rng.uniform(0.7, 2.4), rng.uniform(0.8, 4.0)))


def leaves(look: Look, rng: Generator) -> Model:
    """Fallen leaves: many small flecks, no fault."""
    colour = np.full((128, 128, 3), 90, dtype=np.uint8)
    opacity = np.zeros((128, 128), dtype=np.uint8)
    for _ in range(int(rng.integers(25, 70))):
        middle = tuple(int(v) for v in np.clip(rng.normal(64, 22, 2), 6, 122))
        axes, turn = (int(rng.integers(2, 4)), 1), int(rng.integers(180))
        paint = (one_of(rng, look.leaf_colours) * rng.uniform(0.8, 1.3) + [0, 15, 45]).clip(0, 255).tolist()
        cv2.ellipse(colour, middle, axes, turn, 0, 360, paint, -1)
        cv2.ellipse(opacity, middle, axes, turn, 0, 360, 230, -1)
    size = rng.uniform(1.0, 2.6)
    return flat_model(on_ground(assembled(colour.astype(np.float32), opacity / np.float32(255)), size, size))


def poster(look: Look, rng: Generator) -> Model:
    """A printed notice on a wall: straight edges, lines of text, no fault."""
    tall, wide = (120, 90) if rng.random() < 0.6 else (70, 120)
    colour = np.full((tall, wide, 3), one_of(rng, look.sign_colours), dtype=np.uint8)
    cv2.rectangle(colour, (5, 5), (wide - 6, tall // 3), (235, 235, 235), -1)
    for row in range(tall // 3 + 8, tall - 8, 9):
        cv2.line(colour, (8, row), (wide - 8 - int(rng.integers(30)), row), (225, 225, 225), 2)
    picture = assembled(colour.astype(np.float32), np.ones((tall, wide), dtype=np.float32))
    size = rng.uniform(0.5, 1.1)
    return flat_model(on_wall(picture, size * wide / 100, size * tall / 100, rng.uniform(0.9, 1.5)))
