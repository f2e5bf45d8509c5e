"""The thing looked for again: where it was, and a few metres further on."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inference_server.scene.after_view import AfterView
from inference_server.scene.change import Looks
from inference_server.scene.region import Floats, Mask, Neighbourhood

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]

STEP = 2  # structure is pooled over more pixels than that: nothing is lost
SCALES_HERE = (0.84, 1.0, 1.19)
SCALES_BESIDE = (0.6, 0.77, 1.0, 1.3, 1.6)  # along a street a thing soon looks larger or smaller
HERE = 0.35  # sides of the region: a thing found this near to its place has not moved
SMOOTH = 0.02  # squared difference a pixel below which surfaces count as alike
COLOUR_SCALE = 0.1  # of differences in Lab, so that they weigh about as much as those of structure
LEAST_SEEN = 0.9  # of a place that a photograph must show


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What a place next door became, 0..1 both, each of the place where it is most.

    nearer: how much more like the thing, 0: not at all, 1: it now looks just the same. pattern: how much better the
    thing's pattern fits than it did before, or how well where only the photograph after reaches. Either alone tells
    little: where a vehicle has left, bare ground comes nearer to a flat thing but shows nothing of its pattern, and in
    another light a thing shows its pattern but comes no nearer.
    """

    nearer: float
    pattern: float


def found_here(hood: Neighbourhood, looks: Looks) -> float:
    """How well the structure of the region is found again at its place, a correlation in -1..1."""
    part = _part(hood)
    reach = max(1, round(HERE * hood.side_px / STEP))
    rows, columns = (slice(max(0, one.start - reach), one.stop + reach) for one in part)
    before, after = looks.before_edges[::STEP, ::STEP], looks.after_edges[::STEP, ::STEP]
    return max(_correlation(after[rows, columns], piece) for piece in _scaled(before[part], SCALES_HERE))


def found_beside(hood: Neighbourhood, looks: Looks, view: AfterView, seen: Looks, thing: Mask) -> Beside:
    """The thing before, `thing` (h, w) bool, looked for next door in the photograph after itself, whose looks are
    `seen`: on the plane of the region it would be drawn out of shape a few widths from it."""
    part = _part(hood)
    mask = cv2.GaussianBlur(thing.astype(np.float32), (0, 0), 1.0)[::STEP, ::STEP]
    template = np.dstack([_all(looks.before, looks.before_edges)[part], mask[part]])
    scenes = _Scenes(
        _all(seen.before, seen.before_edges),
        _all(seen.after, seen.after_edges),
        view.before_seen[::STEP, ::STEP].astype(np.float32),
        view.after_seen[::STEP, ::STEP].astype(np.float32),
        part,
    )
    found = [_became(scenes, piece) for piece in _scaled(template, SCALES_BESIDE)]
    return Beside(nearer=max(one.nearer for one in found), pattern=max(one.pattern for one in found))


def _part(hood: Neighbourhood) -> tuple[slice, slice]:
    """The region on the coarser grid."""
    x1, y1, x2, y2 = (round(v / STEP) for v in (hood.box.x1, hood.box.y1, hood.box.x2, hood.box.y2))
    return slice(y1, y2), slice(x1, x2)


def _all(features: Floats, edges: Floats) -> Floats:
    """Colour and structure together, on the coarser grid."""
    return np.ascontiguousarray(np.dstack([features[:, :, :3] * COLOUR_SCALE, edges])[::STEP, ::STEP])


def _scaled(piece: Floats, scales: tuple[float, ...]) -> list[Floats]:
    sizes = [(max(4, round(piece.shape[1] * scale)), max(4, round(piece.shape[0] * scale))) for scale in scales]
    layers = [np.ascontiguousarray(piece[:, :, k]) for k in range(piece.shape[2])]
    return [np.dstack([cv2.resize(layer, size) for layer in layers]) for size in sizes]


def _correlation(scene: Floats, piece: Floats) -> float:
    """How well the piece fits at its best place, -1..1: each layer without its mean, all layers together.

    Smooth ground fits nothing well: a floor holds its value down.
    """
    height, width = piece.shape[:2]
    if height > scene.shape[0] or width > scene.shape[1]:
        return -1.0
    fits = np.zeros((scene.shape[0] - height + 1, scene.shape[1] - width + 1))
    there, own = np.zeros_like(fits), 0.0
    for k in range(piece.shape[2]):
        layer, part = np.ascontiguousarray(scene[:, :, k]), np.ascontiguousarray(piece[:, :, k])
        fits += cv2.matchTemplate(layer, part, cv2.TM_CCOEFF)
        there += _spread(layer, height, width)
        own += float(((part - part.mean()) ** 2).sum())
    return float((fits / (np.sqrt(there * own) + SMOOTH * height * width)).max())


