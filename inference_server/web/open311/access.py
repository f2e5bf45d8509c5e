"""Who may ask and tell: a token in the header or as `api_key`; strangers may read where the city allows that."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Request, Security
from fastapi.security import APIKeyQuery, HTTPBearer

from inference_server.domain.errors import NotFound
from inference_server.domain.reach import WHOLE_CITY, Reach
from inference_server.domain.tip import Tip
from inference_server.ports import Registry, Token
from inference_server.web.deps import ADMIN, OPEN311, READ, authenticate, demand_scope, reach, services_of, token_of
from inference_server.web.refusals import NotAuthenticated

_MAY_READ = frozenset({READ, OPEN311})
_key = APIKeyQuery(name="api_key", auto_error=False, description="The secret of a token with the scope `open311`.")
_bearer = HTTPBearer(auto_error=False, description="A token of `POST /v1/tokens` or `xuncheng tokens issue`.")
Documented = [Security(_bearer), Security(_key)]


@dataclass(frozen=True, slots=True)
class Asker:
    """Who reads: the holder of a token, or a stranger (None)."""

    token: Token | None

    @property
    def reach(self) -> Reach:
        """How far they see."""
        return WHOLE_CITY if self.token is None else reach(self.token)

    @property
    def sees_pictures(self) -> bool:
        """Whether the address of a picture is of any use to them."""
        return self.token is not None and bool(self.token.scopes & {READ, ADMIN})

    def told(self, tip: Tip) -> bool:
        """Whether it is their own tip."""
        return self.token is not None and self.token.id == tip.caller


def shown_token(registry: Registry, authorization: str | None, api_key: str | None) -> Token | None:
    """The token of a header, else of a key; None where neither is shown. Raises NotAuthenticated."""
    if authorization:
        return authenticate(registry, authorization)
    return token_of(registry, api_key) if api_key else None


def demand_jurisdiction(given: str | None, served: str | None) -> None:
    """Nothing; raises NotFound for a jurisdiction that is not the one served here."""
    if given and served is not None and given != served:
        raise NotFound("this jurisdiction is not served here", field="jurisdiction_id")


def _asker(request: Request, jurisdiction_id: Annotated[str | None, Query()] = None) -> Asker:
    services = services_of(request)
    token = shown_token(services.registry, request.headers.get("authorization"), request.query_params.get("api_key"))
    if token is not None:
        demand_scope(token, _MAY_READ)
    elif services.open311.is_public:
        services.open311.throttle.fill(request.client.host if request.client else "")
    else:
        raise NotAuthenticated("api_key: reading needs a key here")
    demand_jurisdiction(jurisdiction_id, services.open311.jurisdiction)
    return Asker(token)


FromAsker = Annotated[Asker, Depends(_asker)]
