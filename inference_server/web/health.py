"""Is it alive, is it ready, and its figures."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from inference_server.web.deps import Given
from inference_server.web.model_schema import ModelOut
from inference_server.web.readiness import Status

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The process answers."""

    status: str


class Ready(BaseModel):
    """Each check by name: "ok", or what is wrong."""

    status: Status
    model_version: str
    models: dict[str, ModelOut]
    checks: dict[str, str]


@router.get("/healthz", response_model=Alive)
async def healthz() -> Alive:
    """The process answers; nothing else is looked at."""
    return Alive(status="ok")


@router.get("/readyz", response_model=Ready, responses={503: {"model": Ready, "description": "A check failed"}})
def readyz(services: Given) -> JSONResponse:
    """Database, model, workers, bus, disk, and whether the server starts or drains. 503 where it takes no frames.

    `degraded`: frames are accepted and wait, for the workers or the bus of a fleet are not well.
    """
    faults = services.readiness.faults()
    status = services.readiness.status(faults)
    ready = Ready(
        status=status,
        model_version=services.models.model_version,
        models={one.alias.value: ModelOut.of(one) for one in services.models.status()},
        checks={name: fault or "ok" for name, fault in faults.items()},
    )
    return JSONResponse(ready.model_dump(mode="json"), 503 if status is Status.NOT_READY else 200)


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses={200: {"description": "Prometheus text format", "content": {"text/plain": {}}}},
)
def metrics(services: Given) -> Response:
    """Figures for Prometheus."""
    return Response(generate_latest(services.metrics.registry), media_type=CONTENT_TYPE_LATEST)
