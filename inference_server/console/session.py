"""Who may look: a token that works once or an account, then a cookie; and proof that a form is our own."""

import hashlib
import hmac
import secrets
import threading
from dataclasses import dataclass
from typing import Final

from inference_server.access_ports import SignedIn
from inference_server.domain.account import NO_ACCOUNT, Role
from inference_server.domain.errors import InspectionError
from inference_server.domain.reach import Reach

COOKIE: Final = "xuncheng_session"
_TOKEN_BYTES: Final = 24
_MOST_TOKEN_LENGTH: Final = 200


class NotYours(InspectionError):
    """This account may not do that."""

    code = "not_allowed"


class OneTimeToken:
    """A secret that lets one browser in, once. Only its SHA-256 is kept, and that only until it is used."""

    def __init__(self, sha256_hex: str) -> None:
        self._sha256_hex: str | None = sha256_hex
        self._lock = threading.Lock()

    @classmethod
    def issue(cls) -> tuple["OneTimeToken", str]:
        """A new token, and its secret for the person who starts the server."""
        secret = secrets.token_urlsafe(_TOKEN_BYTES)
        return cls(_sha256_hex(secret)), secret

    def consume(self, secret: str) -> bool:
        """Whether this is the secret and nobody has used it yet; from then on it is used."""
        given = _sha256_hex(secret[:_MOST_TOKEN_LENGTH])
        with self._lock:
            if self._sha256_hex is None or not hmac.compare_digest(given, self._sha256_hex):
                return False
            self._sha256_hex = None
            return True


@dataclass(frozen=True, slots=True)
class Session:
    """One signed-in browser; `form_token` goes into every form that changes something."""

    who: SignedIn
    secret: str
    form_token: str

    @classmethod
    def of(cls, who: SignedIn, secret: str) -> "Session":
        """The session of a cookie. Its form token follows from the cookie, which no other site can read."""
        return cls(who, secret, hmac.new(secret.encode(), b"xuncheng.console.form", hashlib.sha256).hexdigest())

    @property
    def role(self) -> Role:
        """What they may do."""
        return self.who.role

    @property
    def has_account(self) -> bool:
        """Whether they came with a name and a password."""
        return self.who.name != NO_ACCOUNT

    @property
    def reach(self) -> Reach:
        """How far they see."""
        return Reach(self.who.districts)

    @property
    def by(self) -> str:
        """Who acts, as histories write it."""
        return f"operator:{self.who.name}"


def demand(is_allowed: bool) -> None:
    """Nothing, or NotYours."""
    if not is_allowed:
        raise NotYours("this account may not do that")


def is_own_form(session: Session, form_token: str) -> bool:
    """Whether a form came from a page that this session was given."""
    return hmac.compare_digest(form_token.encode(), session.form_token.encode())


def _sha256_hex(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
