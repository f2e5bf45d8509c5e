"""What can be measured of the region before and after; `gone.py` judges it."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from detector.boxes import iou
from detector.detections import Detections
from detector.image import Pixels
from inference_server.domain.observation import Box
from inference_server.scene.after_view import after_view
from inference_server.scene.change import (
    LEAST_QUIET,
    Looks,
    Telling,
    colour_change,
    light_of,
    looks_of,
    quiet_ground,
    spill,
    stands_out,
    structure_change,
    telling,
    unlike,
    unlike_most_of_it,
)
from inference_server.scene.hidden import without_movers
from inference_server.scene.moved import Beside, found_beside, found_here
from inference_server.scene.photo import ScenePhoto
from inference_server.scene.region import Floats, Mask, Matrix, Neighbourhood
from inference_server.scene.settle import settled

QUIET = 0.25  # the share of the thing that changed least: a part that is left
BLOCK = 0.35  # sides of the region: the side of a block, the smallest piece of a thing that is looked for
FILLED = 0.6  # of a block that must be thing for it to tell whether it is left
EDGE_GREY = 10.0  # a Laplacian above that is an edge, not detail
LEAST_SIDE = 40  # pixels of ground on one side of the region
ON_REGION = 0.3  # of the smaller box: from here on two boxes are at one place
ON_GRID = 0.8  # of a box that belongs to the neighbourhood
SAME_BOX = 0.5  # intersection over union from which on two boxes are of one thing
SURER = 1.5  # times the score: the detector has made up its mind
MOVER_SCORE = 0.25  # a wrongly masked piece of ground costs little


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """The neighbourhood, its features, and the numbers that were read off them."""

    hood: Neighbourhood
    ground: Mask
    looks: Looks
    sign: Telling
    measures: Mapping[str, float]


def evidence_of(
    hood: Neighbourhood, photos: tuple[ScenePhoto, ScenePhoto], covering: frozenset[str]
) -> Evidence | None:
    """The evidence of a neighbourhood; None where too little ground is left to compare with."""
    free = without_movers(hood.seen.shape, photos[0].found, hood.to_before, covering, MOVER_SCORE)
    hood = settled(hood, hood.belt & free)
    free &= without_movers(hood.seen.shape, photos[1].found, hood.to_after, covering, MOVER_SCORE)
    ground = hood.belt & free
    if ground.sum() < max(60, 0.25 * hood.inside.sum()) or hood.inside.sum() < 60:
        return None
    light = light_of(hood, ground)
    looks = looks_of(hood.before, hood.after, light)
    sign = telling(looks, hood.inside, ground)
    thing = hood.inside & (sign.before > 0.5)
    if not thing.any():
        thing = hood.inside
    view = after_view(hood, photos[0].pixels, photos[1].pixels)
    beside = found_beside(hood, looks, view, looks_of(view.before, view.after, light), thing)
    measures = _measures(hood, ground, looks, sign, thing)
    return Evidence(hood, ground, looks, sign, {**measures, **_told(beside)})


def _told(beside: Beside) -> dict[str, float]:
    return {"nearer_beside": beside.nearer, "pattern_beside": beside.pattern}


def _measures(hood: Neighbourhood, ground: Mask, looks: Looks, sign: Telling, thing: Mask) -> dict[str, float]:
    inside = hood.inside
    structure, colour = structure_change(looks), colour_change(looks)
    out = stands_out(looks.before, inside, ground), stands_out(looks.after, inside, ground)
    quiet = quiet_ground(structure, colour, ground)
    unlike_quiet = _blocks_unlike(hood, looks, quiet if quiet.sum() >= LEAST_QUIET else ground)
    same = (structure < 0.3) & (colour < 2.5 * np.median(colour[ground]) + 3)
    return {
        "here": found_here(hood, looks),
        "quiet": float(quiet.sum() / ground.sum()),
        **unlike_quiet,
        "left_block": _left_block(hood, thing, same & (sign.after > 0.5)),
        "structure_inside": float(structure[inside].mean()),
        "structure_ground": float(structure[ground].mean()),
        "colour_inside": float(np.log1p(colour[inside].mean())),
        "colour_ground": float(np.log1p(colour[ground].mean())),
        "structure_calm": min(float(structure[side].mean()) for side in _sides(hood, ground)),
        "spill": spill(structure, colour, inside, ground),
        "separation": sign.separation,
        "left": float(sign.after[inside].mean() - sign.after[ground].mean()),
        "kept": float((sign.after[thing] > 0.5).mean()),
        "quiet_structure": float(np.quantile(structure[thing], QUIET)),
        "quiet_colour": float(np.log1p(np.quantile(colour[thing], QUIET))),
        "same": float(same[thing].mean()),
        "stands_out_before": out[0],
        "stands_out_after": out[1],
        "detail_inside_after": detail(hood.after, inside),
        "detail_ground_before": detail(hood.before, ground),
        "detail_ground_after": detail(hood.after, ground),
        "brightness_after": float(hood.after[inside].mean()),
        "region_px": hood.side_px,
    }


def _sides(hood: Neighbourhood, ground: Mask) -> list[Mask]:
    """The ground left of, right of, above and below the region, as far as there is enough of it; all, if of none."""
    rows, columns = np.ogrid[: ground.shape[0], : ground.shape[1]]
    x, y, box = columns + 0.5, rows + 0.5, hood.box
    beyond = [x < box.x1, x > box.x2, y < box.y1, y > box.y2]
    found = [ground & side for side in beyond]
    return [side for side in found if side.sum() >= LEAST_SIDE] or [ground]


def _block_px(hood: Neighbourhood) -> int:
    return max(5, round(BLOCK * hood.side_px)) | 1


def _blocks_unlike(hood: Neighbourhood, looks: Looks, quiet: Mask) -> dict[str, float]:
    """How far the block of the region after that differs most from unchanged ground differs, from all of it and from
    most of it, and the one that differs least: what is left of a thing is unlike the ground somewhere, what hides it
    everywhere."""
    block = _block_px(hood)
    within = cv2.erode(hood.inside.astype(np.uint8), np.ones((block, block), np.uint8)) > 0
    within = within if within.any() else hood.inside
    plain, firm = (
        cv2.blur(differs(looks.after, quiet), (block, block))[within] for differs in (unlike, unlike_most_of_it)
    )
    return {
        "unlike_most": float(plain.max()),
        "unlike_least": float(plain.min()),
        "strange": float(firm.max()),
    }


def _left_block(hood: Neighbourhood, thing: Mask, left: Mask) -> float:
    """The largest share of the thing's pixels in one block that are left."""
    block = _block_px(hood)
    filled = _blurred(thing, block)
    enough = (filled >= FILLED) & hood.inside
    if not enough.any():
        enough = (filled >= 0.95 * filled[hood.inside].max()) & hood.inside
    return float((_blurred(left & thing, block) / np.maximum(filled, 1e-6))[enough].max())


