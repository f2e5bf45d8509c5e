"""Parked cars: simple bodies with windows, wheels and lamps."""

import numpy as np
from numpy.random import Generator

from patrol.simulate.looks import Look
from patrol.simulate.shapes import one_of, within
from patrol.simulate.solids import Floats, Model, Part, prism, quads, raised, rectangle

GLASS = np.array([62.0, 54, 48])
PLATE = np.array([165.0, 95, 40])
RIM = np.array([150.0, 150, 152])
TYRE = np.array([24.0, 24, 25])


def side_lines(rng: Generator, height_m: float, length_m: float) -> tuple[Floats, Floats]:
    """The lower body's and the cabin's side profile `(k, 2)`: metres from the front and metres up."""
    belt = height_m * rng.uniform(0.62, 0.67)
    hood = belt * rng.uniform(0.9, 0.97)
    boxy = rng.random() < 0.4
    screen, roof = length_m * rng.uniform(0.24, 0.3), length_m * rng.uniform(0.4, 0.44)
    tail, end = (0.93, 0.985) if boxy else (0.74, 0.9)
    body = np.array(
        [
            [0.0, 0.3],
            [0.0, hood * 0.78],
            [screen, belt],
            [length_m * end, belt],
            [length_m, belt * 0.9],
            [length_m, 0.3],
        ]
    )
    cabin = np.array([[screen, belt], [roof, height_m], [length_m * tail, height_m * 0.985], [length_m * end, belt]])
    return body, cabin


def loft(line: Floats, low_m: float, high_m: float, colours: Floats, length_m: float) -> Part:
    """A solid of a side profile `(k, 2)` pulled across the car; its half width goes from low_m to high_m with height.

    `colours` has one row for each edge of the profile, then one for the two sides.
    """
    span = np.ptp(line[:, 1])
    half = low_m + (high_m - low_m) * (line[:, 1] - line[:, 1].min()) / span
    left = np.stack([-half, length_m / 2 - line[:, 0], line[:, 1]], axis=1)
    right = left * np.array([-1, 1, 1])
    count = len(line)
    across: list[tuple[int, ...]] = [(i, i + 1, count + i + 1, count + i) for i in range(count - 1)]
    fans: list[tuple[int, ...]] = [(0, i + 1, i) for i in range(1, count - 1)]
    other: list[tuple[int, ...]] = [(count, count + i, count + i + 1) for i in range(1, count - 1)]
    rows = np.concatenate([colours[: count - 1], np.repeat(colours[-1:], len(fans) * 2, axis=0)])
    return quads(np.concatenate([left, right]), [*across, *fans, *other], rows)


def wheel(x_m: float, y_m: float, radius_m: float) -> list[Part]:
    """A tyre 20 cm wide and its rim, the axle across the car; x_m is the car's side."""
    outward = 1.0 if x_m > 0 else -1.0
    tyre = (
        axle_ring(radius_m, x_m + outward * 0.03, y_m, outward),
        axle_ring(radius_m, x_m - outward * 0.17, y_m, outward),
    )
    rim = axle_ring(radius_m, x_m + outward * 0.05, y_m, outward, 0.62)
    inner = tyre[1][::-1]
    caps = [closed_ring(tyre[0], TYRE), closed_ring(inner, TYRE), closed_ring(rim, RIM)]
    count = len(inner)
    sides: list[tuple[int, ...]] = [(i, count + i, count + (i + 1) % count, (i + 1) % count) for i in range(count)]
    return [*caps, quads(np.concatenate(tyre), sides, TYRE)]


def axle_ring(radius_m: float, x_m: float, y_m: float, outward: float, share: float = 1.0) -> Floats:
    """A circle `(12, 3)` of a share of a wheel's radius, counter-clockwise seen from its outer side."""
    angle = outward * np.arange(12) * 2 * np.pi / 12
    y, z = y_m + share * radius_m * np.cos(angle), radius_m + share * radius_m * np.sin(angle)
    return np.stack([np.full(12, x_m), y, z], axis=1)


def closed_ring(ring: Floats, colour: Floats) -> Part:
    """A flat disc of a ring `(n, 3)`, seen from where the ring runs counter-clockwise."""
    count = len(ring)
    fan: list[tuple[int, ...]] = [(i, (i + 1) % count, count) for i in range(count)]
    return quads(np.concatenate([ring, ring.mean(axis=0, keepdims=True)]), fan, colour)


def car(look: Look, rng: Generator) -> Model:
    """A parked car about the middle of its footprint; its front looks to +y."""
    length, width = rng.uniform(4.1, 4.8), rng.uniform(1.74, 1.86)
    height = within(rng, look.car_height_m)
    paint = one_of(rng, look.car_colours)
    body, cabin = side_lines(rng, height, length)
    low = loft(
        body,
        width / 2 * 0.97,
        width / 2,
        np.stack([paint * 0.9, paint, paint, paint, paint * 0.9, paint * 0.94]),
        length,
    )
    top = loft(cabin, width / 2 * 0.95, width / 2 * 0.74, np.stack([GLASS, paint * 1.02, GLASS, GLASS * 0.9]), length)
    parts: list[Part] = [low, top]
    for y in (length / 2 - 0.82, -length / 2 + 0.8):
        for x in (-width / 2, width / 2):
            parts += wheel(x, y, 0.32)
    lamps = (
        (length / 2 + 0.012, body[1, 1] - 0.14, np.array([215.0, 225, 228])),
        (-length / 2 - 0.012, body[4, 1] - 0.14, np.array([40.0, 40, 165])),
    )
    for y, z, colour in lamps:
        for x in (-width * 0.36, width * 0.36):
            lamp = raised(rectangle(0.34, 0.02, 0.0), x, y, z)
            parts.append(prism(lamp, raised(lamp, 0, 0, 0.13), colour))
        plate = raised(rectangle(0.44, 0.024, 0.0), 0, y, z - 0.2)
        parts.append(prism(plate, raised(plate, 0, 0, 0.12), PLATE))
    return Model(tuple(parts), (), (width / 2 + 0.18, length / 2 + 0.15))
