"""Is it alive, is it ready, and its figures."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from inference_server.web.deps import Given

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The process answers."""

    status: str


class Ready(BaseModel):
    """Each check by name: "ok", or what is wrong."""

    status: str
    model_version: str
    checks: dict[str, str]


@router.get("/healthz", response_model=Alive)
async def healthz() -> Alive:
    """The process answers; nothing else is looked at."""
    return Alive(status="ok")


@router.get("/readyz", response_model=Ready, responses={503: {"model": Ready, "description": "A check failed"}})
def readyz(services: Given) -> JSONResponse:
    """Database, model, workers, disk, and whether the server starts or drains. 503 where one of them is not well."""
    faults = services.readiness.faults()
    is_ready = not any(faults.values())
    ready = Ready(
        status="ready" if is_ready else "not ready",
        model_version=services.model_version,
        checks={name: fault or "ok" for name, fault in faults.items()},
    )
    return JSONResponse(ready.model_dump(), 200 if is_ready else 503)


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses={200: {"description": "Prometheus text format", "content": {"text/plain": {}}}},
)
def metrics(services: Given) -> Response:
    """Figures for Prometheus."""
    return Response(generate_latest(services.metrics.registry), media_type=CONTENT_TYPE_LATEST)
