"""The bodies of things that stand on the ground, each drawn afresh from a look's ranges."""

import numpy as np
from numpy.random import Generator

from patrol.simulate.looks import Look, Palette, Range
from patrol.simulate.solids import Floats, Model, Part, prism, quads, raised, rectangle, ring


def within(rng: Generator, span: Range) -> float:
    """A number drawn evenly from a range."""
    return float(rng.uniform(*span))


def one_of(rng: Generator, palette: Palette) -> Floats:
    """A colour `(3,)` of a palette, varied by a few per cent."""
    colour = np.array(palette[int(rng.integers(len(palette)))], dtype=np.float64)
    return np.asarray(np.clip(colour * rng.uniform(0.93, 1.07) + rng.normal(0, 2, 3), 4, 250))


def bag(look: Look, rng: Generator, radius_m: float) -> Part:
    """A tied, crumpled plastic bag that sits on z = 0 about its own middle."""
    exponent, crumple = within(rng, look.bag_exponent), within(rng, look.bag_crumple)
    around, levels = 9, (0.06, 0.34, 0.62, 0.86)
    rings = []
    for share in levels:
        width = (1 - abs(2 * share - 0.86) ** exponent * 0.72) * radius_m
        level = ring((width, width), share * radius_m * 1.35, around, float(rng.uniform(0, 0.7)))
        level[:, :2] *= 1 + rng.normal(0, crumple, (around, 1))
        level[:, 2] = np.maximum(level[:, 2] + rng.normal(0, crumple * 0.5 * radius_m, around), 0.0)
        rings.append(level)
    rings[0][:, 2] = 0.0
    tip = np.array([[rng.normal(0, 0.15) * radius_m, rng.normal(0, 0.15) * radius_m, radius_m * 1.42]])
    vertices = np.concatenate([*rings, tip])
    vertices[:, :2] *= np.array([1.0, rng.uniform(0.7, 1.0)])
    faces = [
        (r * around + i, r * around + (i + 1) % around, (r + 1) * around + (i + 1) % around, (r + 1) * around + i)
        for r in range(len(levels) - 1)
        for i in range(around)
    ]
    last = (len(levels) - 1) * around
    caps = [(last + i, last + (i + 1) % around, len(vertices) - 1) for i in range(around)]
    colours = one_of(rng, look.bag_colours) * rng.uniform(0.75, 1.25, (len(faces) + len(caps), 1))
    return quads(vertices, [*faces, *caps], colours)


def carton(look: Look, rng: Generator, size_m: float) -> Part:
    """A cardboard box on z = 0 about its own middle."""
    width, depth, height = (
        size_m * rng.uniform(0.7, 1.2),
        size_m * rng.uniform(0.5, 0.9),
        size_m * rng.uniform(0.4, 0.9),
    )
    shade = rng.uniform(0.85, 1.1, (5, 1))
    return prism(rectangle(width, depth, 0.0), rectangle(width, depth, height), one_of(rng, look.box_colours) * shade)


def scrap(look: Look, rng: Generator, size_m: float) -> Part:
    """A piece of paper, a bottle or a tray: a bent sheet close to the ground."""
    corners = rectangle(size_m * rng.uniform(0.6, 1.3), size_m * rng.uniform(0.4, 0.9), 0.0)
    corners[:, 2] = rng.uniform(0.0, 0.35, 4) * size_m
    top = corners + np.array([0, 0, 0.02])
    corners[:, 2] = 0.0
    return prism(corners, top, one_of(rng, look.litter_colours) * rng.uniform(0.85, 1.05, (5, 1)))


def spun(part: Part, rng: Generator, x_m: float, y_m: float, z_m: float = 0.0) -> Part:
    """The part turned at random about the vertical and moved."""
    angle = float(rng.uniform(0, 2 * np.pi))
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1.0]])
    return part.moved(turn, np.array([x_m, y_m, z_m]))


