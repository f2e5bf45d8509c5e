"""What verifying needs of the outside world."""

from collections.abc import Iterator
from typing import Protocol

from inference_server.domain.reach import WHOLE_CITY, Reach
from inference_server.domain.verdict import VerificationId, VerificationRequest
from inference_server.domain.verification_record import CodeChecks, Switch, VerificationFilter, VerificationRecord


class KeptLooks(Protocol):
    """What the second gate saw of photographs before, stored so that a verification need not look again."""

    def keep(self, photo_sha256: str, version: str, stored: bytes | None) -> None:
        """Store; None says that the photograph cannot be looked at. The same again replaces it."""
        ...

    def find(self, photo_sha256: str, version: str) -> bytes | None:
        """The stored bytes; None where there are none of this version."""
        ...

    def missing(self, version: str, most: int) -> list[str]:
        """Photographs of open cases that have not been looked at in this version."""
        ...


class Turns(Protocol):
    """Who of several processes is at work."""

    def take(self) -> bool:
        """Whether it is our turn, for some minutes from now on."""
        ...


class Verifications(Protocol):
    """Questions, verdicts, people's answers, and the switches of closing."""

    def known(self, request: VerificationRequest) -> VerificationRecord | None:
        """What stands under the key of a question; None: nothing. Conflict where the key was used for another body."""
        ...

    def accept(self, record: VerificationRecord) -> VerificationRecord:
        """The record that stands for its key: this one, now stored, or the one that was there before.

        Raises Conflict where the key was used for another body.
        """
        ...

    def verification(self, wanted: VerificationId) -> VerificationRecord:
        """One verification; raises NotFound."""
        ...

    def find(self, wanted: VerificationFilter) -> list[VerificationRecord]:
        """Verifications in the order in which they came."""
        ...

    def all(self) -> Iterator[VerificationRecord]:
        """Every verification that is done, in the order in which they came."""
        ...

    def count_awaiting(self, reach: Reach = WHOLE_CITY) -> int:
        """How many stand in the queue for people."""
        ...

    def checks(self, code: str, district: str | None, latest: int) -> tuple[CodeChecks, ...]:
        """What people said of the latest proposed closings of a code: everywhere, and in a district if one is named."""
        ...

    def throw(self, switch: Switch) -> None:
        """Switch closing off or on for a scope."""
        ...

    def switches(self) -> list[Switch]:
        """The latest line of each scope, in order of the scopes."""
        ...
