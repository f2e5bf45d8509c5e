"""The methods of GeoReport v2 and its service discovery, each as JSON and XML."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from inference_server.domain.errors import NotFound
from inference_server.domain.grid import GridId
from inference_server.domain.tip import Tip
from inference_server.tipping import Caller
from inference_server.web.deps import OPEN311, Given, demand_scope, reach
from inference_server.web.open311.access import (
    Documented,
    FromAsker,
    demand_jurisdiction,
    shown_token,
)
from inference_server.web.open311.asked import RequestsQuery
from inference_server.web.open311.documents import CREATED, DEFINITION, DISCOVERY, REQUESTS, SERVICES, TOKENS, shown
from inference_server.web.open311.faults import Open311Route, faults
from inference_server.web.open311.formats import Format, answer
from inference_server.web.open311.posted import BODY, PostedForm
from inference_server.web.open311.requests import Asked, documents, find_request, find_those_there, find_tip
from inference_server.web.refusals import NotAuthenticated
from inference_server.web.services import Services

router = APIRouter(prefix="/open311/v2", tags=["open311"], route_class=Open311Route)

_SPECIFICATION: Final = "http://wiki.open311.org/GeoReport_v2"
_TAKEN: Final = "A person looks at this first. Your name, telephone number, e-mail and account are not kept here."
_UNPLACED: Final = "A person finds out where this is; ask for the token until then. " + _TAKEN
FormatPath = Annotated[Format, Path(description="json or xml")]
IdPath = Annotated[str, Path(min_length=1, max_length=64)]


@router.get("/discovery.{format}", responses=shown(DISCOVERY) | faults(404))
def discovery(request: Request, services: Given, format: FormatPath) -> Response:
    """Where this endpoint is and what it speaks. Needs no key."""
    place = services.open311
    changeset = place.policy.hash[:16]
    endpoint = {
        "specification": _SPECIFICATION,
        "url": f"{request.base_url}open311/v2",
        "changeset": changeset,
        "type": "production",
        "formats": ["text/xml", "application/json"],
    }
    document = {
        "changeset": changeset,
        "contact": place.contact,
        "key_service": "A key is a token with the scope open311, issued by whom the contact names.",
        "endpoints": [endpoint],
    }
    return answer("discovery", document, format)


@router.get("/services.{format}", responses=shown(SERVICES) | faults(403, 404, 429), dependencies=Documented)
def list_services(services: Given, _: FromAsker, format: FormatPath) -> Response:
    """What can be told: the codes that the city collects."""
    return answer("services", [one.document() for one in services.open311.services.services.values()], format)


@router.get(
    "/services/{service_code}.{format}",
    responses=shown(DEFINITION) | faults(400, 403, 404, 429),
    dependencies=Documented,
)
def get_service(services: Given, _: FromAsker, service_code: IdPath, format: FormatPath) -> Response:
    """One service with its attributes: which class it is, where several share a code."""
    return answer("service_definition", services.open311.services.service(service_code).definition(), format)


@router.get("/requests.{format}", responses=shown(REQUESTS) | faults(400, 403, 404, 429), dependencies=Documented)
def list_requests(
    request: Request, services: Given, asker: FromAsker, format: FormatPath, query: Annotated[RequestsQuery, Query()]
) -> Response:
    """Cases as service requests, newest first: of the last 90 days and at most 1,000, if nothing else is asked for."""
    place = services.open311
    if query.ids:
        found = find_those_there(services, asker, query.ids)
    else:
        wanted = query.wanted(place.services, place.states, asker.reach, place.now())
        found = [Asked(case) for case in services.store.list_cases(wanted).cases]
    return answer("service_requests", documents(services, asker, found, str(request.base_url)), format)


@router.get(
    "/requests/{service_request_id}.{format}",
    responses=shown(REQUESTS) | faults(400, 403, 404, 429),
    dependencies=Documented,
)
def get_request(
    request: Request, services: Given, asker: FromAsker, service_request_id: IdPath, format: FormatPath
) -> Response:
    """One service request: a case by its id, or what became of a tip by the id of the tip."""
    found = [find_request(services, asker, service_request_id)]
    return answer("service_requests", documents(services, asker, found, str(request.base_url)), format)


@router.get(
    "/tokens/{token}.{format}",
    responses=shown(TOKENS) | faults(400, 403, 404, 429),
    dependencies=Documented,
)
def get_token(services: Given, asker: FromAsker, token: IdPath, format: FormatPath) -> Response:
    """The service_request_id of a tip that came without coordinates; null until a person has placed it."""
    tip = find_tip(services, asker, token)
    if tip is None:
        raise NotFound("there is no such token", field="token")
    found = {"service_request_id": None if tip.case_id is None else tip.id, "token": token}
    return answer("service_requests", [found], format)


@router.post(
    "/requests.{format}",
    responses=shown(CREATED) | faults(400, 403, 404, 409, 415, 503),
    openapi_extra={"requestBody": BODY},
    dependencies=Documented,
)
async def post_request(
    request: Request,
    services: Given,
    format: FormatPath,
    idempotency_key: Annotated[
        str | None, Header(min_length=1, max_length=200, description="the caller's own name for this tip")
    ] = None,
) -> Response:
    """Tell of a thing on the street. 200 means that it is on disk; the same again within an hour, or under the same
    Idempotency-Key, gives the same answer."""
    form = PostedForm.read(request.headers.get("content-type", ""), await request.body())
    tip = await run_in_threadpool(_taken, request, services, form, idempotency_key)
    if tip.case_id is None:
        taken: dict[str, Any] = {"token": tip.id, "service_notice": _UNPLACED, "account_id": None}
    else:
        taken = {"service_request_id": tip.id, "service_notice": _TAKEN, "account_id": None}
    return answer("service_requests", [taken], format)


def _taken(request: Request, services: Services, form: PostedForm, key: str | None) -> Tip:
    place = services.open311
    api_key = form.fields.get("api_key") or request.query_params.get("api_key")
    token = shown_token(services.registry, request.headers.get("authorization"), api_key)
    if token is None:
        raise NotAuthenticated("api_key: give the secret of a token with the scope open311")
    demand_scope(token, frozenset({OPEN311}))
    given = form.fields.get("jurisdiction_id") or request.query_params.get("jurisdiction_id")
    demand_jurisdiction(given, place.jurisdiction)
    words = form.words(place.services, place.policy.tips, lambda grid: place.tipping.middle_of(GridId(grid)))
    return place.tipping.take(words, Caller(token.id, token.name, reach(token), key))
