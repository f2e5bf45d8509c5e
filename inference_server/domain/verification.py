"""What is said about photographs before and after: gates, their results, reasons, and the decision."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

WORKING_POINT = 0.5  # the score of a gate at and above which it passes


class Gate(StrEnum):
    """The questions of a verification, in their order."""

    AUTHENTIC = "authentic"
    SAME_SCENE = "same_scene"
    PROBLEM_GONE = "problem_gone"


class Answer(StrEnum):
    """What a gate says. `cannot_tell` never closes a case."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    CANNOT_TELL = "cannot_tell"


class Closing(StrEnum):
    """What follows for the case."""

    CLOSE = "close"
    REWORK = "rework"
    HUMAN = "human"
    NEED_PHOTO = "need_photo"


class ReasonCode(StrEnum):
    """Why; the case system reads these, the console shows them in Chinese and English."""

    SCENE_MISMATCH = "SCENE_MISMATCH"
    VIEW_TOO_DIFFERENT = "VIEW_TOO_DIFFERENT"
    PROBLEM_REMAINS = "PROBLEM_REMAINS"
    PROBLEM_PARTLY_REMAINS = "PROBLEM_PARTLY_REMAINS"
    PROBLEM_MOVED = "PROBLEM_MOVED"
    NEW_PROBLEM_SAME_VIEW = "NEW_PROBLEM_SAME_VIEW"
    PROBLEM_HIDDEN = "PROBLEM_HIDDEN"
    NOT_VISIBLE_IN_BEFORE = "NOT_VISIBLE_IN_BEFORE"
    PLACE_NOT_VISIBLE = "PLACE_NOT_VISIBLE"
    NO_VISIBLE_CHANGE = "NO_VISIBLE_CHANGE"
    BLUR = "BLUR"
    DARK = "DARK"
    OCCLUDED = "OCCLUDED"
    DUPLICATE_PHOTO = "DUPLICATE_PHOTO"
    SAME_AS_BEFORE = "SAME_AS_BEFORE"
    RECAPTURED_SCREEN = "RECAPTURED_SCREEN"
    EDITED = "EDITED"
    TIME_BEFORE_DISPATCH = "TIME_BEFORE_DISPATCH"
    TIME_OUTSIDE_WINDOW = "TIME_OUTSIDE_WINDOW"
    TOO_FAR = "TOO_FAR"
    MISSING_TIME = "MISSING_TIME"
    MISSING_POSITION = "MISSING_POSITION"
    DEVICE_NOT_ALLOWED = "DEVICE_NOT_ALLOWED"
    MISSING_PHOTO = "MISSING_PHOTO"
    PHOTO_UNREADABLE = "PHOTO_UNREADABLE"
    CLASS_NOT_AUTOCLOSABLE = "CLASS_NOT_AUTOCLOSABLE"
    HIGH_RISK_CLASS = "HIGH_RISK_CLASS"
    LOW_PROBABILITY = "LOW_PROBABILITY"
    SHADOW_MODE = "SHADOW_MODE"
    CLOSING_SWITCHED_OFF = "CLOSING_SWITCHED_OFF"
    SPOT_CHECK = "SPOT_CHECK"


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason with the numbers that gave it."""

    code: ReasonCode
    measures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """What one gate says of one pair of photographs: `score` in 0..1, at WORKING_POINT or more only if it passes."""

    gate: Gate
    answer: Answer
    score: float
    reasons: tuple[Reason, ...] = ()
    measures: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0.0 <= self.score <= 1.0:
            raise ValueError(f"the score of {self.gate} must lie in 0..1, not {self.score}")
        if (self.answer is Answer.PASS) != (self.score >= WORKING_POINT):
            raise ValueError(f"{self.gate} says {self.answer} at a score of {self.score:.3f}")
