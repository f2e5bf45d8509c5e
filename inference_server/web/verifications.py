"""POST /v1/verifications, one verification with its pictures, and a person's answer to it."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.concurrency import run_in_threadpool

from inference_server.closure.answer_document import answer_document
from inference_server.domain.errors import NotFound
from inference_server.domain.reach import Reach
from inference_server.domain.verdict import VerificationId, VerificationRequest
from inference_server.domain.verification_record import HumanAnswer, HumanSays, VerificationState
from inference_server.sight import Shows
from inference_server.web.asking import PARTS, read_question
from inference_server.web.deps import FromAsker, FromReaderOrAsker, FromWriter, Given, operator, reach
from inference_server.web.pictures import WantsOriginal, evidence_response
from inference_server.web.refusals import NotAllowed
from inference_server.web.responses import answers
from inference_server.web.services import Services
from inference_server.web.verification_schema import EXAMPLE_REQUEST, ClosureAnswerIn, VerificationOut

router = APIRouter(prefix="/v1/verifications", tags=["verifications"])

_PICTURE: dict[str, Any] = {"type": "string", "format": "binary", "description": "JPEG, PNG or WebP"}
_FORM: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["request"],
                "additionalProperties": False,
                "properties": {
                    "request": {"$ref": "#/components/schemas/VerificationIn"},  # put into the document by openapi.py
                    **dict.fromkeys(PARTS, _PICTURE),
                },
            },
            "encoding": {"request": {"contentType": "application/json"}},
            "examples": {
                "inline case": {
                    "value": {"request": EXAMPLE_REQUEST, "before_1": "<bytes>", "after_1": "<bytes>"},
                }
            },
        }
    },
}
VerificationIdPath = Annotated[str, Path(pattern="^[0-9A-Za-z]{26}$", examples=["01JD9GZ3T2V8Q4W6R1X5Y7Z9AB"])]
Sha256Path = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]


@router.post(
    "",
    response_model=VerificationOut,
    openapi_extra={"requestBody": _FORM},
    responses=answers(400, 401, 403, 404, 408, 409, 413, 415, 422, 503)
    | {202: {"model": VerificationOut, "description": "Accepted: the answer comes by the callback"}},
)
async def post_verification(request: Request, response: Response, services: Given, token: FromAsker) -> Any:
    """Is it fixed? 200 with the answer; 202 where a callback was asked for. The same key and contents give the stored
    answer; a case that is not reported fixed (any more) is a 409."""
    services.readiness.demand_serving()
    asking = services.asking
    with services.budget.hold() as held:
        parts = await asking.reader.read(request, held)
        question = await run_in_threadpool(read_question, asking, services.evidence, parts, token)
        del parts
    await run_in_threadpool(_demand_in_reach, services, question, reach(token))
    use_case = asking.verification
    if question.callback_url is not None:
        record = await run_in_threadpool(use_case.accept, question)
    else:
        record = await asking.lane.run(lambda: use_case.verify(question))
    response.status_code = 202 if record.state is VerificationState.WAITING else 200
    response.headers["Location"] = f"/v1/verifications/{record.id}"
    return answer_document(record)


@router.get("/{verification_id}", response_model=VerificationOut, responses=answers(401, 403, 404, 422))
def get_verification(services: Given, token: FromReaderOrAsker, verification_id: VerificationIdPath) -> Any:
    """One verification and its answer."""
    return answer_document(services.sight.verification(VerificationId(verification_id), reach(token)))


@router.get(
    "/{verification_id}/evidence/{sha256}",
    response_class=Response,
    responses=answers(401, 403, 404, 410, 422)
    | {200: {"description": "The picture", "content": {"image/jpeg": {}, "image/png": {}, "image/webp": {}}}},
)
def get_picture(
    services: Given,
    token: FromReaderOrAsker,
    verification_id: VerificationIdPath,
    sha256: Sha256Path,
    original: WantsOriginal = False,
) -> Response:
    """A photograph that was looked at, or one of the pictures made of them, faces and number plates made unreadable."""
    if sha256 not in services.sight.pictures(Shows.VERIFICATION, verification_id, reach(token)):
        raise NotFound(f"verification {verification_id} has no such picture", field="sha256")
    return evidence_response(services, token, sha256, f"verification:{verification_id}", original=original)


@router.post(
    "/{verification_id}/answer",
    response_model=VerificationOut,
    responses=answers(400, 401, 403, 404, 409, 413, 422),
)
def answer_verification(
    services: Given, token: FromWriter, verification_id: VerificationIdPath, said: ClosureAnswerIn
) -> Any:
    """What a person saw. A case that waits for it is closed or goes back; a blind check that says `not_fixed` reopens
    it. `says: null` takes the answer back."""
    by, record = operator(token), services.sight.verification(VerificationId(verification_id), reach(token))
    given = None
    if said.says is not None:
        at = services.clock.now()
        given = HumanAnswer(says=HumanSays(said.says), by=by, at=at, is_blind=False, reason=said.reason)
    use_case = services.asking.verification
    return answer_document(use_case.answer(record.id, given, by))


def _demand_in_reach(services: Services, question: VerificationRequest, reach: Reach) -> None:
    """Nothing; NotFound for a case of the record, or NotAllowed for a described one, that lies elsewhere."""
    if question.case_id is not None:
        services.sight.case(question.case_id, reach)
    elif question.case is not None and not services.sight.covers(question.case, reach):
        raise NotAllowed("this token asks for other districts", field="request.case.district")
