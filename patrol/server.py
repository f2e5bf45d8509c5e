"""What the vehicle asks of the server besides taking frames: registration, tokens, and what became of a frame."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from patrol.errors import InputError, OutsideError

_TRYING_S = 60.0
_TOKEN_DAYS = 7


class _Unavailable(Exception):
    """The server is not there at the moment."""


class Server:
    """A Xuncheng server. Trouble of a moment is waited out for a minute; then OutsideError is raised."""

    def __init__(self, url: str, *, admin_token: str | None = None, timeout_s: float = 30.0) -> None:
        """`admin_token` is needed for registering and for tokens, not for looking at frames."""
        self._admin_token = admin_token
        self._client = httpx.Client(base_url=url, timeout=timeout_s)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def register(self, device: str, camera: str, settings: Mapping[str, Any] | None) -> None:
        """Register a device if the server does not know it, and set its camera where `settings` says how it hangs."""
        if self._ask("GET", f"/v1/devices/{device}", self._admin(), missing_is_fine=True) is None:
            self._ask("POST", "/v1/devices", self._admin(), body={"id": device, "name": device})
        if settings is not None:
            self._ask("PUT", f"/v1/devices/{device}/cameras/{camera}", self._admin(), body=dict(settings))

    def device_token(self, device: str) -> str:
        """A fresh token that speaks for a registered device for a week."""
        expires_at = (datetime.now(UTC) + timedelta(days=_TOKEN_DAYS)).isoformat(timespec="seconds")
        body = {"name": f"patrol {device}", "scopes": ["device"], "device": device, "expires_at": expires_at}
        issued = self._ask("POST", "/v1/tokens", self._admin(), body=body) or {}
        return str(issued["secret"])

    def report_of(self, frame: str, token: str) -> dict[str, Any] | None:
        """What became of a frame; None while it waits for its analysis."""
        report = (self._ask("GET", f"/v1/frames/{frame}", token) or {}).get("report")
        return report if isinstance(report, dict) else None

    def case(self, case: str) -> dict[str, Any] | None:
        """A case, None without an admin token or when there is no such case."""
        if self._admin_token is None:
            return None
        return self._ask("GET", f"/v1/cases/{case}", self._admin_token, missing_is_fine=True)

    def _admin(self) -> str:
        if self._admin_token is None:
            raise InputError("registering a device needs --admin-token")
        return self._admin_token

    def _ask(
        self, method: str, path: str, token: str, *, body: object = None, missing_is_fine: bool = False
    ) -> dict[str, Any] | None:
        try:
            response = self._try(method, path, token, body)
        except _Unavailable as error:
            raise OutsideError(f"{self._client.base_url} does not answer: {error}") from error
        if response.status_code == 404 and missing_is_fine:
            return None
        found = _object(response)
        if response.is_success:
            return found
        said = found.get("detail") or found.get("title") or response.reason_phrase
        raise OutsideError(f"{method} {path} was answered {response.status_code}: {said}")

    @retry(
        retry=retry_if_exception_type(_Unavailable),
        wait=wait_exponential_jitter(multiplier=0.25, max=5.0, jitter=0.25),
        stop=stop_after_delay(_TRYING_S),
        reraise=True,
    )
    def _try(self, method: str, path: str, token: str, body: object) -> httpx.Response:
        try:
            response = self._client.request(method, path, headers={"Authorization": f"Bearer {token}"}, json=body)
        except httpx.RequestError as error:
            raise _Unavailable(f"{type(error).__name__}: {error}") from error
        if response.status_code in (429, 502, 503, 504):
            raise _Unavailable(f"status {response.status_code}")
        return response


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
