"""Reads what `xuncheng reviews export` wrote: one JSON object a line, and pictures beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.formats.labelled import Place, number
from training.index import DataError

FILE = "reviews.jsonl"
FORMAT = 1
DISPUTED = "disputed"
_REJECT = "reject"

Corners = tuple[float, float, float, float]  # x1 y1 x2 y2 in pixels of the upright picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One detection of a frame: what the model said of it, and why it went no further (None: it did)."""

    class_name: str
    score: float
    box: Corners
    drop: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """One answered item. `true_class` None: nothing is there; else it lies in `true_box`.

    `content` is the whole object as it was exported: the provenance.
    """

    id: str
    class_name: str
    score: float
    probability: float | None  # calibrated; None where the model was not, and in older exports
    box: Corners
    is_disputed: bool
    true_class: str | None
    true_box: Corners
    sha256: str
    picture: Path
    position: tuple[float, float] | None  # lat, lon on WGS84
    detections: tuple[Seen, ...]
    content: dict[str, Any]

    @property
    def taught(self) -> frozenset[str]:
        """The classes that the answer says something about."""
        return frozenset({self.class_name} | ({self.true_class} if self.true_class else set()))

    @property
    def is_wrong(self) -> bool:
        """Whether the model saw something that is not there, or took it for something else."""
        return self.true_class != self.class_name

    @property
    def uncertainty(self) -> float:
        """1 where right and wrong were as likely, 0 where the model was sure (least confident first: Lewis and Gale,
        1994). Without a calibration the raw score has to stand for the probability."""
        return 1.0 - abs(2.0 * (self.score if self.probability is None else self.probability) - 1.0)


def read_reviews(folder: Path) -> list[Reviewed]:
    """All items of an export; raises DataError naming file and line."""
    return list(_items(folder))


def _items(folder: Path) -> Iterator[Reviewed]:
    path = folder / FILE
    if not path.is_file():
        raise DataError(path, None, "the file is missing: is this what `xuncheng reviews export` wrote?")
    with path.open(encoding="utf-8") as stream:
        for line, text in enumerate(stream, start=1):
            if text.strip():
                yield _read(folder, Place(path, line), text)


def _read(folder: Path, place: Place, text: str) -> Reviewed:
    try:
        content = json.loads(text)
        if content["format"] != FORMAT:
            raise place.error(f"format must be {FORMAT}")
        return _item(folder, place, content)
    except (json.JSONDecodeError, TypeError, AttributeError) as error:
        raise place.error(f"is no exported review ({error})") from None
    except KeyError as error:
        raise place.error(f"member {error} is missing") from None


def _item(folder: Path, place: Place, content: dict[str, Any]) -> Reviewed:
    frame = content["frame"]
    standing = [one for one in content["answers"] if one["undone_at"] is None]
    if not standing:
        raise place.error("no answer stands")
    box = _corners(content["box"], place)
    redrawn = next((one for one in reversed(standing) if one["box"] is not None), standing[-1])
    is_there = redrawn["answer"] != _REJECT
    picture = folder / frame["picture"]
    if ".." in Path(frame["picture"]).parts or not picture.is_file():
        raise place.error(f"no such picture: {frame['picture']}")
    position = frame["position"]
    return Reviewed(
        id=content["id"],
        class_name=content["class_name"],
        score=number(content["score"], place, "score"),
        probability=_probability(content.get("probability"), place),
        box=box,
        is_disputed=content["state"] == DISPUTED,
        true_class=(redrawn["class_name"] or content["class_name"]) if is_there else None,
        true_box=box if redrawn["box"] is None else _corners(redrawn["box"], place),
        sha256=frame["sha256"],
        picture=picture,
        position=None if position is None else (position["lat"], position["lon"]),
        detections=tuple(_seen(one, place) for one in frame["detections"]),
        content=content,
    )


def _probability(value: object, place: Place) -> float | None:
    return None if value is None else number(value, place, "probability")


def _seen(one: dict[str, Any], place: Place) -> Seen:
    return Seen(
        class_name=one["class_name"],
        score=number(one["score"], place, "score"),
        box=_corners(one["box"], place),
        drop=one["drop"],
    )


def _corners(numbers: list[float], place: Place) -> Corners:
    if len(numbers) != 4:
        raise place.error(f"a box is x1 y1 x2 y2, not {numbers}")
    x1, y1, x2, y2 = (number(side, place, "box") for side in numbers)
    return x1, y1, x2, y2
