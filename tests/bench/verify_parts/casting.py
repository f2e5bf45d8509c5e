"""Which things are laid into which places: the pairs of the parts `remains` and `gone`."""

from __future__ import annotations

import hashlib
import itertools
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from inference_server.scene.gone_rules import COVERING
from verify_parts.carrying import carried
from verify_parts.neighbours import NEIGHBOURS, Two, two_moments
from verify_parts.staged import TWO_EXPOSURES, Staged
from verify_parts.things import VEHICLES, Box, Picture, Thing, is_for_choosing, pictures
from verify_parts.work import Work, kept, kept_detections

Rng = np.random.Generator

_MADE_BY = ("carrying", "neighbours", "things")
_ON_ROADS = ("pothole", "crack", "garbage", "soil_heap")
_ANYWHERE = ("garbage", "overflowing_bin", "pothole", "graffiti", "soil_heap")
_WALLS = ("graffiti",)
_PASTED_FROM = ("street_bins", "patrol_saudi_a", "patrol_saudi_b", "graffiti_walls", "road_brazil", "pothole_web")
_ONE_EXPOSURE_OF = (*_PASTED_FROM, "pothole_small")
_LEAST_CUT_PX, _LEAST_COVER_PX, _LEAST_THING_PX = 28, 40, 24
_LARGEST_THING = 0.3  # of the picture
_MOST_TWO = 400  # of two exposures: more would show the same few places again
_SPOTS_TRIED = 12
_OVERLAP = 0.3  # of a labelled thing before, carried over, with one of its class after: it is the same
_MOST_ZOOM = 2.0
_MOST_ENLARGED = 1.3  # of its own picture; more would be a blur
_MOST_SHAPE = 2.2  # ratio of the sides of what is pasted
_COVER_SCORE = 0.25


def gone(work: Work, most: int) -> list[Staged]:
    """At most so many pairs where the after is an untouched picture and the thing was laid into the one before."""
    return _kept(work, f"gone {most}", partial(_gone, most))


def remains(work: Work, most: int, most_two: int = _MOST_TWO) -> list[Staged]:
    """At most so many where it is still there; half of them, `most_two` at most, from two exposures."""
    made = partial(_remains, most, most_two=most_two)
    return _kept(work, f"remains {most} {most_two}", made)


def _kept(work: Work, what: str, make: Callable[[bool], list[Staged]]) -> list[Staged]:
    files = [Path(__file__), NEIGHBOURS, *(Path(__file__).with_name(f"{name}.py") for name in _MADE_BY)]
    code = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    key = f"{what} {work.for_choosing} {code}"
    return kept("staged", key, (), lambda: make(work.for_choosing))


def _gone(most: int, for_choosing: bool) -> list[Staged]:
    return list(itertools.islice(_laid("vanished", for_choosing), most))


