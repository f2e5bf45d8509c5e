"""GET /v1/models, and looking for another one at once."""

from typing import Annotated

from fastapi import APIRouter, Query

from inference_server.domain.audit import AuditAction, AuditNote
from inference_server.domain.errors import NotFound
from inference_server.learning_ports import ShadowStore
from inference_server.web.deps import FromAdmin, FromReader, Given, operator
from inference_server.web.model_schema import ModelsOut, ShadowReportOut
from inference_server.web.responses import answers
from inference_server.web.schema import Line, Moment

router = APIRouter(prefix="/v1/models", tags=["models"])

Version = Annotated[Line | None, Query(min_length=1, max_length=200, description="name and version of a model")]


@router.get("", response_model=ModelsOut, responses=answers(401, 403))
def get_models(services: Given, _: FromReader) -> ModelsOut:
    """The champion and the candidate of this process, and why a wanted model does not run."""
    return ModelsOut.of(services.models.status())


@router.post("/reload", response_model=ModelsOut, responses=answers(401, 403))
def reload_models(services: Given, token: FromAdmin) -> ModelsOut:
    """Read the registry now and load what is new in it, also what failed before. Frames in work finish with the old
    model. The answer says what runs afterwards."""
    services.audit.add(AuditNote.by(operator(token), AuditAction.MODELS_RELOADED, "models"))
    return ModelsOut.of(services.models.check(again=True))


@router.get("/shadow-report", response_model=ShadowReportOut, responses=answers(401, 403, 404, 422))
def get_shadow_report(
    services: Given, _: FromReader, live: Version = None, shadow: Version = None, since: Moment | None = None
) -> ShadowReportOut:
    """The champion and the candidate side by side, class by class; the latest pair, if none is named."""
    return ShadowReportOut.of(services.shadows.report(*chosen_pair(services.shadows, live, shadow), since=since))


def chosen_pair(store: ShadowStore, live: str | None, shadow: str | None) -> tuple[str, str]:
    """The latest pair of versions that fits what is named; raises NotFound."""
    fits = [pair for pair in store.pairs() if live in (None, pair[0]) and shadow in (None, pair[1])]
    if not fits:
        raise NotFound("no two such models have looked at the same frames yet", field="shadow")
    return fits[0]
