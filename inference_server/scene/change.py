"""How much the region changed against what lies round it: structure and colour, not brightness."""

from dataclasses import dataclass

import cv2
import numpy as np

from detector.image import Pixels
from inference_server.scene.region import Floats, Mask, Neighbourhood

DIRECTIONS = 6
TOLERANCE_PX = 2.2  # structure this far apart is the same: what is left of the alignment's error
NOISE_GREY = 2.5  # mean gradient per direction below which a surface counts as smooth
RIDGE = 0.15
QUIET_STRUCTURE = 0.45  # change of structure up to which ground counts as unchanged
QUIET_COLOUR = 9.0  # distance in Lab, the same
LEAST_QUIET = 60  # pixels of unchanged ground; with less of it all ground is taken


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """Both photographs as features on the grid: (h, w, n) float32, and the structure alone (h, w, DIRECTIONS)."""

    before: Floats
    after: Floats
    before_edges: Floats
    after_edges: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """What brings the light after to the light before: Lab values around `found` are stretched by `gain` and put around
    `wanted`, all (3,)."""

    found: Floats
    gain: Floats
    wanted: Floats

    def brought(self, lab: Floats) -> Floats:
        """The photograph after, (h, w, 3) Lab, in the light before."""
        return np.asarray((lab - self.found) * self.gain + self.wanted, np.float32)


def light_of(hood: Neighbourhood, ground: Mask) -> Light:
    """Lightness by median and spread, colour by median, over the ground, (h, w) bool and not empty; dim light takes
    colour away as well."""
    goal, have = _lab(hood.before)[ground], _lab(hood.after)[ground]
    gain = float(np.clip(goal[:, 0].std() / max(have[:, 0].std(), 1e-3), 0.5, 2.0))
    wanted, found = np.median(goal, axis=0), np.median(have, axis=0)
    light = float(np.clip(wanted[0] / max(found[0], 1.0), 0.5, 2.0))
    return Light(found, np.array([gain, light, light], np.float32), wanted)


def looks_of(before: Pixels, after: Pixels, light: Light) -> Looks:
    """Features of both photographs, (h, w, 3) uint8 BGR on one grid; light and contrast after are those before."""
    first, second = _lab(before), light.brought(_lab(after))
    first_edges, second_edges = edges(first[:, :, 0]), edges(second[:, :, 0])
    return Looks(_features(first, first_edges), _features(second, second_edges), first_edges, second_edges)


def _lab(pixels: Pixels) -> Floats:
    return np.asarray(cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_BGR2Lab), np.float32)


def edges(grey: Floats) -> Floats:
    """Strength of the gradient by direction, (h, w, DIRECTIONS), pooled over a few pixels.

    Directions are those of Dalal and Triggs 2005 without sign; a gradient is shared between the two nearest.
    """
    smooth = cv2.GaussianBlur(grey, (0, 0), 0.8)
    x, y = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=0.25), cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=0.25)
    strength, place = np.hypot(x, y), (np.arctan2(y, x) % np.pi) * (DIRECTIONS / np.pi)
    half = DIRECTIONS / 2
    layers = [strength * np.maximum(0.0, 1 - np.abs((place - k + half) % DIRECTIONS - half)) for k in range(DIRECTIONS)]
    return np.asarray(cv2.GaussianBlur(np.stack(layers, axis=-1), (0, 0), TOLERANCE_PX), np.float32)


def _features(lab: Floats, structure: Floats) -> Floats:
    """Lightness, colour, strength of the structure by direction and at a coarser scale."""
    soft = cv2.GaussianBlur(lab, (0, 0), 1.2)
    coarse = cv2.GaussianBlur(structure.sum(axis=2), (0, 0), 2 * TOLERANCE_PX)
    return np.dstack([soft, structure, coarse])