def _blurred(mask: Mask, block: int) -> Floats:
    return np.asarray(cv2.blur(mask.astype(np.float32), (block, block)), np.float32)


def detail(pixels: Pixels, where: Mask) -> float:
    """How fine the picture is there: the mean Laplacian in grey levels, to which a single edge adds little."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    return float(np.minimum(np.abs(cv2.Laplacian(grey, cv2.CV_32F)[where]), EDGE_GREY).mean())


def not_outvoted(found: Detections, classes: frozenset[str]) -> Detections:
    """The detections without those of these classes that lie under a clearly surer one of another class: what is a bin
    for certain is no overflowing bin, and a cover that was laid is no open hole."""
    ours = np.array([name in classes for name in found.names()], np.bool_)
    others = found.where(~ours)
    if not ours.any() or not len(others):
        return found
    over = np.where(iou(found.boxes, others.boxes) >= SAME_BOX, others.scores[None], 0.0).max(axis=1)
    return found.where(~(ours & (over >= SURER * found.scores)))


def best_score(found: Detections, to_photo: Matrix, box: Box, classes: frozenset[str]) -> float:
    """The highest score of a detection of these classes that lies on the region; 0 where there is none."""
    region = outline(box, to_photo)
    return max((score for score, there in _of(found, classes) if there.share_inside(region) >= ON_REGION), default=0.0)


def best_score_beside(found: tuple[Detections, Detections], hood: Neighbourhood, classes: frozenset[str]) -> float:
    """The highest score of a detection after that lies in the neighbourhood, not on the region, and that nothing before
    accounts for; 0 where there is none."""
    back = hood.to_before @ np.linalg.inv(hood.to_after)
    height, width = hood.seen.shape
    whole = outline(Box(x1=0, y1=0, x2=width, y2=height), hood.to_after)
    region = outline(hood.box, hood.to_after)
    known = [there for _, there in _of(found[0], classes)]
    best = 0.0
    for score, there in _of(found[1], classes):
        new = all(outline(there, back).share_inside(other) < ON_REGION for other in known)
        if new and there.share_inside(region) < ON_REGION and there.share_inside(whole) > ON_GRID:
            best = max(best, score)
    return best


def _of(found: Detections, classes: frozenset[str]) -> list[tuple[float, Box]]:
    rows = zip(found.names(), found.scores, found.boxes, strict=True)
    return [
        (float(score), Box(x1=float(box[0]), y1=float(box[1]), x2=float(box[2]), y2=float(box[3])))
        for name, score, box in rows
        if name in classes
    ]


def outline(box: Box, homography: Matrix) -> Box:
    """The upright box round a box's corners, seen through a homography."""
    corners = np.array([[x, y, 1.0] for x in (box.x1, box.x2) for y in (box.y1, box.y2)]) @ homography.T
    there = corners[:, :2] / corners[:, 2:]
    (x1, y1), (x2, y2) = there.min(axis=0), there.max(axis=0)
    return Box(x1=float(x1), y1=float(y1), x2=float(x2), y2=float(y2))