def garbage(look: Look, rng: Generator) -> Model:
    """A heap of bags, cartons and litter by the kerb, 0.8 to 2.4 m across."""
    reach_x, reach_y = rng.uniform(0.45, 1.15), rng.uniform(0.3, 0.6)
    parts = []
    for _ in range(int(rng.integers(4, 9))):
        x, y = rng.uniform(-0.75, 0.75) * reach_x, rng.uniform(-0.75, 0.75) * reach_y
        body = (
            bag(look, rng, rng.uniform(0.2, 0.36)) if rng.random() < 0.7 else carton(look, rng, rng.uniform(0.3, 0.6))
        )
        parts.append(spun(body, rng, x, y))
    if rng.random() < 0.5:
        parts.append(spun(bag(look, rng, rng.uniform(0.2, 0.3)), rng, 0.0, 0.0, rng.uniform(0.2, 0.32)))
    for _ in range(int(rng.integers(3, 10))):
        x, y = rng.uniform(-1, 1) * reach_x, rng.uniform(-1, 1) * reach_y
        parts.append(spun(scrap(look, rng, rng.uniform(0.1, 0.28)), rng, x, y))
    return centred(parts, shadow=0.95)


def bin_body(look: Look, rng: Generator, height_m: float) -> tuple[list[Part], float, Floats]:
    """A wheeled bin without its lid, its width in metres and its colour."""
    width = height_m / within(rng, look.bin_slenderness)
    taper, depth = within(rng, look.bin_taper), width * rng.uniform(0.95, 1.15)
    colour = one_of(rng, look.bin_colours)
    sides = colour * np.array([[1.0], [0.92], [1.0], [0.92], [0.35]])
    body = prism(rectangle(width * taper, depth * taper, 0.06), rectangle(width, depth, height_m), sides)
    rim = prism(
        rectangle(width * 1.08, depth * 1.08, height_m - 0.07),
        rectangle(width * 1.08, depth * 1.08, height_m),
        sides * 0.8,
    )
    wheels = [
        prism(rectangle(0.06, 0.2, 0.0), rectangle(0.06, 0.2, 0.2), np.array([25.0, 25, 25])).moved(
            np.eye(3), np.array([side * width * taper * 0.5, depth * taper * 0.42, 0.0])
        )
        for side in (-1, 1)
    ]
    label = rectangle(width * 0.4, 0.01, 0.0)
    plate = prism(
        raised(label, 0, 0, height_m * 0.5), raised(label, 0, 0, height_m * 0.72), np.array([215.0, 220, 220])
    ).moved(np.eye(3), np.array([0.0, -depth * 0.5 * (taper + 1) / 2 - 0.012, 0.0]))
    return [*wheels, body, rim, plate], width, colour


def closed_bin(look: Look, rng: Generator) -> Model:
    """A clean wheeled bin with its lid shut, or two of them side by side."""
    parts: list[Part] = []
    height, count = rng.uniform(0.9, 1.15), int(rng.integers(1, 3))
    for number in range(count):
        body, width, colour = bin_body(look, rng, height)
        lid = prism(
            rectangle(width * 1.12, width * 1.2, height),
            rectangle(width * 0.95, width * 1.0, height + 0.1),
            colour * 1.1,
        )
        shift = np.array([(number - (count - 1) / 2) * width * 1.25, 0.0, 0.0])
        parts += [part.moved(np.eye(3), shift) for part in [*body, lid]]
    return centred(parts, shadow=0.8)


def overflowing_bin(look: Look, rng: Generator) -> Model:
    """A bin whose bags bulge over the rim, with its lid open behind and litter beside it."""
    height = rng.uniform(0.85, 1.1)
    parts, width, colour = bin_body(look, rng, height)
    lid = rectangle(width * 1.1, 0.05, 0.0)
    parts.append(
        prism(
            raised(lid, 0, width * 0.58, height),
            raised(lid, 0, width * 0.58 + 0.2, height + rng.uniform(0.35, 0.5)),
            colour * 1.05,
        )
    )
    for _ in range(int(rng.integers(4, 7))):
        x, y = rng.uniform(-0.38, 0.38, 2) * width
        parts.append(spun(bag(look, rng, rng.uniform(0.17, 0.27)), rng, x, y, height - rng.uniform(0.0, 0.1)))
    parts.append(spun(bag(look, rng, rng.uniform(0.2, 0.28)), rng, 0, 0, height + 0.12))
    side = 1 if rng.random() < 0.5 else -1
    for _ in range(int(rng.integers(1, 4))):
        x = side * width * rng.uniform(0.75, 1.1)
        body = bag(look, rng, rng.uniform(0.16, 0.28)) if rng.random() < 0.75 else carton(look, rng, 0.35)
        parts.append(spun(body, rng, x, rng.uniform(-0.4, 0.2) * width))
    return centred(parts, shadow=0.85)


