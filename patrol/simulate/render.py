"""Draws one frame of a city as a camera sees it."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from patrol.simulate.camera import Lens, View
from patrol.simulate.city import City
from patrol.simulate.ground import draw_ground, draw_shadows, draw_sky
from patrol.simulate.paint import Canvas
from patrol.simulate.sight import cover_of, distance_to, hidden_shares
from patrol.simulate.solids import Decal, Model, Picture
from patrol.simulate.street import Scenery, draw_fronts, make_scenery
from patrol.simulate.things import Thing
from patrol.simulate.weather import Light

GRAIN_SHIFT_PX = 64
DRAWN_M = 75.0
"""Things further away than this are not drawn."""


@dataclass(frozen=True)
class Actor:
    """A thing as one view meets it: `hidden` is the share of three sight lines that buildings cut."""

    model: Model
    contact: str
    hidden: float
    distance_m: float
    crown: Decal | None = None

    @property
    def is_on_wall(self) -> bool:
        """Whether the thing is part of a wall."""
        return self.contact == "wall"

    @property
    def is_flat(self) -> bool:
        """Whether the thing lies on the road without any height."""
        return self.contact != "wall" and not self.model.parts


class Renderer:
    """Draws frames of one city; keeps what all frames share."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.scenery: Scenery = make_scenery(city)

    def ideal(self, view: View, light: Light, things: list[Thing], number: int = 0) -> Picture:
        """The picture (uint8 HWC BGR) before lens distortion and sensor."""
        lens = view.lens
        canvas = Canvas(np.zeros((lens.height_px, lens.width_px, 3), dtype=np.uint8), view, light)
        stage = self._stage(view, things, number)
        horizon = draw_sky(canvas)
        draw_ground(canvas, self.city, self.scenery.floor, horizon)
        self.scenery.markings.draw(canvas)
        for actor in stage:
            if actor.is_flat:
                canvas.model(actor.model)
        draw_shadows(canvas, self.city, [actor.model for actor in stage if actor.model.parts])
        chosen = draw_fronts(canvas, self.city, self.scenery)
        actors = [*(actor for actor in stage if not actor.is_flat), *self._trees(view)]
        actors.sort(key=lambda actor: (not actor.is_on_wall, -actor.distance_m))
        for actor in actors:
            self._draw(canvas, actor, chosen)
        return canvas.picture

    def _stage(self, view: View, things: list[Thing], number: int) -> list[Actor]:
        """The things to draw, far ones first."""
        near = near_things(view, things)
        models = [self.city.model(thing, number) for thing in near]
        actors = actors_of(self.city, view, models, [thing.contact for thing in near])
        return sorted(actors, key=lambda actor: -actor.distance_m)

    def _trees(self, view: View) -> list[Actor]:
        """The trees within sight with their crowns turned to the camera."""
        near = [tree for tree in self.scenery.trees if is_near(view, tree.x_m, tree.y_m, 60.0)]
        crowns = [tree.seen_from(view) for tree in near]
        return actors_of(self.city, view, [tree.trunk for tree in near], ["ground"] * len(near), crowns)

    def _draw(self, canvas: Canvas, actor: Actor, chosen: NDArray[np.int64]) -> None:
        """Draws one upright thing; what a nearer building covers of it is put back."""
        if actor.hidden == 0:
            draw_actor(canvas, actor)
            return
        before = canvas.picture.copy()
        draw_actor(canvas, actor)
        cover = cover_of(canvas, self.scenery, chosen, actor.model.points[:, :2].mean(axis=0))
        cv2.copyTo(before, cover, canvas.picture)

    def frame(self, view: View, light: Light, things: list[Thing], rng: Generator, number: int = 0) -> Picture:
        """The picture (uint8 HWC BGR) that the camera hands out."""
        lens = view.lens
        if not lens.is_distorted:
            return develop(self.ideal(view, light, things, number), light, rng)
        wide, left, top = widened(lens)
        picture = self.ideal(View(wide, view.centre, view.rotation), light, things, number)
        return develop(bent(picture, lens, left, top), light, rng)


def is_near(view: View, x_m: float, y_m: float, reach_m: float) -> bool:
    """Whether a place is within reach and not behind the camera."""
    away = np.array([x_m, y_m, 0.0]) - view.centre
    return bool(np.hypot(away[0], away[1]) < reach_m and float(view.rotation[2] @ away) > -3.5)


def near_things(view: View, things: list[Thing]) -> list[Thing]:
    """The things within drawing distance that are not behind the camera."""
    if not things:
        return []
    away = np.array([(thing.x_m, thing.y_m, 0.0) for thing in things]) - view.centre
    keep = (np.hypot(away[:, 0], away[:, 1]) < DRAWN_M) & (away @ view.rotation[2] > -3.5)
    return [things[i] for i in np.flatnonzero(keep)]


