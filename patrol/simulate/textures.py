"""Surfaces of the street: asphalt, paving and the fronts of buildings."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from patrol.simulate.looks import Look
from patrol.simulate.noise import layered, smooth, tinted
from patrol.simulate.shapes import one_of, within
from patrol.simulate.solids import Picture

TILE_PX = 512
TILE_M = 10.24
FRONT_PX_PER_M = 36


@dataclass(frozen=True)
class Surface:
    """A picture (uint8 HWC BGR) with its halved copies, at `px_per_m` for the first."""

    levels: tuple[Picture, ...]
    px_per_m: float

    def level_for(self, wanted_px_per_m: float) -> tuple[Picture, float]:
        """The copy that is not finer than about one pixel of the drawing, and its own pixels per metre."""
        step = int(np.clip(np.round(np.log2(self.px_per_m / max(wanted_px_per_m, 1e-6))), 0, len(self.levels) - 1))
        chosen = self.levels[step]
        return chosen, self.px_per_m * chosen.shape[1] / self.levels[0].shape[1]


def surface(picture: Picture, px_per_m: float, smallest_px: int = 16) -> Surface:
    """A surface with its halved copies, each the mean of four pixels."""
    levels = [picture]
    while min(levels[-1].shape[:2]) >= 2 * smallest_px:
        last = levels[-1]
        levels.append(
            np.asarray(
                cv2.resize(last, (last.shape[1] // 2, last.shape[0] // 2), interpolation=cv2.INTER_AREA), dtype=np.uint8
            )
        )
    return Surface(tuple(levels), px_per_m)


def asphalt(look: Look, rng: Generator, tile_m: float = TILE_M) -> Surface:
    """A seamless tile of road: grain, worn bands and stains."""
    side_px = round(tile_m * TILE_PX / TILE_M)
    size = (side_px, side_px)
    grey = within(rng, look.asphalt_grey)
    grain = rng.normal(0, within(rng, look.asphalt_grain), size).astype(np.float32)
    cells = max(2, round(tile_m / within(rng, look.patch_cell_m) / 4))
    stains = layered(rng, size, cells, 3) * grey * 0.035
    plane = (grey + grain + stains) / 100
    tint = rng.uniform(0.97, 1.03, 3) * 100
    return surface(tinted(plane.astype(np.float32), tint), TILE_PX / TILE_M, 8)


def paving(look: Look, rng: Generator, tile_m: float = TILE_M) -> Surface:
    """A seamless tile of pavement: slabs with joints, each of its own tone."""
    side_px = round(tile_m * TILE_PX / TILE_M)
    slabs = max(6, round(tile_m / within(rng, look.slab_m)))
    rows = slabs * int(rng.integers(1, 3))
    tones = 1 + rng.normal(0, 0.045, (rows, slabs)).astype(np.float32)
    y = np.arange(side_px) * rows // side_px
    shift = (y % 2) * (side_px // slabs // 2) * int(rng.integers(2))
    x = ((np.arange(side_px)[None, :] + shift[:, None]) % side_px) * slabs // side_px
    plane = tones[y[:, None], x]
    joint = (np.diff(x, axis=1, prepend=x[:, -1:]) != 0) | (np.diff(y, prepend=y[-1]) != 0)[:, None]
    plane = np.where(joint, plane * 0.74, plane) * (1 + 0.04 * layered(rng, (side_px, side_px), 6, 4))
    plane = plane + rng.normal(0, 0.03, plane.shape)
    return surface(tinted(plane.astype(np.float32), one_of(rng, look.pavement_colours)), TILE_PX / TILE_M, 8)


def plaster(look: Look, rng: Generator, width_m: float, height_m: float) -> Picture:
    """A bare wall with weather stains, sometimes of brick."""
    size = (round(height_m * FRONT_PX_PER_M), round(width_m * FRONT_PX_PER_M))
    plane = 1 + 0.05 * layered(rng, size, 4, 4) + 0.04 * smooth(rng, size, (2, max(2, round(width_m * 3))))
    if rng.random() < 0.3:
        course, brick = round(0.14 * FRONT_PX_PER_M), round(0.4 * FRONT_PX_PER_M)
        y, x = np.mgrid[: size[0], : size[1]]
        joint = (y % course == 0) | ((x + (y // course % 2) * brick // 2) % brick == 0)
        plane = np.where(joint, plane * 0.82, plane)
    plane = plane * np.linspace(1.05, 0.93, size[0], dtype=np.float32)[:, None]
    return tinted(plane.astype(np.float32), one_of(rng, look.wall_colours))


def windows(look: Look, rng: Generator, front: Picture, height_m: float, first_m: float) -> None:
    """Draws rows of windows on a front from first_m above the ground up."""
    pitch, storey = within(rng, look.window_pitch_m), within(rng, look.storey_m)
    wide, tall = pitch * rng.uniform(0.42, 0.6), storey * rng.uniform(0.42, 0.55)
    frame = [int(v) for v in rng.choice([60, 110, 215]) + rng.integers(-8, 8, 3)]
    width_m = front.shape[1] / FRONT_PX_PER_M
    for low in np.arange(first_m + 0.8, height_m - tall - 0.3, storey):
        for left in np.arange(pitch * 0.3, width_m - wide - 0.2, pitch):
            box = (
                left * FRONT_PX_PER_M,
                (height_m - low - tall) * FRONT_PX_PER_M,
                wide * FRONT_PX_PER_M,
                tall * FRONT_PX_PER_M,
            )
            window(rng, front, tuple(round(v) for v in box), frame)


def window(rng: Generator, front: Picture, box: tuple[int, ...], frame: list[int]) -> None:
    """Draws one window with its frame, glass and perhaps a grille or an air conditioner."""
    x, y, w, h = box
    glass = int(rng.integers(45, 110))
    cv2.rectangle(front, (x, y), (x + w, y + h), frame, -1)
    cv2.rectangle(front, (x + 3, y + 3), (x + w - 3, y + h - 3), (glass + 18, glass + 8, glass), -1)
    cv2.line(front, (x + w // 2, y), (x + w // 2, y + h), frame, 2)
    if rng.random() < 0.35:
        cv2.fillConvexPoly(
            front,
            np.array([[x + 3, y + 3], [x + w // 2, y + 3], [x + 3, y + h * 2 // 3]]),
            (glass + 50, glass + 42, glass + 36),
        )
    if rng.random() < 0.25:
        cv2.rectangle(front, (x, y + h + 4), (x + w * 2 // 3, y + h + 4 + h // 3), (205, 208, 208), -1)
        cv2.circle(front, (x + w // 4, y + h + 4 + h // 6), max(2, h // 8), (120, 120, 120), 2)


def sign(look: Look, rng: Generator, front: Picture, box: tuple[int, int, int, int]) -> None:
    """Draws a shop's board with strokes that look like writing."""
    x, y, w, h = box
    board = one_of(rng, look.sign_colours)
    ink = (245, 245, 245) if board.mean() < 130 else (50, 40, 160)
    cv2.rectangle(front, (x, y), (x + w, y + h), board.tolist(), -1)
    size = int(h * 0.62)
    for left in range(x + size // 2, x + w - size * 3 // 2, size * 4 // 3):
        for _ in range(5):
            a, b = rng.integers(0, size, 2), rng.integers(0, size, 2)
            b[int(rng.integers(2))] = a[int(rng.integers(2))]
            cv2.line(
                front,
                (left + int(a[0]), y + h // 5 + int(a[1])),
                (left + int(b[0]), y + h // 5 + int(b[1])),
                ink,
                max(2, size // 9),
            )


def shutter(rng: Generator, front: Picture, box: tuple[int, int, int, int]) -> None:
    """Draws a closed roller shutter."""
    x, y, w, h = box
    base = int(rng.integers(135, 190))
    lines = base + 14 * np.sin(np.arange(h) * 2 * np.pi / 5)
    front[y : y + h, x : x + w] = np.clip(lines[:, None, None] * np.array([1.0, 1.0, 0.98]), 0, 255)
    cv2.rectangle(front, (x, y), (x + w, y + h), (80, 80, 80), 2)


def glass_shop(rng: Generator, front: Picture, box: tuple[int, int, int, int]) -> None:
    """Draws a shop window with a door and dim things behind."""
    x, y, w, h = box
    dim = int(rng.integers(40, 85))
    cv2.rectangle(front, (x, y), (x + w, y + h), (dim + 12, dim + 6, dim), -1)
    for _ in range(7):
        a, size = rng.integers(0, max(w - 14, 1)), rng.integers(6, 22, 2)
        top = y + h - 6 - int(size[1]) - int(rng.integers(0, h // 2))
        shade = rng.integers(60, 170, 3).tolist()
        cv2.rectangle(front, (x + int(a), top), (x + int(a) + int(size[0]), top + int(size[1])), shade, -1)
    for column in (x, x + w // 3, x + 2 * w // 3, x + w):
        cv2.line(front, (column, y), (column, y + h), (170, 170, 172), 3)


def front(look: Look, rng: Generator, kind: str, width_m: float, height_m: float) -> Surface:
    """A building's front: `wall` (bare), `flats`, `shops` or `shutters`; first row on top, last row on the ground."""
    picture = plaster(look, rng, width_m, height_m)
    scale, rows, columns = FRONT_PX_PER_M, picture.shape[0], picture.shape[1]
    if kind == "wall":
        cv2.rectangle(
            picture, (0, 0), (columns, round(0.14 * scale)), (one_of(rng, look.wall_colours) * 0.7).tolist(), -1
        )
    elif kind == "flats":
        windows(look, rng, picture, height_m, 1.2)
    else:
        bay = columns // max(1, round(width_m / 4.2))
        for left in range(0, columns - bay + 1, bay):
            opening = (left + 8, rows - round(2.75 * scale), bay - 16, round(2.7 * scale))
            if kind == "shutters":
                shutter(rng, picture, opening)
            else:
                glass_shop(rng, picture, opening)
            sign(look, rng, picture, (left + 4, rows - round(3.6 * scale), bay - 8, round(0.8 * scale)))
        windows(look, rng, picture, height_m, 3.7)
    cv2.rectangle(picture, (0, rows - 4), (columns, rows), (70, 72, 74), -1)
    return surface(picture, scale, 8)
