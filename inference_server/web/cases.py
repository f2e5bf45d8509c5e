"""GET /v1/cases, one case with history and evidence, and PATCH for legal moves."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import JSONResponse

from inference_server.casework import MoveRequest
from inference_server.domain.case import Case, CaseId
from inference_server.domain.errors import NotFound
from inference_server.domain.verification_record import VerificationFilter
from inference_server.sight import Shows
from inference_server.web.case_query import CaseQuery
from inference_server.web.case_schema import (
    CaseDetail,
    CaseOut,
    CasePatch,
    CasesOut,
    EvidenceOut,
    MoveOut,
    PassOut,
    SightingOut,
    VerdictOut,
    feature,
)
from inference_server.web.deps import FromReader, FromWriter, Given, reach
from inference_server.web.hold_schema import HoldOut
from inference_server.web.pictures import WantsOriginal, evidence_response
from inference_server.web.responses import answers
from inference_server.web.services import Services

router = APIRouter(prefix="/v1/cases", tags=["cases"])

GEOJSON = "application/geo+json"
CaseIdPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9_\-]{1,64}$")]
Sha256Path = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]
_FEATURES: dict[str, Any] = {"schema": {"type": "object", "required": ["type", "features", "next"]}}


@router.get(
    "",
    response_model=CasesOut,
    responses=answers(401, 403, 422)
    | {200: {"description": "One page, in order of filing", "content": {GEOJSON: _FEATURES}}},
)
def list_cases(request: Request, services: Given, token: FromReader, query: Annotated[CaseQuery, Query()]) -> Any:
    """Cases by filters. `next` of a page is the `cursor` of the one after it."""
    page = services.store.list_cases(query.wanted(reach(token)))
    accepts = request.headers.get("accept", "")
    if query.format == "geojson" or (query.format is None and GEOJSON in accepts):
        features = [feature(case) for case in page.cases]
        body = {"type": "FeatureCollection", "features": features, "next": page.cursor}
        return JSONResponse(body, media_type=GEOJSON)
    return CasesOut(cases=[CaseOut.of(case) for case in page.cases], next=page.cursor)


@router.get("/{case_id}", response_model=CaseDetail, responses=answers(401, 403, 404, 422))
def get_case(services: Given, token: FromReader, case_id: CaseIdPath) -> CaseDetail:
    """One case with its history, its sightings and links to its pictures."""
    return _detail(services, services.sight.case(CaseId(case_id), reach(token)))


@router.get(
    "/{case_id}/evidence/{sha256}",
    response_class=Response,
    responses=answers(401, 403, 404, 410, 422)
    | {200: {"description": "The picture", "content": {"image/jpeg": {}, "image/png": {}, "image/webp": {}}}},
)
def get_evidence(
    services: Given, token: FromReader, case_id: CaseIdPath, sha256: Sha256Path, original: WantsOriginal = False
) -> Response:
    """One picture of a case, faces and number plates made unreadable."""
    if sha256 not in services.sight.pictures(Shows.CASE, case_id, reach(token)):
        raise NotFound(f"case {case_id} has no such picture", field="sha256")
    return evidence_response(services, token, sha256, f"case:{case_id}", original=original)


@router.patch("/{case_id}", response_model=CaseDetail, responses=answers(400, 401, 403, 404, 409, 413, 422))
def move_case(services: Given, token: FromWriter, case_id: CaseIdPath, patch: CasePatch) -> CaseDetail:
    """Move a case by the city's table of legal moves, or note the case system's number. Repeating it with the same
    `at` changes nothing."""
    case = services.sight.case(CaseId(case_id), reach(token))
    request = MoveRequest(
        case_id=case.id,
        by=f"{patch.by}:{token.name}",
        state=patch.state,
        reason=patch.reason,
        external_number=patch.external_number,
        at=patch.at,
        expected_state=patch.expected_state,
    )
    return _detail(services, services.casework.move(request))


def _detail(services: Services, case: Case) -> CaseDetail:
    store = services.store
    pictures = store.evidence(case.id)
    deleted = services.deletions.deletions(item.sha256 for item in pictures)
    verifications = services.asking.verifications.find(VerificationFilter(case_id=case.id))
    return CaseDetail(
        **CaseOut.of(case).model_dump(),
        history=[MoveOut.of(move) for move in store.history(case.id)],
        verifications=[VerdictOut.of(one) for one in verifications],
        passes=[PassOut.of(view) for view in store.looks_at(case.id)],
        seen=[SightingOut.of(seen) for seen in store.sightings(case.id)],
        evidence=[EvidenceOut.of(item, deleted.get(item.sha256)) for item in pictures],
        holds=[HoldOut.of(hold) for hold in services.holds.holds(standing=True, case_id=case.id)],
    )
