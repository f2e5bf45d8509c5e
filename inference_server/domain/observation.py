"""Detections, and where they lie on the ground."""

from dataclasses import dataclass, field
from enum import StrEnum

from inference_server.domain.geo import LatLon, Matrix


class DropReason(StrEnum):
    """Why a frame or a detection goes no further."""

    # frames
    NO_FIX = "no_fix"
    FIX_INACCURATE = "fix_inaccurate"
    FIX_STUCK = "fix_stuck"
    FIX_JUMP = "fix_jump"
    OUTSIDE_AREA = "outside_area"
    MASKED_ZONE = "masked_zone"
    MASKED_VIEW = "masked_view"
    NOT_MOVED = "not_moved"
    PICTURE_UNREADABLE = "picture_unreadable"
    PICTURE_BLURRED = "picture_blurred"
    PICTURE_DARK = "picture_dark"
    PICTURE_GLARE = "picture_glare"
    DISPLACED = "displaced"
    FAILED = "failed"
    # detections
    CONTEXT_CLASS = "context_class"
    CLASS_NOT_COLLECTED = "class_not_collected"
    LOW_SCORE = "low_score"
    TOO_SMALL = "too_small"
    CUT_BY_FRAME = "cut_by_frame"
    PARTLY_HIDDEN = "partly_hidden"
    ABOVE_HORIZON = "above_horizon"
    TOO_FAR = "too_far"
    OUT_OF_HOURS = "out_of_hours"
    PERMITTED = "permitted"
    REPEATED_BOX = "repeated_box"


@dataclass(frozen=True, slots=True)
class Drop:
    """An item that goes no further, with the numbers that decided it."""

    reason: DropReason
    numbers: dict[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle in pixels of the upright full-size picture."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def width_px(self) -> float:
        """Width in pixels."""
        return self.x2 - self.x1

    @property
    def height_px(self) -> float:
        """Height in pixels."""
        return self.y2 - self.y1

    def holds(self, x: float, y: float) -> bool:
        """Whether a point lies inside."""
        return self.x1 <= x <= self.x2 and self.y1 <= y <= self.y2

    def scaled(self, factor: float) -> "Box":
        """The box in a picture whose sides are `factor` times as long."""
        return Box(x1=self.x1 * factor, y1=self.y1 * factor, x2=self.x2 * factor, y2=self.y2 * factor)

    def share_inside(self, other: "Box") -> float:
        """Intersection over the smaller of the two areas: 1 where one box holds the other.

        >>> Box(x1=0, y1=0, x2=4, y2=4).share_inside(Box(x1=3, y1=0, x2=5, y2=2))
        0.5
        """
        wide = min(self.x2, other.x2) - max(self.x1, other.x1)
        high = min(self.y2, other.y2) - max(self.y1, other.y1)
        if wide <= 0 or high <= 0:
            return 0.0
        return wide * high / min(self.width_px * self.height_px, other.width_px * other.height_px)

    def overlap(self, other: "Box") -> float:
        """Intersection over union.

        >>> Box(x1=0, y1=0, x2=2, y2=2).overlap(Box(x1=1, y1=0, x2=3, y2=2))
        0.3333333333333333
        """
        wide = min(self.x2, other.x2) - max(self.x1, other.x1)
        high = min(self.y2, other.y2) - max(self.y1, other.y1)
        if wide <= 0 or high <= 0:
            return 0.0
        both = wide * high
        return both / (self.width_px * self.height_px + other.width_px * other.height_px - both)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """One box in one frame: `score` is raw, `probability` calibrated (None before calibration)."""

    index: int
    class_name: str
    score: float
    box: Box
    probability: float | None = None

    @property
    def certainty(self) -> float:
        """The calibrated probability where there is one, else the raw score."""
        return self.score if self.probability is None else self.probability


class Contact(StrEnum):
    """What a class stands on."""

    GROUND = "ground"
    FLAT = "flat"
    WALL = "wall"
    HANGING = "hanging"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A detection placed on the ground as the raw fix gives it.

    `relative_cov_m2` `(2, 2)` is the error against other things of the same pass; the error of the fix itself comes
    on top. `position` is None for a bearing-only observation. The elevation is that of the box centre, and so is the
    bearing, but for things on walls: there it is that of the outer side, and `inner_deg` that of the other one.
    """

    detection: Detection
    contact: Contact
    bearing_deg: float | None
    elevation_deg: float | None
    height_deg: float
    inner_deg: float | None
    range_m: float | None
    position: LatLon | None
    relative_cov_m2: Matrix | None
    camera_position: LatLon
    size_px: float
