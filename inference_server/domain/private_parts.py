"""Which part of a person or a vehicle tells who it is: the head, the number plate."""

from collections.abc import Sequence
from typing import Final

from inference_server.domain.observation import Box, Detection

_HEAD: Final = 0.35  # of a standing person's height, from above; a head is an eighth, the rest is for loose boxes
_UPRIGHT: Final = 1.3  # height over width; who is wider stands cut off, sits or lies: any part may be the head
_PLATES_FROM: Final = 0.3  # of a vehicle's height, from above: plates hang lower, those of lorries at any height there
_AROUND: Final = 0.1  # of the box, on each side: boxes are drawn by a network
_WHOLE: Final = frozenset({"motorcycle", "bicycle"})  # a rider's face above, a plate below
_PLATED: Final = frozenset({"car", "truck", "bus"})
_AROUND_FACE: Final = 0.2  # of the box, on each side: hair, chin and ears tell who it is too
_SAME: Final = 0.4  # of two boxes over their union: they are of one thing
# Scores from which on something is hidden: a face or plate that is missed costs more than a post that is blurred.
# Faces have a detector of their own beside this, plates have none. What it costs: tests/bench/privacy.py.
_LEAST: Final = 0.02
_LEAST_OF_VEHICLES: Final = 0.01
LEAST_SCORE: Final = min(_LEAST, _LEAST_OF_VEHICLES)  # down to here the model is to be asked
PERSON: Final = "person"
PRIVATE: Final = _WHOLE | _PLATED | {PERSON}


def private_part(class_name: str, box: Box, rim: float = _AROUND) -> Box | None:
    """The part of a thing that must not be recognised; None where there is none. rim: added, in sides of the box."""
    if class_name == PERSON:
        upright = box.height_px >= _UPRIGHT * box.width_px
        return _with_rim(box, rim, 0.0, _HEAD if upright else 1.0)
    if class_name in _WHOLE:
        return _with_rim(box, rim, 0.0, 1.0)
    return _with_rim(box, rim, _PLATES_FROM, 1.0) if class_name in _PLATED else None


def private_parts(detections: Sequence[Detection]) -> tuple[Box, ...]:
    """The parts of all that was detected down to LEAST_SCORE, but of what is surer to be a thing of the city: a heap
    that looks a little like a car stays visible."""
    seen = [one for one in detections if one.score >= _least(one.class_name)]
    things = [one for one in seen if one.class_name not in PRIVATE]
    found = []
    for one in seen:
        part = private_part(one.class_name, one.box)
        surer = any(thing.score > one.score and thing.box.overlap(one.box) >= _SAME for thing in things)
        if part is not None and not surer:
            found.append(part)
    return tuple(found)


def face_parts(faces: Sequence[Box]) -> tuple[Box, ...]:
    """What to hide of faces that were found as such: all of them, whatever the model of the city takes them for."""
    return tuple(_with_rim(face, _AROUND_FACE, 0.0, 1.0) for face in faces)


def _least(class_name: str) -> float:
    return _LEAST_OF_VEHICLES if class_name in _WHOLE | _PLATED else _LEAST


def _with_rim(box: Box, rim: float, top: float, bottom: float) -> Box:
    """The part of a box between two shares of its height, a rim added on all sides."""
    wide, high = rim * box.width_px, rim * box.height_px
    return Box(
        x1=box.x1 - wide,
        y1=box.y1 + top * box.height_px - high,
        x2=box.x2 + wide,
        y2=box.y1 + bottom * box.height_px + high,
    )
