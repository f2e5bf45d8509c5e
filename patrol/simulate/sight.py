"""What stands in the way of a view: buildings before things."""

import cv2
import numpy as np
from numpy.typing import NDArray

from patrol.simulate.camera import View
from patrol.simulate.layout import Plan
from patrol.simulate.paint import Canvas, fixed_point
from patrol.simulate.solids import Floats, Model
from patrol.simulate.street import Scenery


def distance_to(view: View, model: Model) -> float:
    """Metres over ground from the camera to the middle of a thing."""
    return float(np.linalg.norm(model.middle[:2] - view.centre[:2]))


def hidden_shares(plan: Plan, view: View, models: list[Model]) -> Floats:
    """For each thing the share `(n,)` of the sight lines to its middle and its two sides that a building cuts.

    0, 1/3, 2/3 or 1; what is somewhat hidden may come out as 1/3 too much, never as too little.
    """
    if not models:
        return np.empty(0)
    places = np.array([model.middle[:2] for model in models])
    away = places - view.centre[:2]
    right = np.stack([away[:, 1], -away[:, 0]], axis=1) / np.maximum(np.linalg.norm(away, axis=1), 1e-9)[:, None]
    half = right * np.array([model.reach_m for model in models])[:, None]
    spots = np.stack([places, places - half, places + half], axis=1).reshape(-1, 2)
    return np.asarray(plan.blocked(view.centre[:2], spots).reshape(-1, 3).mean(axis=1))


def cover_of(canvas: Canvas, scenery: Scenery, chosen: NDArray[np.int64], spot: Floats) -> NDArray[np.uint8]:
    """255 where a front stands between the camera and a place of the plan `(2,)`."""
    plane = np.zeros(canvas.size[::-1], dtype=np.uint8)
    for i in chosen:
        if float((spot - scenery.middles[i][:2]) @ scenery.normals[i][:2]) < -0.2:
            pixels = canvas.outline(scenery.corners[i])
            if canvas.window(pixels) is not None:
                cv2.fillConvexPoly(plane, fixed_point(pixels), 255, cv2.LINE_8, 4)
    return plane
