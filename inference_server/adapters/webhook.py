"""The way to the case system: CloudEvents 1.0 in JSON over HTTP, signed after the Standard Webhooks specification."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from standardwebhooks import Webhook

from inference_server.domain.errors import BadInput
from inference_server.ports import Clock, Event, GatewayRefused, GatewayUnavailable

CONTENT_TYPE = "application/cloudevents+json"
_QUOTED = 200
_LEAST_KEY_BYTES, _MOST_KEY_BYTES = 24, 64

# These speak of the address, the credentials or the moment, not of the event: once mended, the same event is welcome.
_TRY_AGAIN = frozenset({401, 403, 404, 405, 407, 408, 421, 425, 429})


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """Where events go. Several secrets sign several times: that is how a receiver changes its secret without a gap.

    `source` is the CloudEvents source: a URI reference that tells this server from others.
    """

    url: str
    secrets: Sequence[str]
    source: str
    timeout_s: float = 15.0


class WebhookGateway:
    """One receiver."""

    def __init__(self, settings: WebhookSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._signers = signers_of(settings.secrets)
        if not self._signers:
            raise BadInput("a webhook needs at least one secret", field="webhook_secret")
        self._client = httpx.Client(timeout=settings.timeout_s, follow_redirects=False)

    def send(self, event: Event) -> None:
        """Deliver one event; raises GatewayRefused for good, GatewayUnavailable for now."""
        body = json.dumps(cloud_event(event, self._settings.source), ensure_ascii=False)
        try:
            headers = signed_headers(event, body, self._signers, self._clock.now())
            answer = self._client.post(self._settings.url, content=body.encode(), headers=headers)
        except httpx.HTTPError as error:
            raise GatewayUnavailable(f"{type(error).__name__}: {error}") from error
        judge_answer(answer, self._clock)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def signers_of(secrets: Sequence[str]) -> list[Webhook]:
    """One signer for each secret."""
    return [_signer(secret) for secret in secrets]


def signed_headers(event: Event, body: str, signers: Sequence[Webhook], now: datetime) -> dict[str, str]:
    """The headers of an event, signed by all signers."""
    at = now.astimezone(UTC)
    return {
        "content-type": CONTENT_TYPE,
        "webhook-id": event.id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signer.sign(msg_id=event.id, timestamp=at, data=body) for signer in signers),
    }


def judge_answer(answer: httpx.Response, clock: Clock) -> None:
    """Nothing for a success; raises GatewayRefused for good, GatewayUnavailable for now."""
    if answer.is_success:
        return
    said = f"HTTP {answer.status_code}: {answer.text[:_QUOTED]}"
    if answer.is_client_error and answer.status_code not in _TRY_AGAIN:
        raise GatewayRefused(said)
    raise GatewayUnavailable(said, retry_after_s=_retry_after_s(answer.headers.get("retry-after"), clock))


def _retry_after_s(header: str | None, clock: Clock) -> float | None:
    """Seconds of a Retry-After, which may be a number or a date; None without one that can be read."""
    if header is None:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        until: datetime = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (until.astimezone(UTC) - clock.now()).total_seconds())


def cloud_event(event: Event, source: str) -> dict[str, Any]:
    """The event in the JSON format of CloudEvents 1.0, structured mode."""
    return {
        "specversion": "1.0",
        "id": event.id,
        "source": source,
        "type": event.type,
        "subject": event.subject,
        "time": event.occurred_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": event.data,
    }


def _signer(secret: str) -> Webhook:
    """The signer of a secret; the specification asks for 24 to 64 random bytes in base64."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        key = b""
    if not _LEAST_KEY_BYTES <= len(key) <= _MOST_KEY_BYTES:
        limits = f"{_LEAST_KEY_BYTES} to {_MOST_KEY_BYTES}"
        raise BadInput(f"a webhook secret is whsec_ and {limits} random bytes in base64", field="webhook_secret")
    return Webhook(key)
