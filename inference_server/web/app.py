"""The HTTP side of the server."""

from importlib.metadata import version

from fastapi import FastAPI

from inference_server.web import (
    cases,
    devices,
    errors,
    frames,
    grids,
    health,
    holds,
    models,
    reviews,
    stream,
    tips,
    tokens,
    verifications,
)
from inference_server.web.guard import Guard
from inference_server.web.metrics import Measured
from inference_server.web.open311 import routes
from inference_server.web.openapi import documented
from inference_server.web.services import Services

_STREAMED = frozenset({"/v1/frames", "/v1/verifications"})


def create_app(services: Services) -> FastAPI:
    """The app over its services. It keeps no state of its own beyond counters, so any number may run side by side."""
    # FastAPI's own pages of documentation load scripts from a CDN; the document itself is enough.
    app = FastAPI(title="Xuncheng", version=version("xuncheng"), docs_url=None, redoc_url=None)
    app.state.services = services
    app.state.streams = stream.OpenStreams(services.max_streams)
    services.metrics.streams.set_function(lambda: app.state.streams.count)
    errors.install(app)
    parts = (frames, stream, cases, grids, devices, tokens, models, reviews, verifications, tips, routes, holds, health)
    for part in parts:
        app.include_router(part.router)
    app.add_middleware(Guard, streamed=_STREAMED, within_s=services.reader.within_s)
    app.add_middleware(Measured, metrics=services.metrics)
    app.openapi = documented(app)  # type: ignore[method-assign]
    return app
