"""What can lie in a street: the classes, their bodies and one placed thing."""

from collections.abc import Callable
from dataclasses import dataclass

from numpy.random import Generator

from patrol.simulate import people, shapes, stains, vehicles
from patrol.simulate.looks import Look
from patrol.simulate.solids import Model

CLASS_NAMES = (
    "garbage", "overflowing_bin", "bin", "pothole", "crack", "graffiti", "traffic_cone", "open_manhole",
    "manhole_cover", "soil_heap", "roadworks", "person", "bicycle", "motorcycle", "car", "truck", "bus",
)  # fmt: skip
"""The class names in the order of their numbers."""

CASE_CLASSES = ("garbage", "overflowing_bin", "pothole", "graffiti", "soil_heap", "open_manhole")
"""Drawn classes that a city wants to know about; each thing of them is in the truth."""

CONTEXT_CLASSES = ("bin", "manhole_cover", "traffic_cone", "car")
"""Drawn and labelled classes that are no case by themselves."""

LABELLED_CLASSES = CASE_CLASSES + CONTEXT_CLASSES
"""All drawn classes that are labelled."""

DISTRACTORS = ("patch", "leaves", "poster")
"""Drawn and never labelled."""

FLAT_CLASSES = ("pothole", "graffiti", "open_manhole", "manhole_cover", *DISTRACTORS)
"""Classes without height: they hide nothing."""

LARGEST_M = {
    "garbage": 1.7, "overflowing_bin": 1.2, "pothole": 1.0, "graffiti": 2.1, "soil_heap": 2.2, "open_manhole": 0.6,
    "bin": 1.3, "manhole_cover": 0.6, "traffic_cone": 0.6, "car": 2.6, "patch": 2.4, "leaves": 1.5, "poster": 1.0,
    "person": 1.0,
}  # fmt: skip
"""Half of the longest extent in metres that a body of the class can have."""

BODIES: dict[str, Callable[[Look, Generator], Model]] = {
    "garbage": shapes.garbage,
    "overflowing_bin": shapes.overflowing_bin,
    "pothole": stains.pothole,
    "graffiti": stains.graffiti,
    "soil_heap": shapes.soil_heap,
    "open_manhole": stains.open_manhole,
    "bin": shapes.closed_bin,
    "manhole_cover": stains.manhole_cover,
    "traffic_cone": shapes.traffic_cone,
    "car": vehicles.car,
    "patch": stains.patch,
    "leaves": stains.leaves,
    "poster": stains.poster,
    "person": people.person,
}
"""How a thing of each class is drawn afresh from a look and a random generator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One thing of the city, in plan coordinates.

    Its position is the centre of its footprint (the rectangle round everything of it that touches the ground, in its
    own axes); for a thing on a wall the foot of the middle of what is drawn, on the building line. `contact` is
    `ground` or `wall`. `turn_deg` is counter-clockwise. `side` is `left` or `right` of the street's running direction.
    It is there from pass number `first_pass` to `last_pass`, both included.
    """

    name: str
    class_name: str
    x_m: float
    y_m: float
    turn_deg: float
    contact: str
    street: str
    along_m: float
    offset_m: float
    side: str
    first_pass: int = 0
    last_pass: int = 1_000_000

    def is_there(self, number: int) -> bool:
        """Whether the thing is in the street during a pass."""
        return self.first_pass <= number <= self.last_pass
