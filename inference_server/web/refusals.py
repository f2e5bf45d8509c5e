"""Refusals that only exist at the edge: how a request came, who sent it, what its body was like.

InspectionError (inference_server.domain.errors)
├── NotAuthenticated   no token, or one that is unknown, expired or revoked
├── NotAllowed         the token does not reach so far
├── Malformed          the body is not what its content type says
├── MediaTypeRefused   the content type is not taken here
├── BodyTooLarge       more bytes than are taken here
├── BodyTooSlow        the body did not arrive in time
├── ClockAhead         the frame was taken more than a day in the future
├── TooMany            too many requests from one address
├── NotReady           the server starts or drains
└── Busy               too many bytes are being received, or the disk takes no more
"""

from inference_server.domain.errors import InspectionError


class NotAuthenticated(InspectionError):
    """No token, or one that is unknown, expired or revoked."""

    code = "not_authenticated"


class NotAllowed(InspectionError):
    """The token does not reach so far: a scope is missing, or it belongs to another device."""

    code = "not_allowed"


class Malformed(InspectionError):
    """The body is not what its content type says."""

    code = "malformed"


class MediaTypeRefused(InspectionError):
    """The content type is not taken here."""

    code = "media_type_refused"


class BodyTooLarge(InspectionError):
    """More bytes than are taken here; `limit` says how many are."""

    code = "body_too_large"

    def __init__(self, limit_bytes: int, *, field: str | None = None) -> None:
        super().__init__(f"{field or 'the body'} may have at most {limit_bytes} bytes", field=field)
        self.limit = limit_bytes


class BodyTooSlow(InspectionError):
    """The body did not arrive in time; `limit` says how many seconds it may take."""

    code = "body_too_slow"

    def __init__(self, limit_s: float) -> None:
        super().__init__(f"the body did not arrive within {limit_s:g} s")
        self.limit = limit_s


class ClockAhead(InspectionError):
    """The frame was taken more than a day in the future, even with the device's clock corrected."""

    code = "clock_ahead"


class ComeAgain(InspectionError):
    """Not now; `retry_after_s` says when to come again."""

    code = "come_again"

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TooMany(ComeAgain):
    """Too many requests from one address that shows no token."""

    code = "too_many"


class NotReady(ComeAgain):
    """The server starts or drains."""

    code = "not_ready"


class Busy(ComeAgain):
    """Too many bytes are being received at once, or the disk takes no more."""

    code = "busy"
