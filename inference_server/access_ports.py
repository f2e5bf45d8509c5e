"""What watching over access needs of the outside world."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from inference_server.domain.account import Account, Role
from inference_server.domain.audit import AuditEntry, AuditNote
from inference_server.domain.throttle import Bucket


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


class Passwords(Protocol):
    """Hashes, proves and judges passwords."""

    def hash(self, password: str) -> str:
        """The hash with its parameters and its salt."""
        ...

    def is_right(self, password: str, kept: str | None) -> bool:
        """Whether a password is that of a hash; without one the same work is done for nothing."""
        ...

    def is_old(self, kept: str) -> bool:
        """Whether a hash was made with other parameters than today's."""
        ...

    def demand_good(self, password: str, name: str) -> None:
        """Nothing; BadInput for one that is short, long, common, or made of the name."""
        ...


class Accounts(Protocol):
    """People who sign in to the console. Every change is noted in the audit log, and ends the account's sessions."""

    def add(self, name: str, role: Role, districts: tuple[str, ...] | None, password_hash: str, *, by: str) -> Account:
        """A new account; Conflict where the name is taken."""
        ...

    def account(self, name: str) -> Account:
        """One account; raises NotFound."""
        ...

    def accounts(self) -> list[Account]:
        """All accounts, by name."""
        ...

    def has_active(self) -> bool:
        """Whether anybody may sign in with a name."""
        ...

    def password_hash(self, name: str) -> str | None:
        """The hash of an account that may sign in; None where there is none."""
        ...

    def set_password(self, name: str, password_hash: str, *, by: str) -> None:
        """Another password; raises NotFound."""
        ...

    def renew_hash(self, name: str, old: str, new: str) -> None:
        """The same password under today's parameters; nothing where it was changed meanwhile."""
        ...

    def change(self, name: str, role: Role, districts: tuple[str, ...] | None, *, by: str) -> None:
        """Another role, other districts; raises NotFound."""
        ...

    def disable(self, name: str, *, by: str) -> None:
        """Nobody signs in with it any more; raises NotFound."""
        ...

    def enable(self, name: str, *, by: str) -> None:
        """It may be used again, with the password that it had; raises NotFound."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """After how long without anything done, and after how long at all, a session is over."""

    idle: timedelta
    longest: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Who holds a session, and what they may do. `districts` None: the whole city."""

    name: str
    role: Role
    districts: tuple[str, ...] | None


class ConsoleSessions(Protocol):
    """Sessions of the console; what an account may do is asked at each request, so a change holds at once."""

    def begin(self, account: str | None) -> str:
        """The secret of a new session; None: of who came with the one-time token."""
        ...

    def find(self, secret: str, limits: SessionLimits) -> SignedIn | None:
        """Who signed in; None for a session that is unknown, ended or over, or whose account is disabled."""
        ...

    def saw(self, secret: str) -> None:
        """Its owner has done something just now."""
        ...

    def end(self, secret: str) -> None:
        """It is over; nothing where it was over before."""
        ...


class Tries(Protocol):
    """How often something was tried, by the names of buckets."""

    def take(self, wanted: Mapping[str, Bucket]) -> float:
        """0 where all buckets had room for one more, and now hold it; else the seconds until they have."""
        ...

    def forgive(self, emptied: str, eased: str) -> None:
        """A try was good: one bucket is emptied, the other gets its try back."""
        ...
