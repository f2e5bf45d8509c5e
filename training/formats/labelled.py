"""Labelled pictures as every format tells them: the one form between them all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from training.index import DataError
from training.labels import EDGE_TOLERANCE

DECIMALS = 6  # of a side's share of the picture: a hundredth of a pixel in the largest picture
_EDGE_PX = 1.0  # a box may leave its picture by rounding only


@dataclass(frozen=True, slots=True)
class LabelledBox:
    """One box: class name, then centre x, centre y, width and height as shares of the picture, 6 decimals."""

    class_name: str
    x: float
    y: float
    width: float
    height: float

    def corners_px(self, width_px: int, height_px: int) -> tuple[float, float, float, float]:
        """x1, y1, x2, y2 in pixels, not rounded.

        >>> LabelledBox("bin", 0.5, 0.5, 0.5, 1.0).corners_px(100, 50)
        (25.0, 0.0, 75.0, 50.0)
        """
        left, top = (self.x - self.width / 2) * width_px, (self.y - self.height / 2) * height_px
        return left, top, left + self.width * width_px, top + self.height * height_px


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """One picture: its path below the folder of pictures, with forward slashes, its size, its boxes in their order."""

    image: str
    width_px: int
    height_px: int
    boxes: tuple[LabelledBox, ...]


@dataclass(frozen=True, slots=True)
class LabelSet:
    """What a label file or folder says: class names in their order, and pictures."""

    classes: tuple[str, ...]
    pictures: tuple[LabelledPicture, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file something stands, for errors."""

    path: Path
    line: int | None = None
    item: str = ""

    def error(self, problem: str) -> DataError:
        """The error to raise about it."""
        return DataError(self.path, self.line, f"{self.item}: {problem}" if self.item else problem)


def box_of_corners(
    class_name: str, corners_px: tuple[float, float, float, float], size_px: tuple[int, int], place: Place
) -> LabelledBox:
    """The box of corners x1, y1, x2, y2 in a picture of width, height; raises DataError for one that cannot be."""
    x1, y1, x2, y2 = corners_px
    width_px, height_px = size_px
    if not (x2 > x1 and y2 > y1):
        raise place.error(f"a box without area: {corners_px}")
    past = max(-x1, -y1, x2 - width_px, y2 - height_px)
    if past > max(_EDGE_PX, EDGE_TOLERANCE * max(size_px)):
        raise place.error(f"the box {corners_px} leaves the picture of {width_px}x{height_px}")
    if past > EDGE_TOLERANCE * min(size_px):  # a pixel of rounding, yet more than label files may have
        x1, y1, x2, y2 = max(x1, 0.0), max(y1, 0.0), min(x2, width_px), min(y2, height_px)
    shares = ((x1 + x2) / 2 / width_px, (y1 + y2) / 2 / height_px, (x2 - x1) / width_px, (y2 - y1) / height_px)
    return LabelledBox(class_name, *(round(share, DECIMALS) for share in shares))


def number(text: object, place: Place, name: str) -> float:
    """A number of a file; raises DataError for anything else."""
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise place.error(f"{name} must be a number, not {text!r}")
    try:
        value = float(text)
    except ValueError:
        raise place.error(f"{name} must be a number, not {text!r}") from None
    if value != value or value in (float("inf"), float("-inf")):
        raise place.error(f"{name} must be a number, not {text!r}")
    return value


def size(text: object, place: Place, name: str) -> int:
    """A picture's side in whole pixels; raises DataError for anything else."""
    value = number(text, place, name)
    if value < 1 or value != int(value):
        raise place.error(f"{name} must be a size in whole pixels, not {text!r}")
    return int(value)


def demand_once(images: Iterable[str], path: Path) -> None:
    """Nothing; raises DataError for a picture that is named twice."""
    seen: set[str] = set()
    for image in images:
        if image in seen:
            raise DataError(path, None, f"{image} is listed twice")
        seen.add(image)
