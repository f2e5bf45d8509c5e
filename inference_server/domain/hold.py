"""Legal holds: what must not be deleted until a person says so, whatever its time."""

from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from inference_server.domain.case import CaseId
from inference_server.domain.errors import BadInput

HoldId = NewType("HoldId", str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a hold covers: the pictures of a case, or the frames of a device taken from `since` until `until`."""

    case_id: CaseId | None = None
    device: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        if (self.case_id is None) == (self.device is None):
            raise BadInput("a hold is of a case or of a device", field="case")
        if (self.device is None) != (self.since is None) or (self.device is None) != (self.until is None):
            raise BadInput("a device is held from a time until a time, a case as a whole", field="since")
        if self.since is not None and self.until is not None and self.until <= self.since:
            raise BadInput("the time held must not be empty", field="until")

    def covers(self, device: str, taken_at: datetime) -> bool:
        """Whether a frame of a device lies in it."""
        if self.device is None or self.since is None or self.until is None:
            return False
        return self.device == device and self.since <= taken_at <= self.until

    @property
    def thing(self) -> str:
        """What is held, as the audit log names it."""
        return f"case:{self.case_id}" if self.case_id is not None else f"device:{self.device}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifted:
    """That a hold is over: who said so, when and why."""

    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A hold, set by a person for a reason; it stays in the record when it is lifted."""

    id: HoldId
    held: Held
    at: datetime
    by: str
    reason: str
    lifted: Lifted | None = None
