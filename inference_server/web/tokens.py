"""Access tokens: issued, listed, revoked."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from inference_server.domain.account import checked_districts
from inference_server.domain.errors import BadInput
from inference_server.ports import Registry, Token
from inference_server.web.admin_schema import IssuedToken, TokenIn, TokenOut
from inference_server.web.deps import DEVICE, HOLDS, OPEN311, READ, VERIFY, WRITE, FromAdmin, Given, operator
from inference_server.web.responses import answers

router = APIRouter(prefix="/v1/tokens", tags=["tokens"])

_WITH_DISTRICTS = frozenset({READ, WRITE, VERIFY, OPEN311, HOLDS})  # frames, tokens and devices belong to no district
TokenIdPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9_\-]{1,64}$")]


@router.get("", response_model=list[TokenOut], responses=answers(401, 403))
def list_tokens(services: Given, _: FromAdmin) -> list[TokenOut]:
    """All tokens, the revoked ones too; never a secret."""
    return [TokenOut.of(token) for token in services.registry.tokens()]


@router.post("", status_code=201, response_model=IssuedToken, responses=answers(400, 401, 403, 404, 413, 422))
def issue_token(services: Given, admin: FromAdmin, wanted: TokenIn) -> IssuedToken:
    """A new token. Its secret is in this answer and nowhere else."""
    token, secret = issue(services.registry, wanted, operator(admin))
    return IssuedToken(**TokenOut.of(token).model_dump(), secret=secret)


@router.delete("/{token_id}", status_code=204, response_class=Response, responses=answers(401, 403, 404, 422))
def revoke_token(services: Given, admin: FromAdmin, token_id: TokenIdPath) -> None:
    """Revoke a token: from the next request on it opens nothing."""
    services.registry.revoke_token(token_id, by=operator(admin))


def issue(registry: Registry, wanted: TokenIn, by: str) -> tuple[Token, str]:
    """A new token and its secret; raises BadInput for scopes that do not go together, NotFound for the device."""
    if (DEVICE in wanted.scopes) != (wanted.device is not None):
        raise BadInput("the scope device and a device belong together", field="device")
    if DEVICE in wanted.scopes and set(wanted.scopes) != {DEVICE}:
        raise BadInput("a device's token sends frames and does nothing else", field="scopes")
    if wanted.districts is not None and not set(wanted.scopes) <= _WITH_DISTRICTS:
        raise BadInput(f"districts go with {', '.join(sorted(_WITH_DISTRICTS))} only", field="districts")
    if wanted.device is not None:
        registry.device(wanted.device)
    scopes, districts = frozenset(wanted.scopes), checked_districts(wanted.districts)
    return registry.issue_token(wanted.name, scopes, wanted.device, wanted.expires_at, districts=districts, by=by)
