"""What keeping and deleting pictures needs of the outside world."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from inference_server.domain.case import CaseId
from inference_server.domain.hold import Held, Hold, HoldId
from inference_server.domain.retention import Expired, Kept, Need

PARTS = 256  # the shelf is looked through in so many parts, by the first two digits of the hashes


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A picture as it lies on the shelf, by its hash."""

    sha256: str
    stored_at: datetime
    size_bytes: int


class PictureShelf(Protocol):
    """Where pictures lie, by their hash."""

    def listed(self, part: int) -> list[Stored]:
        """All pictures whose hash begins with this byte."""
        ...

    def has(self, sha256: str) -> bool:
        """Whether a picture lies there."""
        ...

    def reseal(self, sha256: str) -> bool:
        """Whether the picture was put under the current key; False where it is so already, or gone."""
        ...

    def remove(self, sha256: str) -> None:
        """The bytes go; nothing happens where they are gone already."""
        ...

    def remove_leftovers(self, part: int) -> int:
        """How many pieces of pictures went that a crash has left behind while they were stored."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A picture that is to be deleted, or (with `deleted_at`) was: under which rule, and who decided so when."""

    sha256: str
    rule: str
    policy_hash: str
    size_bytes: int
    stored_at: datetime
    marked_at: datetime
    deleted_at: datetime | None = None


@dataclass(slots=True)
class Erased:
    """What became of marked pictures: deleted by rule, spared by what needs them again."""

    deleted: dict[str, int] = field(default_factory=dict)
    spared: dict[str, int] = field(default_factory=dict)
    freed_bytes: int = 0

    def delete(self, rule: str, size_bytes: int) -> None:
        """One more went."""
        self.deleted[rule] = self.deleted.get(rule, 0) + 1
        self.freed_bytes += size_bytes

    def spare(self, why: str) -> None:
        """One more stays."""
        self.spared[why] = self.spared.get(why, 0) + 1

    def add(self, other: "Erased") -> None:
        """What another transaction has settled."""
        for rule, count in other.deleted.items():
            self.deleted[rule] = self.deleted.get(rule, 0) + count
        for why, count in other.spared.items():
            self.spared[why] = self.spared.get(why, 0) + count
        self.freed_bytes += other.freed_bytes

    @property
    def count(self) -> int:
        """How many marks were settled."""
        return sum(self.deleted.values()) + sum(self.spared.values())


Judges = Callable[[Sequence[Need], datetime], Kept | Expired]


@dataclass(slots=True)
class Thinned:
    """What became of the details of frames: of how many they went, how many detections, of how many they stay."""

    frames: int = 0
    detections: int = 0
    kept: int = 0

    def add(self, later: "Thinned") -> None:
        """What the next transaction has done."""
        self.frames += later.frames
        self.detections += later.detections
        self.kept += later.kept

    @property
    def looked_at(self) -> int:
        """How many frames were asked about."""
        return self.frames + self.kept


class RetentionRecord(Protocol):
    """What needs which picture, and which pictures are to go."""

    def needs(self, hashes: Iterable[str]) -> dict[str, list[Need]]:
        """What needs each picture; nothing under a hash that nothing names."""
        ...

    def mark(self, marks: Sequence[Mark]) -> int:
        """Write down that pictures are to be deleted; how many were not marked yet."""
        ...

    def marked(self) -> int:
        """How many are to be deleted."""
        ...

    def erase(self, marked_before: datetime, most: int, judge: Judges, shelf: PictureShelf) -> Erased:
        """Settle the oldest marks in one transaction: what is needed again is spared, of the rest the bytes go and the
        audit log says so. After a crash in the middle the marks still stand, and the same again does no harm."""
        ...

    def deletions(self, hashes: Iterable[str]) -> dict[str, Mark]:
        """Those of the pictures that were deleted."""
        ...

    def thin(self, before: datetime, most: int, judge: Judges) -> Thinned:
        """Delete the details of the oldest frames in one transaction: detections that belong to no case, ground view,
        thumbnail. For those that `judge` keeps their time begins anew."""
        ...


class PersonsWords(Protocol):
    """What people wrote of things on the street."""

    def forget(self, before: datetime, most: int) -> int:
        """Of how many tips the words went, in one transaction with the audit log: those whose case was closed before a
        moment and is not held, and those that nobody has placed since."""
        ...


class Holds(Protocol):
    """Legal holds. Each is noted in the audit log, in the same transaction."""

    def hold(self, held: Held, *, by: str, reason: str) -> Hold:
        """A new hold: from here on nothing of it is deleted."""
        ...

    def lift(self, hold_id: HoldId, *, by: str, reason: str) -> Hold:
        """The hold, over; raises NotFound, or Conflict where it was lifted before."""
        ...

    def find(self, hold_id: HoldId) -> Hold:
        """One hold; raises NotFound."""
        ...

    def holds(self, *, standing: bool, case_id: CaseId | None = None) -> list[Hold]:
        """All holds, oldest first; `standing`: only those that were not lifted."""
        ...