def _spread(layer: Floats, height: int, width: int) -> Values:
    """The sum of squared deviations from the mean in every window of this size."""
    sums, squares = (
        t[height:, width:] - t[:-height, width:] - t[height:, :-width] + t[:-height, :-width]
        for t in cv2.integral2(layer, sdepth=cv2.CV_64F, sqdepth=cv2.CV_64F)
    )
    return np.asarray(np.maximum(squares - sums**2 / (height * width), 0.0), np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Scenes:
    """Both photographs on the coarser grid, where they reach (1.0), and where on it the region lies."""

    before: Floats
    after: Floats
    before_seen: Floats
    after_seen: Floats
    part: tuple[slice, slice]


def _became(scenes: _Scenes, piece: Floats) -> Beside:
    """What the places next door became, the piece in this size."""
    height, width = piece.shape[:2]
    if height > scenes.after.shape[0] or width > scenes.after.shape[1]:
        return Beside(nearer=0.0, pattern=0.0)
    thing, mask = np.ascontiguousarray(piece[:, :, :-1]), np.ascontiguousarray(piece[:, :, -1])
    known, shown = (_reaches(seen, mask) for seen in (scenes.before_seen, scenes.after_seen))
    shown &= _elsewhere(scenes.part, height, width, shown.shape)
    gain = _gain(scenes.before, scenes.after, thing, mask)
    was, is_now = _pattern(scenes.before, thing, mask), _pattern(scenes.after, thing, mask)
    rise = is_now - np.where(known, np.maximum(was, 0.0), 0.0)
    return Beside(nearer=_most(gain, shown & known), pattern=_most(rise, shown))


def _reaches(seen: Floats, mask: Floats) -> Flags:
    """Of every place whether a photograph shows enough of what the mask covers there."""
    return np.asarray(cv2.matchTemplate(seen, mask, cv2.TM_CCORR) >= LEAST_SEEN * max(float(mask.sum()), 1e-6))


def _elsewhere(part: tuple[slice, slice], height: int, width: int, shape: tuple[int, ...]) -> Flags:
    """Of every place whether its middle lies outside the region."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    down = np.abs(2 * rows + height - (part[0].start + part[0].stop)) > part[0].stop - part[0].start
    across = np.abs(2 * columns + width - (part[1].start + part[1].stop)) > part[1].stop - part[1].start
    return np.asarray(down | across)


def _most(values: Values, where: Flags) -> float:
    return float(np.clip(values[where].max(initial=0.0), 0.0, 1.0))


def _gain(first: Floats, second: Floats, thing: Floats, mask: Floats) -> Values:
    """How much nearer to the thing every place came, as a share of how far from it that place was."""
    was, is_now = _distance(first, thing, mask), _distance(second, thing, mask)
    usual = SMOOTH * float(mask.sum()) + float(np.median(was))
    return np.asarray(np.minimum((was - is_now) / np.maximum(was, 0.25 * usual), 1 - is_now / usual))


def _pattern(scene: Floats, thing: Floats, mask: Floats) -> Values:
    """How well the thing's pattern fits every place, a masked correlation in -1..1: each layer without its mean."""
    weight = float(mask.sum())
    apart = thing - (thing * mask[:, :, None]).sum(axis=(0, 1)) / max(weight, 1e-6)
    held = apart * mask[:, :, None]
    fits = _summed(scene, held)
    there = cv2.matchTemplate((scene**2).sum(axis=2), mask, cv2.TM_CCORR).astype(np.float64)
    for k in range(thing.shape[2]):
        layer = np.ascontiguousarray(scene[:, :, k])
        there -= cv2.matchTemplate(layer, mask, cv2.TM_CCORR).astype(np.float64) ** 2 / max(weight, 1e-6)
    own = float((apart * held).sum())
    return np.asarray(fits / (np.sqrt(np.maximum(there, 0.0) * own) + max(SMOOTH * weight, 1e-6)))


def _distance(scene: Floats, piece: Floats, mask: Floats) -> Values:
    """The masked sum of squared differences between the piece and every place of the scene."""
    held = piece * mask[:, :, None]
    own = float((held * piece).sum())
    total = own + cv2.matchTemplate((scene**2).sum(axis=2), mask, cv2.TM_CCORR).astype(np.float64)
    return np.asarray(np.maximum(total - 2 * _summed(scene, held), 0.0), np.float64)


def _summed(scene: Floats, piece: Floats) -> Values:
    """The correlation of the piece with every place, summed over all layers."""
    total = np.zeros((scene.shape[0] - piece.shape[0] + 1, scene.shape[1] - piece.shape[1] + 1))
    for k in range(0, piece.shape[2], 3):  # OpenCV takes at most four layers at once
        layers, part = (np.ascontiguousarray(values[:, :, k : k + 3], np.float32) for values in (scene, piece))
        total += cv2.matchTemplate(layers, part, cv2.TM_CCORR)
    return total
