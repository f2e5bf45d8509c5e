"""Paint and stone on the ground: lane lines, crossings, gutters and kerbs as flat quadrangles."""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from patrol.simulate.layout import Floats, Plan, Street
from patrol.simulate.paint import Canvas

WHITE = (200.0, 203.0, 203.0)
YELLOW = (60.0, 172.0, 212.0)
KERB = (172.0, 174.0, 174.0)
GUTTER = (72.0, 74.0, 76.0)
SIGHT_M = 55.0


@dataclass(frozen=True)
class Markings:
    """Quadrangles `(n, 4, 3)` in the plan with colours `(n, 3)`, in the order of drawing."""

    corners: Floats
    colours: Floats

    def draw(self, canvas: Canvas) -> None:
        """Draws those within sight."""
        away = self.corners.mean(axis=1) - canvas.view.centre
        near = np.flatnonzero((np.abs(away[:, :2]).max(axis=1) < SIGHT_M) & (away @ canvas.view.rotation[2] > -8.0))
        if not len(near):
            return
        local = canvas.view.in_camera(self.corners[near].reshape(-1, 3)).reshape(-1, 4, 3)
        canvas.faces(local, self.colours[near], np.arange(len(near)), cv2.LINE_AA)


def strip(street: Street, along: tuple[float, float], across: tuple[float, float]) -> Floats:
    """Corners `(4, 3)` of a rectangle on a street: a span along it and a span of offsets."""
    corners = [(along[0], across[0]), (along[1], across[0]), (along[1], across[1]), (along[0], across[1])]
    return np.array([(*street.point(*corner), 0.0) for corner in corners])


def lane_lines(street: Street, crossings: tuple[Street, ...]) -> list[tuple[Floats, tuple[float, float, float]]]:
    """The dashed middle line and the lines before the parking lanes."""
    found = []
    edge = street.road_half_m - 2.05
    for start in np.arange(street.low_m, street.high_m, 6.0):
        if any(abs(start + 1.2 - line.at_m) < line.road_half_m + 5 for line in crossings):
            continue
        found.append((strip(street, (start, start + 2.4), (-0.07, 0.07)), YELLOW))
        for side in (-1, 1):
            found.append((strip(street, (start, start + 6.0), (side * edge - 0.05, side * edge + 0.05)), WHITE))
    return found


def zebras(street: Street, line: Street) -> list[tuple[Floats, tuple[float, float, float]]]:
    """The bars of the two crossings where a street meets another line."""
    found = []
    for side in (-1, 1):
        near = line.at_m + side * (line.road_half_m + 0.8)
        span = (min(near, near + side * 2.6), max(near, near + side * 2.6))
        for offset in np.arange(-street.road_half_m + 0.6, street.road_half_m - 0.4, 0.95):
            found.append((strip(street, span, (offset, offset + 0.45)), WHITE))
    return found


def kerbs(box: Floats) -> list[tuple[Floats, tuple[float, float, float]]]:
    """The dark gutter and the light stones round a block, in pieces of about 8 m."""
    found = []
    for inset, colour in ((-0.12, GUTTER), (0.0, KERB)):
        x0, y0, x1, y1 = box + np.array([inset, inset, -inset, -inset])
        for low, high in pieces(x0, x1):
            found += [(flat(low, edge, high, edge + 0.14), colour) for edge in (y0, y1 - 0.14)]
        for low, high in pieces(y0, y1):
            found += [(flat(edge, low, edge + 0.14, high), colour) for edge in (x0, x1 - 0.14)]
    return found


def pieces(low: float, high: float) -> list[tuple[float, float]]:
    """A span cut into equal pieces of about 8 m."""
    edges = np.linspace(low, high, max(2, round((high - low) / 8) + 1))
    return [(float(a), float(b)) for a, b in pairwise(edges)]


def flat(x0: float, y0: float, x1: float, y1: float) -> Floats:
    """Corners `(4, 3)` of a rectangle on the ground."""
    return np.array([[x0, y0, 0], [x1, y0, 0], [x1, y1, 0], [x0, y1, 0.0]])


def all_markings(plan: Plan) -> Markings:
    """Everything painted or laid on the ground of a plan."""
    found = []
    for block in plan.blocks:
        found += kerbs(np.array(block.outer))
    for street in plan.streets:
        crossings = plan.y_lines if street.axis == 0 else plan.x_lines
        found += lane_lines(street, crossings)
        for line in crossings:
            found += zebras(street, line)
    return Markings(np.stack([corners for corners, _ in found]), np.array([colour for _, colour in found]))
