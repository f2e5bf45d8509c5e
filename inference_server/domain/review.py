"""What people are asked about, what they answered, and what follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from inference_server.domain.case import CaseId
from inference_server.domain.frame import Frame, FrameId

Corners = tuple[float, float, float, float]  # x1 y1 x2 y2 in pixels of the upright full-size picture


class ReviewKind(StrEnum):
    """Why a person is asked."""

    MIDDLE_BAND = "middle_band"  # the score alone does not decide whether this is a case
    SAMPLED_DROP = "sampled_drop"  # drawn from what was dropped for its score: that is how misses are counted


class ReviewState(StrEnum):
    """Where an item stands."""

    OPEN = "open"
    ANSWERED = "answered"
    DISPUTED = "disputed"  # answered, and two people do not agree
    SETTLED = "settled"  # nobody answered, and its case has gone on without


class Verdict(StrEnum):
    """What a person says of a box and its class."""

    CONFIRM = "confirm"
    REJECT = "reject"
    RECLASSIFY = "reclassify"  # something is there, of another class
    REDRAW = "redraw"  # it is there, in another box (and perhaps of another class)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewItem:
    """Something a person should look at: a case in the middle band, or a sampled drop.

    score: raw. probability: calibrated, None where the model was not.
    """

    id: str
    kind: ReviewKind
    created_at: datetime
    frame_id: FrameId
    class_name: str
    score: float
    box: Corners
    probability: float | None = None
    candidate_id: str | None = None
    case_id: CaseId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewAnswer:
    """One answer; it is never changed. Taking it back is noted beside it (`undone_at`, `undone_by`).

    `sequence` counts all answers. `moved_to` is the state that the item's case got by this answer, None where the case
    stayed as it was.
    """

    sequence: int
    review_id: str
    at: datetime
    by: str
    verdict: Verdict
    class_name: str | None = None
    box: Corners | None = None
    reason: str | None = None
    moved_to: str | None = None
    undone_at: datetime | None = None
    undone_by: str | None = None

    def says_the_same(self, other: "ReviewAnswer") -> bool:
        """Whether both answers mean the same for the case: a box drawn a little otherwise is no dispute."""
        return self.meaning == other.meaning

    @property
    def meaning(self) -> tuple[bool, str | None]:
        """Whether something is there, and of which other class."""
        return self.verdict is not Verdict.REJECT, self.class_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """An item with its frame, its case's state, and all its answers, oldest first."""

    item: ReviewItem
    frame: Frame
    model_version: str | None
    width_px: int | None
    height_px: int | None
    case_state: str | None
    answers: tuple[ReviewAnswer, ...]

    @property
    def standing(self) -> tuple[ReviewAnswer, ...]:
        """The answers that were not taken back."""
        return tuple(one for one in self.answers if one.undone_at is None)

    def standing_of(self, by: str) -> ReviewAnswer | None:
        """What a person says of it now."""
        return next((one for one in self.standing if one.by == by), None)

    def state(self, open_case_state: str) -> ReviewState:
        """Where it stands; a case that waits for this answer is in `open_case_state`."""
        if self.standing:
            return ReviewState.DISPUTED if is_disputed(self.standing) else ReviewState.ANSWERED
        waits = self.case_state in (None, open_case_state)
        return ReviewState.OPEN if waits else ReviewState.SETTLED


def is_disputed(answers: Sequence[ReviewAnswer]) -> bool:
    """Whether answers contradict each other."""
    return len({one.meaning for one in answers}) > 1