def structure_change(looks: Looks) -> Floats:
    """How different the structure is, (h, w) in 0..1: one minus the weighted Jaccard index of the two."""
    low = np.minimum(looks.before_edges, looks.after_edges).sum(axis=2)
    high = np.maximum(looks.before_edges, looks.after_edges).sum(axis=2)
    return np.asarray(1 - (low + NOISE_GREY) / (high + NOISE_GREY), np.float32)


def colour_change(looks: Looks) -> Floats:
    """How different the colour and the evened lightness are, (h, w), as a distance in Lab."""
    return np.asarray(np.linalg.norm(looks.before[:, :, :3] - looks.after[:, :, :3], axis=2), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Telling:
    """What tells the thing from its surroundings in the photograph before, looked for in both.

    before, after: (h, w) float32; about 0 on the surroundings before and about 1 on the thing before. separation: how
    far apart the two are, in standard deviations.
    """

    before: Floats
    after: Floats
    separation: float


def telling(looks: Looks, inside: Mask, belt: Mask) -> Telling:
    """The linear discriminant (Fisher 1936, with a ridge) between region and belt before, applied to both."""
    thing, ground = looks.before[inside], looks.before[belt]
    apart = thing.mean(axis=0) - ground.mean(axis=0)
    spread = (np.cov(thing.T) + np.cov(ground.T)) / 2
    scale = np.sqrt(np.diag(spread)) + 1e-3
    normal = spread / np.outer(scale, scale) * (1 - RIDGE) + RIDGE * np.eye(len(scale))
    weights = np.linalg.solve(normal, apart / scale) / scale
    length = float(apart @ weights)
    deviation = float(np.sqrt(max(float(weights @ spread @ weights), 1e-12)))
    unit = weights / max(length, 1e-9)
    offset = float(ground.mean(axis=0) @ unit)
    return Telling(
        np.asarray(looks.before @ unit - offset, np.float32),
        np.asarray(looks.after @ unit - offset, np.float32),
        length / deviation,
    )


def stands_out(features: Floats, inside: Mask, belt: Mask) -> float:
    """How far the region differs from the belt: the mean difference of features in standard deviations of the belt."""
    ground, thing = features[belt], features[inside]
    spread = ground.std(axis=0) + 0.5
    return float(np.sqrt(np.mean(((thing.mean(axis=0) - ground.mean(axis=0)) / spread) ** 2)))


def quiet_ground(structure: Floats, colour: Floats, ground: Mask) -> Mask:
    """The ground that has not changed between the photographs, without its rim; may be empty."""
    calm = ground & (structure < QUIET_STRUCTURE) & (colour < QUIET_COLOUR)
    return np.asarray(cv2.erode(calm.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)


def unlike(features: Floats, ground: Mask) -> Floats:
    """How far every pixel differs from the ground, (h, w), in standard deviations of the ground."""
    return _apart(features, features[ground].mean(axis=0), features[ground].std(axis=0))


def unlike_most_of_it(features: Floats, ground: Mask) -> Floats:
    """The same by median and median deviation: something else on a smaller part of the ground does not count as it."""
    middle = np.median(features[ground], axis=0)
    return _apart(features, middle, 1.48 * np.median(np.abs(features[ground] - middle), axis=0))


def _apart(features: Floats, middle: Floats, spread: Floats) -> Floats:
    return np.asarray(np.sqrt((((features - middle) / (spread + 0.5)) ** 2).mean(axis=2)), np.float32)


def spill(structure: Floats, colour: Floats, inside: Mask, ground: Mask) -> float:
    """The share of the ground that lies under changes which reach into the region: what hides it is larger than it."""
    changed = ((structure > QUIET_STRUCTURE) | (colour > QUIET_COLOUR)).astype(np.uint8)
    _, patches = cv2.connectedComponents(cv2.morphologyEx(changed, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)))
    reaching = np.isin(patches, np.unique(patches[inside])) & (patches > 0)
    return float((reaching & ground).sum() / max(ground.sum(), 1))