def soil_heap(look: Look, rng: Generator) -> Model:
    """A heap of soil with a rough surface, 1.4 to 3.2 m across."""
    radius = rng.uniform(0.7, 1.6)
    height = radius * within(rng, look.heap_steepness)
    around, levels = 16, 6
    stretch = rng.uniform(0.7, 1.0)
    lobes = (
        1 + 0.12 * np.sin(np.arange(around) * 2 * np.pi / around * 2 + rng.uniform(0, 6)) + rng.normal(0, 0.05, around)
    )
    rings = []
    for level in range(levels):
        share = 1 - level / levels
        one = ring((radius * share, radius * share * stretch), 0.0, around, level * 0.2)
        one[:, :2] *= lobes[:, None] * (1 + rng.normal(0, 0.05, (around, 1)))
        rise = height * (1 - share**1.35) + rng.normal(0, height * 0.045, around)
        one[:, 2] = np.maximum(rise, 0.0) if level else 0.0
        rings.append(one)
    tip = np.array([[0.0, 0.0, height * rng.uniform(0.95, 1.05)]])
    faces = [
        (r * around + i, r * around + (i + 1) % around, (r + 1) * around + (i + 1) % around, (r + 1) * around + i)
        for r in range(levels - 1)
        for i in range(around)
    ]
    last = (levels - 1) * around
    caps = [(last + i, last + (i + 1) % around, levels * around) for i in range(around)]
    colours = one_of(rng, look.soil_colours) * rng.uniform(0.74, 1.2, (len(faces) + len(caps), 1))
    return centred([quads(np.concatenate([*rings, tip]), [*faces, *caps], colours)], shadow=1.0)


def traffic_cone(look: Look, rng: Generator) -> Model:
    """A striped cone on its foot."""
    height = rng.uniform(0.6, 0.8)
    radius = height / within(rng, look.cone_slenderness) / 2
    orange, white = one_of(rng, look.cone_colours), np.array([235.0, 235, 235])
    parts = [prism(rectangle(radius * 2.6, radius * 2.6, 0), rectangle(radius * 2.5, radius * 2.5, 0.05), orange * 0.6)]
    marks = ((0.05, 0.35, orange), (0.35, 0.55, white), (0.55, 0.75, orange), (0.75, 0.88, white), (0.88, 1.0, orange))
    for low, high, colour in marks:
        wide, narrow = radius * (1.06 - low), radius * (1.06 - high)
        parts.append(prism(ring((wide, wide), low * height, 10), ring((narrow, narrow), high * height, 10), colour))
    return centred(parts, shadow=0.8)


def trunk(radius_m: float, height_m: float) -> Model:
    """A tree's trunk."""
    bark = np.array([58.0, 70, 82]) * (0.8 + radius_m * 2)
    foot, head = (radius_m * 1.2, radius_m * 1.2), (radius_m * 0.8, radius_m * 0.8)
    return Model((prism(ring(foot, 0, 8), ring(head, height_m, 8), bark),))


def centred(parts: list[Part], shadow: float) -> Model:
    """A model whose zero is the middle of its footprint: the middle of the rectangle round everything on the ground."""
    points = np.concatenate([part.vertices for part in parts])
    low = points[points[:, 2] < 0.1]
    middle = (low.min(axis=0) + low.max(axis=0)) / 2 * np.array([1, 1, 0])
    half = (low.max(axis=0) - low.min(axis=0)) / 2 * shadow + 0.12
    return Model(tuple(part.moved(np.eye(3), -middle) for part in parts), (), (float(half[0]), float(half[1])))
