"""Evidence as it leaves the trusted zone: blurred, or as it was taken for those who may see that, written down."""

import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from detector.image import Limits
from inference_server.access_ports import AuditLog
from inference_server.blurring import blurred
from inference_server.domain.audit import AuditAction, AuditNote
from inference_server.domain.errors import NotFound
from inference_server.domain.observation import Box
from inference_server.domain.private_parts import LEAST_SCORE, face_parts, private_parts
from inference_server.ports import Detects, Evidence, FindsFaces, PictureUnreadable

_KINDS: Final = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"RIFF", "image/webp"))
_MOST_KNOWN: Final = 20_000  # pictures whose parts are remembered; some hundred bytes each


def media_type(picture: bytes) -> str | None:
    """The content type of a picture; None for what is none of the three kinds that are given out."""
    return next((kind for start, kind in _KINDS if picture.startswith(start)), None)


class Showing:
    """Pictures by their hash. What must not be recognised is looked for when a picture is first shown, by the model
    that runs and by a detector of faces where there is one; a picture that cannot be looked at is not shown."""

    def __init__(
        self,
        evidence: Evidence,
        detects: Callable[[], Detects],
        limits: Limits,
        audit: AuditLog,
        finder: FindsFaces | None = None,
    ) -> None:
        self._evidence, self._detects, self._limits, self._audit = evidence, detects, limits, audit
        self._finder = finder
        self._parts = lru_cache(maxsize=_MOST_KNOWN)(self._looked_for)

    def picture(self, sha256: str) -> bytes:
        """The picture with faces and plates made unreadable; raises NotFound."""
        try:
            return blurred(self._evidence.get(sha256), self._hidden(sha256), self._limits)
        except PictureUnreadable as fault:
            raise NotFound(f"the picture cannot be shown: {fault}", field="sha256") from fault

    def tag(self, sha256: str) -> str:
        """What `picture` shows, in short: another model or detector of faces that hides other parts changes it."""
        return f"{sha256}-{zlib.crc32(repr(self._hidden(sha256)).encode()):08x}"

    def original(self, sha256: str, thing: str, by: str) -> bytes:
        """The picture as it was taken; that somebody saw it is in the audit log before they do. Raises NotFound."""
        picture = self._evidence.get(sha256)
        self._audit.add(AuditNote.by(by, AuditAction.ORIGINAL_SHOWN, thing, sha256=sha256))
        return picture

    def _hidden(self, sha256: str) -> tuple[Box, ...]:
        return self._parts(sha256, self._detects().model_version)

    def _looked_for(self, sha256: str, model_version: str) -> tuple[Box, ...]:
        picture = self._evidence.get(sha256)
        parts = private_parts(self._detects().open(picture).detect(LEAST_SCORE))
        return parts if self._finder is None else parts + face_parts(self._finder.faces(picture))
