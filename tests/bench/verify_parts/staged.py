"""Pairs of photographs of which the truth is known: a thing that is there, still there, or gone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inference_server.domain.observation import Box as Region
from verify_parts.forging import covered_by_neighbour
from verify_parts.pasting import CutOut, cut_out, left_part, paste
from verify_parts.photographing import photographed_again
from verify_parts.things import Box, Thing

Pixels = NDArray[np.uint8]
Rng = np.random.Generator

_SAVED = (78, 96)  # of a JPEG as phones write it
_DRAWN_BY_HAND = 0.06  # of a box's sides: nobody draws boxes more exactly


@dataclass(frozen=True, slots=True)
class Staged:
    """A pair to be made: the same from its seed whenever it is asked for.

    kind: what happens to the thing. before, after: the pictures it is made of. box, there: where its place is in each.
    thing: what is pasted there, None where the picture shows it itself. cover: what is parked in front of it.
    """

    kind: str
    before: Path
    after: Path
    box: Box
    there: Box
    class_name: str
    seed: int
    thing: Thing | None = None
    cover: Thing | None = None

    @property
    def name(self) -> str:
        """Tells the pair from all others of its kind."""
        return f"{self.before.stem} {self.after.stem} {self.seed}"


@dataclass(frozen=True, slots=True)
class Photos:
    """What is handed in; an untouched picture is None: its file is taken as it is."""

    before: bytes | None
    after: bytes | None


def photos_of(pair: Staged) -> Photos:
    """The photographs of a pair."""
    return _MAKERS[pair.kind](pair, np.random.default_rng([pair.seed, len(pair.kind)]))


def _vanished(pair: Staged, rng: Rng) -> Photos:
    return Photos(_with_thing(pair, rng), None)


def _labelled(pair: Staged, rng: Rng) -> Photos:
    return Photos(None, None)


def _stays(pair: Staged, rng: Rng) -> Photos:
    return Photos(_with_thing(pair, rng), _again(pair, rng, part=None))


def _partly(pair: Staged, rng: Rng) -> Photos:
    part = left_part(rng.uniform(0.3, 0.6), rng)
    return Photos(_with_thing(pair, rng), _again(pair, rng, part=part))


def _moved(pair: Staged, rng: Rng) -> Photos:
    return Photos(_with_thing(pair, rng), _again(pair, rng, part=None, aside=rng.uniform(1.1, 2.0)))


def _hidden(pair: Staged, rng: Rng) -> Photos:
    assert pair.cover is not None
    after, there = _read(pair.after), pair.there
    width, height = there[2] - there[0], there[3] - there[1]
    x1, y1 = there[0] - 0.35 * width, there[3] + 0.15 * height - max(1.5 * height, 0.75 * 1.7 * width)
    box = _inside((x1, y1, x1 + 1.7 * width, there[3] + 0.15 * height), after)
    return Photos(_with_thing(pair, rng), _saved(paste(after, cut_out(pair.cover), box), rng))


def _again_from_one(pair: Staged, rng: Rng) -> Photos:
    return Photos(None, _saved(photographed_again(_read(pair.before), pair.box, rng), rng))


def _partly_from_one(pair: Staged, rng: Rng) -> Photos:
    x1, y1, x2, y2 = pair.box
    left = rng.uniform(0.35, 0.6)
    if x2 - x1 >= y2 - y1:
        cleared = (round(x1 + left * (x2 - x1)), y1, x2, y2)
    else:
        cleared = (x1, y1, x2, round(y1 + (1 - left) * (y2 - y1)))
    swept = covered_by_neighbour(_read(pair.before), cleared, rng)
    return Photos(None, _saved(photographed_again(swept, pair.box, rng), rng))


_MAKERS: Mapping[str, Callable[[Staged, Rng], Photos]] = {
    "vanished": _vanished,
    "labelled in both": _labelled,
    "stays": _stays,
    "partly remains": _partly,
    "moved next door": _moved,
    "hidden": _hidden,
    "one exposure": _again_from_one,
    "one exposure, partly remains": _partly_from_one,
}
TWO_EXPOSURES = ("labelled in both", "stays", "partly remains", "moved next door", "hidden")


def region_of(pair: Staged) -> Region:
    """Where the thing is before, as a person would draw it: not quite."""
    rng = np.random.default_rng([pair.seed, 7])
    x1, y1, x2, y2 = pair.box
    off = rng.uniform(-_DRAWN_BY_HAND, _DRAWN_BY_HAND, 4) * np.array([x2 - x1, y2 - y1] * 2)
    return Region(x1=max(0.0, x1 + off[0]), y1=max(0.0, y1 + off[1]), x2=x2 + off[2], y2=y2 + off[3])


def _with_thing(pair: Staged, rng: Rng) -> bytes:
    return _saved(paste(_read(pair.before), _piece(pair), pair.box), rng)


def _again(pair: Staged, rng: Rng, part: NDArray[np.float32] | None, aside: float = 0.0) -> bytes:
    """The picture after with the thing, seen a little larger or smaller, and `aside` widths next door."""
    after, there = _read(pair.after), pair.there
    width, height = there[2] - there[0], there[3] - there[1]
    grown, off = rng.uniform(0.93, 1.07, 2), rng.normal(0, 0.02, 2)
    side = 1 if there[0] + width / 2 < after.shape[1] / 2 else -1
    x = (there[0] + there[2]) / 2 + (off[0] + side * aside) * width
    y = (there[1] + there[3]) / 2 + off[1] * height
    half = grown * (width, height) / 2
    box = _inside((x - half[0], y - half[1], x + half[0], y + half[1]), after)
    return _saved(paste(after, _piece(pair), box, part), rng)


def _piece(pair: Staged) -> CutOut:
    assert pair.thing is not None
    return cut_out(pair.thing)


def _inside(box: tuple[float, float, float, float], pixels: Pixels) -> Box:
    """The box on whole pixels, pushed into the picture."""
    height, width = pixels.shape[:2]
    w, h = min(width, max(4, round(box[2] - box[0]))), min(height, max(4, round(box[3] - box[1])))
    x, y = min(max(0, round(box[0])), width - w), min(max(0, round(box[1])), height - h)
    return x, y, x + w, y + h


def _read(path: Path) -> Pixels:
    return np.asarray(cv2.imread(str(path)), np.uint8)


def _saved(pixels: Pixels, rng: Rng) -> bytes:
    quality = int(rng.integers(*_SAVED))
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
