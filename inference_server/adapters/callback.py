"""The way to whoever asked a question and wants the answer brought: signed, and to checked addresses only."""

import ipaddress
import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import httpx

from inference_server.adapters.webhook import (
    WebhookGateway,
    cloud_event,
    judge_answer,
    signed_headers,
    signers_of,
)
from inference_server.domain.errors import BadInput
from inference_server.ports import Clock, Event, GatewayRefused, GatewayUnavailable

_FIELD = "request.callback_url"
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackSettings:
    """How callbacks are made. `hosts` (names, as they stand in the address) may also be reached by plain http and at
    private addresses: the city's own."""

    secrets: Sequence[str]
    source: str
    hosts: frozenset[str] = frozenset()
    timeout_s: float = 15.0


class CallbackGateway:
    """Any address that the rules allow. Its name is resolved once, and that very address is then connected to."""

    def __init__(self, settings: CallbackSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._signers = signers_of(settings.secrets)

    def check(self, url: str) -> None:
        """Nothing; raises BadInput for an address that callbacks are not sent to."""
        if not self._signers:
            raise BadInput("callbacks are not set up here: there is no secret to sign them with", field=_FIELD)
        parts = urlsplit(url)
        if not self._is_allowed(parts):
            raise BadInput("a callback goes to https, or to a host that this server's settings name", field=_FIELD)
        if parts.username is not None or parts.password is not None:
            raise BadInput("a callback's address has no user and no password", field=_FIELD)
        literal = _literal(parts.hostname or "")
        if literal is not None and not self._is_reachable(literal, parts):
            raise BadInput("a callback does not go to a private address", field=_FIELD)

    def send(self, event: Event) -> None:
        """Deliver one event to its target; raises GatewayRefused for good, GatewayUnavailable for now."""
        assert event.target is not None
        try:
            self.check(event.target)
        except BadInput as error:
            raise GatewayRefused(error.message) from error
        parts = urlsplit(event.target)
        address = self._resolved(parts)
        body = json.dumps(cloud_event(event, self._settings.source), ensure_ascii=False)
        headers = {**signed_headers(event, body, self._signers, self._clock.now()), "host": parts.netloc}
        pinned = parts._replace(netloc=f"{_bracketed(address)}:{_port(parts)}").geturl()
        try:
            # each callback has an address of its own: nothing is gained by keeping connections
            with httpx.Client(timeout=self._settings.timeout_s, follow_redirects=False, trust_env=False) as client:
                sni = {"sni_hostname": parts.hostname}
                answer = client.post(pinned, content=body.encode(), headers=headers, extensions=sni)
        except httpx.HTTPError as error:
            raise GatewayUnavailable(f"{type(error).__name__}: {error}") from error
        judge_answer(answer, self._clock)

    def _is_allowed(self, parts: SplitResult) -> bool:
        if parts.hostname is None:
            return False
        return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in self._settings.hosts)

    def _is_reachable(self, address: str, parts: SplitResult) -> bool:
        return parts.hostname in self._settings.hosts or is_public(address)

    def _resolved(self, parts: SplitResult) -> str:
        """The one address that is connected to: all that a name stands for must be allowed."""
        try:
            found = socket.getaddrinfo(parts.hostname, _port(parts), type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise GatewayUnavailable(f"{parts.hostname} cannot be resolved: {error}") from error
        addresses = [str(row[4][0]) for row in found]
        if not all(self._is_reachable(address, parts) for address in addresses):
            raise GatewayRefused(f"{parts.hostname} stands for a private address")
        return addresses[0]


class RoutedGateway:
    """Events with a target go there, all others to the city's webhook."""

    def __init__(self, webhook: WebhookGateway | None, callbacks: CallbackGateway) -> None:
        self._webhook = webhook
        self._callbacks = callbacks

    def send(self, event: Event) -> None:
        """Deliver one event; raises GatewayRefused for good, GatewayUnavailable for now."""
        if event.target is not None:
            self._callbacks.send(event)
        elif self._webhook is None:
            raise GatewayUnavailable("the city has no webhook")
        else:
            self._webhook.send(event)


def is_public(address: str) -> bool:
    """Whether an address is one host's on the open network. An IPv6 address that stands for an IPv4 one (mapped, 6to4,
    NAT64, RFC 6052) is judged by that one.

    >>> [is_public(one) for one in ("1.1.1.1", "10.0.0.1", "224.0.0.1", "64:ff9b::a00:1", "64:ff9b::101:101")]
    [True, False, False, False, True]
    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or _nat64(parsed)
        parsed = inner or parsed
    return parsed.is_global and not parsed.is_multicast


def _nat64(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    return ipaddress.IPv4Address(address.packed[-4:]) if address in _NAT64 else None


def _port(parts: SplitResult) -> int:
    return parts.port or _PORTS[parts.scheme]


def _literal(host: str) -> str | None:
    """The host, if it is an address and no name."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
