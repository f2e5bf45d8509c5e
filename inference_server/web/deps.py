"""What routes ask for, as annotated dependencies."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import HTTPConnection

from inference_server.domain.reach import Reach
from inference_server.ports import Registry, Token
from inference_server.web.refusals import NotAllowed, NotAuthenticated
from inference_server.web.services import Services

DEVICE, READ, WRITE, VERIFY, ADMIN = "device", "cases:read", "cases:write", "verify", "admin"
OPEN311 = "open311"  # hand in tips and ask what became of them, as Open311 has it
ORIGINALS = "originals"  # pictures with faces and plates; beside a scope that sees the picture, and in no other scope
HOLDS = "holds"  # sets and lifts legal holds
SCOPES = (DEVICE, READ, WRITE, VERIFY, ADMIN, ORIGINALS, OPEN311, HOLDS)
_ADMIN_HAS = frozenset({READ, WRITE, VERIFY, ADMIN, OPEN311, HOLDS})
_MAX_SECRET = 256
_bearer = HTTPBearer(auto_error=False, description="A token of `POST /v1/tokens` or `xuncheng tokens issue`.")


def services_of(connection: HTTPConnection) -> Services:
    """The services of the app that a request or a socket came to."""
    services: Services = connection.app.state.services
    return services


def authenticate(registry: Registry, authorization: str | None) -> Token:
    """The valid token of an Authorization header; raises NotAuthenticated."""
    kind, _, secret = (authorization or "").strip().partition(" ")
    if kind.lower() != "bearer" or not secret:
        raise NotAuthenticated("send the header Authorization: Bearer <token>")
    return token_of(registry, secret.strip())


def token_of(registry: Registry, secret: str) -> Token:
    """The valid token of a secret; raises NotAuthenticated."""
    token = registry.token(secret) if len(secret) <= _MAX_SECRET else None
    if token is None:
        raise NotAuthenticated("the token is unknown, expired or revoked")
    return token


def demand_scope(token: Token, scopes: frozenset[str]) -> None:
    """Nothing; raises NotAllowed where a token has none of the scopes. `admin` has all but `device`."""
    held = token.scopes | (_ADMIN_HAS if ADMIN in token.scopes else frozenset())
    if not held & scopes:
        raise NotAllowed(f"this needs a token with the scope {' or '.join(sorted(scopes))}")


def operator(token: Token) -> str:
    """Who acts with a token, as histories and the audit log write it."""
    return f"operator:{token.name}"


def reach(token: Token) -> Reach:
    """How far a token sees."""
    return Reach(token.districts)


def _with_scope(*scopes: str) -> Callable[..., Token]:
    wanted = frozenset(scopes)

    def authorised(
        request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)] = None
    ) -> Token:
        token = authenticate(services_of(request).registry, request.headers.get("authorization"))
        demand_scope(token, wanted)
        return token

    return authorised


async def _services(request: Request) -> Services:  # async: else it would be called in a thread, for nothing
    return services_of(request)


Given = Annotated[Services, Depends(_services)]
FromDevice = Annotated[Token, Depends(_with_scope(DEVICE))]
FromDeviceOrReader = Annotated[Token, Depends(_with_scope(DEVICE, READ))]
FromReader = Annotated[Token, Depends(_with_scope(READ))]
FromWriter = Annotated[Token, Depends(_with_scope(WRITE))]
FromAsker = Annotated[Token, Depends(_with_scope(VERIFY))]
FromReaderOrAsker = Annotated[Token, Depends(_with_scope(READ, VERIFY))]
FromHolder = Annotated[Token, Depends(_with_scope(HOLDS))]
FromReaderOrHolder = Annotated[Token, Depends(_with_scope(READ, HOLDS))]
FromAdmin = Annotated[Token, Depends(_with_scope(ADMIN))]
