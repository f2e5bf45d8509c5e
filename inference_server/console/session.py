"""Who may look: a token that works once, then a signed cookie; and proof that a form is our own."""

import hashlib
import hmac
import secrets
import threading
from dataclasses import dataclass
from typing import Final

from itsdangerous import BadSignature, URLSafeTimedSerializer

COOKIE: Final = "xuncheng_session"
_TOKEN_BYTES: Final = 24
_MOST_TOKEN_LENGTH: Final = 200


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

    id: str
    form_token: str


class Sessions:
    """Signs and reads session cookies. Nothing is stored: any process with the same key reads them."""

    def __init__(self, sign_key: bytes, max_age_s: float) -> None:
        self._serializer = URLSafeTimedSerializer(sign_key, salt="xuncheng.console.session")
        self._form_key = hmac.new(sign_key, b"xuncheng.console.form", hashlib.sha256).digest()
        self.max_age_s = max_age_s

    def begin(self) -> str:
        """The cookie value of a new session."""
        return str(self._serializer.dumps(secrets.token_hex(16)))

    def read(self, cookie: str | None) -> Session | None:
        """The session of a cookie; None where it is missing, forged or too old."""
        if not cookie:
            return None
        try:
            session_id = self._serializer.loads(cookie, max_age=int(self.max_age_s))
        except BadSignature:
            return None
        if not isinstance(session_id, str):
            return None
        return Session(session_id, hmac.new(self._form_key, session_id.encode(), hashlib.sha256).hexdigest())


def is_own_form(session: Session, form_token: str) -> bool:
    """Whether a form came from a page that this session was given."""
    return hmac.compare_digest(form_token.encode(), session.form_token.encode())


def _sha256_hex(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