def _remains(most: int, for_choosing: bool, most_two: int) -> list[Staged]:
    two = list(itertools.islice(_two_exposures(for_choosing), min(most // 2, most_two)))
    return two + list(itertools.islice(_one_exposure(for_choosing), most - len(two)))


def _two_exposures(for_choosing: bool) -> Iterator[Staged]:
    """What is labelled in both first, for it is rare; then in turn what is laid into both."""
    yield from _labelled_in_both(for_choosing)
    laid = [_laid(kind, for_choosing, start) for start, kind in enumerate(TWO_EXPOSURES[1:])]
    yield from itertools.chain.from_iterable(zip(*laid, strict=False))


def _one_exposure(for_choosing: bool) -> Iterator[Staged]:
    """Each labelled picture of the half once; every fourth with part of the thing removed."""
    for number, picture in enumerate(_of_half(_ONE_EXPOSURE_OF, for_choosing)):
        fitting = [one for one in picture.cases if one.least_side_px >= _LEAST_THING_PX]
        fitting = [one for one in fitting if picture.share(one) <= _LARGEST_THING]
        if fitting:
            thing = max(fitting, key=picture.share)
            kind = "one exposure, partly remains" if number % 4 == 3 else "one exposure"
            yield Staged(kind, picture.path, picture.path, thing.box, thing.box, thing.class_name, number)


def _labelled_in_both(for_choosing: bool) -> Iterator[Staged]:
    for number, (before, after) in enumerate(two_moments(for_choosing=for_choosing)):
        for thing in before.cases:
            if thing.least_side_px < _LEAST_THING_PX or before.share(thing) > _LARGEST_THING:
                continue
            there = carried(before.path, after.path, thing.box)
            if there and _is_shown(thing.box, there, after) and _is_labelled(there, thing.class_name, after):
                yield Staged("labelled in both", before.path, after.path, thing.box, there, thing.class_name, number)


def _is_labelled(there: Box, class_name: str, after: Picture) -> bool:
    return any(_iou(there, one.box) >= _OVERLAP for one in after.things if one.class_name == class_name)


def _laid(kind: str, for_choosing: bool, start: int = 0) -> Iterator[Staged]:
    """Things laid into all places in turn, round after round with other things."""
    places = two_moments(for_choosing=for_choosing)
    things = _cut_things(_ANYWHERE, _PASTED_FROM, _LEAST_CUT_PX, for_choosing)
    on_roads = _cut_things(_ON_ROADS, _PASTED_FROM, _LEAST_CUT_PX, for_choosing)
    covers = itertools.cycle(_cut_things(VEHICLES, ("traffic_vietnam", "manholes"), _LEAST_COVER_PX, for_choosing))
    for round_ in itertools.count():
        for number, two in enumerate(places):
            pool = on_roads if two[0].source == "road_brazil" else things
            seed = start + 10 * (round_ * len(places) + number)
            thing = pool[zlib.crc32(f"{kind} {seed}".encode()) % len(pool)]
            if seed % 3 == 1:
                two = (two[1], two[0])
            pair = _placed(kind, two, thing, next(covers) if kind == "hidden" else None, seed)
            if pair is not None:
                yield pair


def _placed(kind: str, two: Two, thing: Thing, cover: Thing | None, seed: int) -> Staged | None:
    """The pair with the thing on a spot that is free in both pictures and shown in both; None where there is none."""
    rng = np.random.default_rng([seed, 3])
    busy_before, busy_after = (_busy(picture) for picture in two)
    before, after = two[0].path, two[1].path
    for _ in range(_SPOTS_TRIED):
        box = _spot(two[0], thing, rng)
        there = carried(before, after, box) if _is_free(box, busy_before) else None
        if there and _is_shown(box, there, two[1]) and _is_free(there, busy_after):
            return Staged(kind, before, after, box, there, thing.class_name, seed, thing, cover)
    return None


def _spot(place: Picture, thing: Thing, rng: Rng) -> Box:
    """Where it could be and how large: on the ground the nearer, the larger; on walls in the middle."""
    down = rng.uniform(0.35, 0.6) if thing.class_name in _WALLS else rng.uniform(0.62, 0.97)
    wide = place.width_px * (0.07 + 0.22 * max(0.0, down - 0.5) / 0.5) * rng.uniform(0.8, 1.3)
    x1, y1, x2, y2 = thing.box
    wide = min(wide, _MOST_ENLARGED * (x2 - x1))
    high = wide * float(np.clip((y2 - y1) / (x2 - x1), 1 / _MOST_SHAPE, _MOST_SHAPE))
    factor = max(1.0, _LEAST_THING_PX / min(wide, high))
    w, h = round(wide * factor), round(high * factor)
    x = int(rng.integers(0, max(1, place.width_px - w)))
    y = max(0, round(down * place.height_px) - h)
    return x, y, min(x + w, place.width_px), min(y + h, place.height_px)


def _is_shown(box: Box, there: Box, after: Picture) -> bool:
    """Whether the untouched picture after shows the whole place, and about as large."""
    if min(there[:2]) < 0 or there[2] > after.width_px or there[3] > after.height_px:
        return False
    zooms = [(there[i + 2] - there[i]) / (box[i + 2] - box[i]) for i in (0, 1)]
    return all(1 / _MOST_ZOOM <= zoom <= _MOST_ZOOM for zoom in zooms)


def _busy(picture: Picture) -> list[Box]:
    """What must not lie under the thing: labels of cases, vehicles and persons."""
    labelled = [thing.box for thing in picture.things]
    found = kept_detections(picture.path).at_least(_COVER_SCORE)
    rows = zip(found.names(), found.boxes.round().astype(int).tolist(), strict=True)
    return [*labelled, *((x1, y1, x2, y2) for name, (x1, y1, x2, y2) in rows if name in COVERING)]


def _is_free(box: Box, busy: Sequence[Box]) -> bool:
    return not any(_shared_px(box, other) for other in busy)


def _shared_px(one: Box, other: Box) -> int:
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    return max(0, across) * max(0, down)


def _iou(one: Box, other: Box) -> float:
    both = _shared_px(one, other)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return both / (areas - both) if both else 0.0


def _cut_things(names: Sequence[str], sources: Sequence[str], least_px: int, for_choosing: bool) -> list[Thing]:
    """Things that can be cut out, as many of each class: 60 at most, from one picture one."""
    found: dict[str, list[Thing]] = {name: [] for name in names}
    for picture in _of_half(sources, for_choosing):
        for thing in picture.things:
            if thing.class_name in found and thing.least_side_px >= least_px and picture.share(thing) <= 0.6:
                found[thing.class_name].append(thing)
                break
    return [thing for things in found.values() for thing in things[:60]]


def _of_half(sources: Sequence[str], for_choosing: bool) -> list[Picture]:
    return [one for one in pictures().values() if one.source in sources and is_for_choosing(one.group) is for_choosing]