def actors_of(
    city: City, view: View, models: list[Model], contacts: list[str], crowns: list[Decal] | None = None
) -> list[Actor]:
    """The things that a view meets; those that buildings hide whole are left out."""
    hidden = hidden_shares(city.plan, view, models)
    leaves: list[Decal | None] = list(crowns) if crowns else [None] * len(models)
    rows = zip(models, contacts, hidden, leaves, strict=True)
    return [Actor(m, c, float(h), distance_to(view, m), crown) for m, c, h, crown in rows if h < 1]


def draw_actor(canvas: Canvas, actor: Actor) -> None:
    """Draws a thing and its crown."""
    canvas.model(actor.model)
    if actor.crown is not None:
        canvas.decal(actor.crown, 1.0)


def widened(lens: Lens) -> tuple[Lens, int, int]:
    """An undistorted lens whose picture holds all that the distorted one shows, and the margins left and on top."""
    x, y = np.linspace(0, lens.width_px, 33), np.linspace(0, lens.height_px, 19)
    border = [(a, b) for a in x for b in (0.0, float(lens.height_px))] + [
        (a, b) for a in (0.0, float(lens.width_px)) for b in y
    ]
    ideal = lens.undistort(np.array(border))
    left, top = np.ceil(np.maximum(-ideal.min(axis=0), 0)).astype(int)
    right, bottom = np.ceil(np.maximum(ideal.max(axis=0) - (lens.width_px, lens.height_px), 0)).astype(int)
    wide = Lens(
        focal_px=lens.focal_px,
        width_px=int(lens.width_px + left + right),
        height_px=int(lens.height_px + top + bottom),
        cx_px=lens.cx_px + float(left),
        cy_px=lens.cy_px + float(top),
    )
    return wide, int(left), int(top)


def bent(picture: Picture, lens: Lens, left: int, top: int) -> Picture:
    """The picture as the distorting lens shows it."""
    x, y = bending(lens, left, top)
    return np.asarray(cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)


@lru_cache(maxsize=8)
def bending(lens: Lens, left: int, top: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Column and row `(height, width)` of the undistorted picture that each pixel of the distorted one comes from."""
    x, y = np.meshgrid(np.arange(lens.width_px) + 0.5, np.arange(lens.height_px) + 0.5)
    source = lens.undistort(np.stack([x.ravel(), y.ravel()], axis=1)) + np.array([left - 0.5, top - 0.5])
    where = source.astype(np.float32).reshape(lens.height_px, lens.width_px, 2)
    return np.ascontiguousarray(where[:, :, 0]), np.ascontiguousarray(where[:, :, 1])


def develop(picture: Picture, light: Light, rng: Generator) -> Picture:
    """The picture after air, motion and sensor: rain, smear, exposure, noise."""
    if light.rain:
        picture = rained(picture, light.rain, rng)
    if light.blur_px > 1:
        picture = np.asarray(cv2.blur(picture, (light.blur_px, 1)), dtype=np.uint8)
    tones = np.arange(256)[:, None] * light.gain
    curve = 255 * (1 - np.exp(-tones / 255 * 1.35)) / (1 - np.exp(-1.35))
    table = np.clip(curve, 0, 255).astype(np.uint8).reshape(256, 1, 3)
    picture = np.asarray(cv2.LUT(picture, table), dtype=np.uint8)
    pool = grain(round(light.noise), picture.shape[1], picture.shape[0])
    y, x = int(rng.integers(GRAIN_SHIFT_PX)), int(rng.integers(GRAIN_SHIFT_PX))
    here = pool[y : y + picture.shape[0], x : x + picture.shape[1]]
    return np.asarray(cv2.add(picture, here, dtype=cv2.CV_8U), dtype=np.uint8)


@lru_cache(maxsize=12)
def grain(sigma: int, width_px: int, height_px: int) -> NDArray[np.int16]:
    """Sensor noise (int16 HWC BGR) a little bigger than a frame: each frame takes a piece of it."""
    rng = np.random.default_rng(sigma)
    plane = rng.normal(0, sigma, (height_px + GRAIN_SHIFT_PX, width_px + GRAIN_SHIFT_PX, 1))
    tint = rng.normal(0, sigma * 0.35, (height_px + GRAIN_SHIFT_PX, width_px + GRAIN_SHIFT_PX, 3))
    return np.asarray(np.round(plane + tint), dtype=np.int16)


def rained(picture: Picture, amount: float, rng: Generator) -> Picture:
    """The picture with rain streaks, and the wet road's dim mirror image of what stands above it."""
    height, width = picture.shape[:2]
    streaks = np.zeros((height, width), dtype=np.uint8)
    lean = rng.normal(0, 4)
    for x, y, length in zip(
        rng.integers(0, width, int(220 * amount)), rng.integers(0, height, 400), rng.integers(8, 34, 400), strict=False
    ):
        cv2.line(streaks, (int(x), int(y)), (int(x + lean), int(y + length)), int(rng.integers(30, 80)), 1, cv2.LINE_AA)
    return np.asarray(cv2.add(picture, cv2.merge([streaks] * 3)), dtype=np.uint8)


def jpeg_bytes(picture: Picture, quality: int) -> bytes:
    """The picture as JPEG."""
    fine, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not fine:
        raise ValueError("the picture could not be written as JPEG")
    return bytes(data)
