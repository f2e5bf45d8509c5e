"""A person signs in to the console: throttled, with the same work and the same answer for every wrong try."""

import hashlib
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn

from inference_server.access_ports import Accounts, AuditLog, ConsoleSessions, Passwords, SessionLimits, SignedIn, Tries
from inference_server.domain.account import NO_ACCOUNT, Role, account_name
from inference_server.domain.audit import AuditAction, AuditNote
from inference_server.domain.errors import BadInput, InspectionError
from inference_server.domain.throttle import Bucket

# Of one account: five tries, then one a minute, 1,445 a day. Of one address: thirty, then one in ten seconds; many
# people may sit behind it.
_OF_ACCOUNT: Final = Bucket(tries=5, leak_s=60.0)
_OF_ADDRESS: Final = Bucket(tries=30, leak_s=10.0)
_CONSOLE: Final = "console"
_UNKNOWN: Final = "unknown"
_NOBODY: Final = ""


class SignInRefused(InspectionError):
    """Name or password is wrong."""

    code = "sign_in_refused"


class TooManyTries(InspectionError):
    """Too many tries: wait a little."""

    code = "too_many_tries"

    def __init__(self, retry_after_s: float) -> None:
        super().__init__("too many tries")
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningIn:
    """The use case behind the login page."""

    accounts: Accounts
    sessions: ConsoleSessions
    tries: Tries
    passwords: Passwords
    audit: AuditLog
    limits: SessionLimits

    @property
    def has_accounts(self) -> bool:
        """Whether people sign in with names; until then the one-time token of the start lets one browser in."""
        return self.accounts.has_active()

    def enter(self, typed_name: str, password: str, address: str) -> str:
        """The secret of a new session; raises TooManyTries, or SignInRefused, which never says what was wrong."""
        name = _name(typed_name)
        of_account = f"account:{_digest(name)}"
        self._take({of_account: _OF_ACCOUNT, _of(address): _OF_ADDRESS})
        kept = self.accounts.password_hash(name)
        if not self.passwords.is_right(password, kept) or kept is None:
            self._refuse(name, address, "password")
        self.tries.forgive(emptied=of_account, eased=_of(address))
        if self.passwords.is_old(kept):
            self.accounts.renew_hash(name, kept, self.passwords.hash(password))
        return self._begin(name, self.accounts.account(name).role, address, "password")

    def change_password(self, who: SignedIn, current: str, new: str, address: str) -> str:
        """The secret of a new session under another password; all sessions before are over.

        Raises like `enter` where the current password is wrong, and BadInput for a new one that would be guessed.
        """
        of_account = f"account:{_digest(who.name)}"
        self._take({of_account: _OF_ACCOUNT, _of(address): _OF_ADDRESS})
        if not self.passwords.is_right(current, self.accounts.password_hash(who.name)):
            self._refuse(who.name, address, "password_change")
        self.tries.forgive(emptied=of_account, eased=_of(address))
        self.passwords.demand_good(new, who.name)
        self.accounts.set_password(who.name, self.passwords.hash(new), by=f"operator:{who.name}")
        return self._begin(who.name, who.role, address, "password_change")

    def enter_once(self, is_right: Callable[[], bool], address: str) -> str:
        """The secret of a session for who holds the one-time token of the start; only while there are no accounts."""
        self._take({_of(address): _OF_ADDRESS})
        if self.has_accounts or not is_right():
            self._refuse(_NOBODY, address, "one_time_token")
        self.tries.forgive(emptied="", eased=_of(address))
        return self._begin(None, Role.OPERATOR, address, "one_time_token")

    def who(self, secret: str | None) -> SignedIn | None:
        """Who holds a session; None where it does not hold."""
        return None if secret is None else self.sessions.find(secret, self.limits)

    def leave(self, secret: str, who: SignedIn) -> None:
        """The session ends, for every copy of its cookie."""
        self.sessions.end(secret)
        self.audit.add(AuditNote(who=who.name, role=who.role, action=AuditAction.SIGNED_OUT, object=_CONSOLE))

    def _take(self, wanted: dict[str, Bucket]) -> None:
        wait_s = self.tries.take(wanted)
        if wait_s > 0.0:
            raise TooManyTries(wait_s)

    def _begin(self, account: str | None, role: Role, address: str, way: str) -> str:
        secret = self.sessions.begin(account)
        details = {"address": address, "way": way}
        who = account or NO_ACCOUNT
        self.audit.add(AuditNote(who=who, role=role, action=AuditAction.SIGNED_IN, object=_CONSOLE, details=details))
        return secret

    def _refuse(self, name: str, address: str, way: str) -> NoReturn:
        """Raises SignInRefused. A name that nobody has may be a password in the wrong field: it is not written down."""
        known = {account.name: account.role for account in self.accounts.accounts()}
        role = known.get(name)
        who = name if role is not None else _UNKNOWN
        details = {"address": address, "way": way}
        action = AuditAction.SIGN_IN_REFUSED
        self.audit.add(AuditNote(who=who, role=role or _UNKNOWN, action=action, object=_CONSOLE, details=details))
        raise SignInRefused("name or password is wrong")


def _name(typed: str) -> str:
    """The name as it is kept; what cannot be one is nobody's."""
    try:
        return account_name(typed)
    except BadInput:
        return _NOBODY


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def _of(address: str) -> str:
    """The bucket of an address; of IPv6 the network, for one customer has 2^64 addresses."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "address:none"
    if isinstance(found, ipaddress.IPv6Address):
        found = found.ipv4_mapped or ipaddress.IPv6Network((found, 64), strict=False).network_address
    return f"address:{found}"
