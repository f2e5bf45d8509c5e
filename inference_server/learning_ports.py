"""What learning from the street needs of the record."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from inference_server.domain.reach import WHOLE_CITY, Reach
from inference_server.domain.review import Review, ReviewKind, ReviewState
from inference_server.domain.shadow import ShadowLook, ShadowReport


class ShadowStore(Protocol):
    """What the candidate saw."""

    def add_look(self, look: ShadowLook) -> None:
        """Insert; the same frame and candidate again changes nothing."""
        ...

    def pairs(self) -> list[tuple[str, str]]:
        """Live and shadow versions that have looked at the same frames, the latest pair first."""
        ...

    def report(self, live_version: str, shadow_version: str, since: datetime | None = None) -> ShadowReport:
        """The two side by side over frames looked at since a moment; classes in alphabetical order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewFilter:
    """Which review items to list; None means any. `cursor` continues after a page."""

    kind: ReviewKind | None = None
    class_name: str | None = None
    state: ReviewState | None = None
    cursor: str | None = None
    limit: int = 100
    reach: Reach = WHOLE_CITY


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """Some items, oldest first, and the cursor of the next page (None on the last)."""

    reviews: tuple[Review, ...]
    cursor: str | None


class ReviewStore(Protocol):
    """What people are asked and what they answered. Items and answers are written by `ports.Work`."""

    def review(self, review_id: str) -> Review:
        """One item; raises NotFound."""
        ...

    def list_reviews(self, wanted: ReviewFilter) -> ReviewPage:
        """A page of items."""
        ...

    def open_reviews(self, reach: Reach = WHOLE_CITY) -> dict[str, int]:
        """How many items wait for an answer, by kind."""
        ...
