"""Pictures out: shown, never interpreted as anything else."""

from typing import Annotated

from fastapi import Query, Response

from inference_server.ports import Token
from inference_server.showing import media_type
from inference_server.web.deps import ORIGINALS, demand_scope, operator
from inference_server.web.services import Services

_SHOWN = "private, max-age=86400"

WantsOriginal = Annotated[
    bool,
    Query(description="as it was taken, faces and plates included: needs the scope `originals`, and is written down"),
]


def evidence_response(services: Services, token: Token, sha256: str, thing: str, *, original: bool) -> Response:
    """A picture of evidence for the holder of a token; raises NotFound, or NotAllowed for an original."""
    if not original:
        return _response(services.showing.picture(sha256), services.showing.tag(sha256), _SHOWN)
    demand_scope(token, frozenset({ORIGINALS}))
    return _response(services.showing.original(sha256, thing, operator(token)), sha256, "no-store")


def _response(picture: bytes, tag: str, caching: str) -> Response:
    headers = {"Cache-Control": caching, "Content-Security-Policy": "default-src 'none'; sandbox", "ETag": f'"{tag}"'}
    return Response(picture, media_type=media_type(picture) or "application/octet-stream", headers=headers)
