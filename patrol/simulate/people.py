"""People who walk by: upright bodies of a few solids, drawn where a scene asks for them."""

import numpy as np
from numpy.random import Generator

from patrol.simulate.looks import Look
from patrol.simulate.shapes import centred, one_of
from patrol.simulate.solids import Floats, Model, Part, prism, ring

SKIN = np.array([130.0, 160, 205])
HAIR = np.array([32.0, 32, 36])


def person(look: Look, rng: Generator) -> Model:
    """Somebody in mid-step, 1.5 to 1.85 m tall, dressed in colours that the look's bags have."""
    tall, step = float(rng.uniform(1.5, 1.85)), float(rng.uniform(0.05, 0.3))
    coat, trousers = one_of(rng, look.bag_colours), one_of(rng, look.car_colours) * 0.6
    legs = [_limb((0.1 * side, step * side), (0.08 * side, 0.0), 0.0, tall * 0.48, trousers) for side in (-1, 1)]
    arms = [_limb((0.26 * side, -step * side), (0.23 * side, 0), tall * 0.45, tall * 0.8, coat) for side in (-1, 1)]
    trunk = prism(ring((0.18, 0.12), tall * 0.46, 8), ring((0.22, 0.13), tall * 0.83, 8), coat)
    head = prism(ring((0.09, 0.1), tall * 0.84, 8), ring((0.08, 0.09), tall, 8), np.vstack([[SKIN] * 8, HAIR]))
    return centred([*legs, *arms, trunk, head], shadow=0.8)


def _limb(foot: tuple[float, float], head: tuple[float, float], low_m: float, high_m: float, colour: Floats) -> Part:
    """A slanted post from one place on the ground's grid to another."""
    bottom, top = ring((0.07, 0.07), low_m, 6), ring((0.08, 0.08), high_m, 6)
    return prism(bottom + np.array([*foot, 0.0]), top + np.array([*head, 0.0]), colour)
