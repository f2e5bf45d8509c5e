"""How one frame gets to the server: the settings, and the HTTP way."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import httpx

from patrol.answers import Accepted, Refused, TryLater, read_answer
from patrol.buffer import Waiting
from patrol.errors import InputError
from patrol.frame import wire_time


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadSettings:
    """Where to send and how hard to try.

    `device_tokens` go before `token` for the devices they name. `connections` frames are under way at once, of
    different lanes. After a failure the wait doubles from `first_wait_s` to `longest_wait_s`; what the server asks for
    by Retry-After goes first, up to `longest_retry_after_s`.
    """

    server: str
    token: str = ""
    device_tokens: Mapping[str, str] = field(default_factory=dict)
    connections: int = 4
    timeout_s: float = 30.0
    first_wait_s: float = 0.5
    longest_wait_s: float = 60.0
    longest_retry_after_s: float = 900.0

    def __post_init__(self) -> None:
        """Refuse what could never work, instead of trying it for ever."""
        try:
            url = httpx.URL(self.server)
        except httpx.InvalidURL as error:
            raise InputError(f"{self.server!r} is no address: {error}") from error
        if url.scheme not in ("http", "https") or not url.host:
            raise InputError(f"the server's address must begin with http:// or https://, not {self.server!r}")
        for token in (*self.device_tokens.values(), *([] if self.device_tokens and not self.token else [self.token])):
            if not token.isascii() or not token.isprintable() or not token.strip():
                raise InputError("a token is empty or holds characters no HTTP header may hold")

    def token_of(self, device: str) -> str:
        """The token that speaks for a device."""
        return self.device_tokens.get(device, self.token)


class Link(Protocol):
    """A way to the server. Called by one thread a lane, by several lanes at once."""

    def send(self, frame: Waiting) -> Accepted | Refused:
        """What the server says of the frame; raises TryLater or Halt where it says nothing of it."""

    def close(self) -> None:
        """Give the connections back."""


def meta_now(frame: Waiting) -> bytes:
    """The frame's `meta` as it goes on the wire now: `sent_at` is this moment, by the vehicle's clock."""
    return json.dumps(frame.meta | {"sent_at": wire_time(datetime.now(UTC))}, ensure_ascii=False).encode()


class HttpLink:
    """POST /v1/frames: one request a frame."""

    def __init__(self, settings: UploadSettings) -> None:
        """Nothing is connected before the first frame."""
        self._settings = settings
        self._client = httpx.Client(
            base_url=settings.server,
            timeout=settings.timeout_s,
            limits=httpx.Limits(max_connections=settings.connections),
        )

    def send(self, frame: Waiting) -> Accepted | Refused:
        """What the server says of the frame; raises TryLater or Halt where it says nothing of it."""
        parts = {
            "meta": (None, meta_now(frame), "application/json"),
            "image": ("frame", frame.picture, frame.content_type),
        }
        headers = {"Authorization": f"Bearer {self._settings.token_of(frame.lane[0])}"}
        try:
            response = self._client.post("/v1/frames", files=parts, headers=headers)
        except httpx.RequestError as error:
            raise TryLater(f"{type(error).__name__}: {error}") from error
        return read_answer(response)

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()
