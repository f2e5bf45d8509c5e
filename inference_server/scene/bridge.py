"""One place by way of a third photograph: an earlier frame that matches both, where the two do not match each other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from inference_server.domain.observation import Box
from inference_server.domain.verification import Answer
from inference_server.scene.alignment import Alignment, SceneMatch
from inference_server.scene.geometry import is_sane
from inference_server.scene.look import Look
from inference_server.scene.places import nearest, place_of
from inference_server.scene.same_scene import compare

MOST_TRIED = 3


@dataclass(frozen=True, slots=True, eq=False)
class Bridge:
    """frame: position of the frame that joins the two photographs in the list that was given. match: what follows."""

    frame: int
    match: SceneMatch


def bridge(before: Look, after: Look, frames: Sequence[Look], region: Box | None = None) -> Bridge | None:
    """The first of the frames most like the photograph after that shows the same place as both; None where none does.

    Both steps must pass for themselves; the weaker one gives the score. The alignment is the first step's, then the
    second's, and only where both have a homography.
    """
    wanted = place_of(after.features)
    if wanted is None:
        return None
    described = {index: place_of(frame.features) for index, frame in enumerate(frames)}
    known = {index: description for index, description in described.items() if description is not None}
    for found in nearest(wanted, known, MOST_TRIED):
        there = compare(frames[found.key], after)
        if there.result.answer is not Answer.PASS:
            continue
        back = compare(before, frames[found.key], region)
        if back.result.answer is Answer.PASS:
            return Bridge(found.key, _joined(back, there, found.likeness))
    return None


def _joined(first: SceneMatch, second: SceneMatch, likeness: float) -> SceneMatch:
    weaker = min((first.result, second.result), key=lambda result: result.score)
    measures = {**weaker.measures, "bridge_likeness": likeness}
    return SceneMatch(replace(weaker, measures=measures), _after_each_other(first.alignment, second.alignment))


def _after_each_other(first: Alignment, second: Alignment) -> Alignment:
    """Points of the photograph before, carried over the frame into the photograph after."""
    none = np.zeros((0, 2), np.float32)
    if first.homography is None or second.homography is None or not len(first.before_px):
        return Alignment(None, none, none)
    joined = second.homography @ first.homography
    if not is_sane(joined, first.before_px):
        return Alignment(None, none, none)
    carried = cv2.perspectiveTransform(first.before_px[:, None].astype(np.float64), joined)[:, 0]
    return Alignment(joined / joined[2, 2], first.before_px, np.asarray(carried, np.float32))
