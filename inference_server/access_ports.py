"""What watching over access needs of the outside world."""

from collections.abc import Iterator
from typing import Protocol

from inference_server.domain.audit import AuditEntry, AuditNote


class AuditLog(Protocol):
    """The chain of entries. It is only ever added to; what is done in a transaction is noted in that transaction."""

    def add(self, note: AuditNote) -> AuditEntry:
        """The entry, stored durably, at the end of the chain."""
        ...

    def entries(self, after: int = 0) -> Iterator[AuditEntry]:
        """All entries with a greater sequence, in order."""
        ...

    def latest(self, count: int) -> list[AuditEntry]:
        """The last entries, oldest first."""
        ...
