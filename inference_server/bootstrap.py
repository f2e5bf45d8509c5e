"""The one file that names adapters: from settings to a running application."""

import contextlib
import os
import secrets
import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError

from detector.image import Limits
from detector.yolo import YoloDetector
from inference_server.adapters.clock import SystemClock
from inference_server.adapters.looks import YoloLooks
from inference_server.adapters.opening import Adapters, OpeningOptions, open_adapters
from inference_server.adapters.sql_queue import QueueLimits
from inference_server.adapters.webhook import WebhookGateway, WebhookSettings
from inference_server.application import Application
from inference_server.casework import Casework
from inference_server.collect import Collection
from inference_server.console.pages import create_router
from inference_server.console.services import ConsoleServices
from inference_server.console.session import OneTimeToken
from inference_server.console.vendor import MissingAssets
from inference_server.domain.errors import BadInput
from inference_server.domain.grid import GridIndex
from inference_server.filing import Filing
from inference_server.outbox import Delivery
from inference_server.rules import Rules, read_rules
from inference_server.settings import Settings, find_weights
from inference_server.web.accept import Acceptance
from inference_server.web.app import create_app
from inference_server.web.body import ByteBudget, FrameReader
from inference_server.web.metrics import Metrics
from inference_server.web.readiness import Phase, Readiness
from inference_server.web.services import Services
from inference_server.worker import Work, Workers

_log = structlog.get_logger("server")
_SIGN_KEY_BYTES = 32


def open_record(settings: Settings, rules: Rules) -> Adapters:
    """Everything that keeps state, its schema up to date."""
    limits = QueueLimits(
        max_frames=settings.queue_max_frames,
        max_bytes=settings.queue_max_bytes,
        min_free_bytes=settings.min_free_bytes,
    )
    options = OpeningOptions(limits=limits, is_open=rules.states.is_open)
    return open_adapters(settings.database_url, settings.data_folder, options)


def open_looks(settings: Settings) -> YoloLooks:
    """The detector of the model that the settings name; raises BadInput, CardError or ModelFileError."""
    limits = picture_limits(settings)
    return YoloLooks(YoloDetector.load(find_card(settings.weights), settings.precision, limits=limits))


def picture_limits(settings: Settings) -> Limits:
    """What may be decoded."""
    return Limits(max_bytes=settings.max_picture_bytes, max_pixels=settings.max_picture_pixels)


def find_card(weights: Path | None) -> Path:
    """The model card at a path, or the only one in a folder (without a path: in the shipped folder)."""
    place = find_weights() if weights is None else weights
    if place.is_file():
        return place
    cards = sorted(place.glob("*.json"))
    if len(cards) != 1:
        found = ", ".join(card.name for card in cards) or "none"
        raise BadInput(f"{place} must hold exactly one model card; found: {found}", field="weights")
    return cards[0]


def build_collection(rules: Rules, record: Adapters, looks: YoloLooks) -> Collection:
    """The use case that analyses frames, with the unit grids as they are in the record now."""
    grids = GridIndex(record.store.grids(), zone=ZoneInfo(rules.policy.timezone))
    filing = Filing(
        policy=rules.policy,
        states=rules.states,
        grids=grids,
        catalogue=rules.catalogue,
        limits=rules.limits,
        calendar=rules.calendar,
    )
    return Collection(
        store=record.store,
        registry=record.registry,
        detects=looks,
        evidence=record.evidence,
        clock=SystemClock(),
        policy=rules.policy,
        filing=filing,
    )


def build_casework(rules: Rules, record: Adapters) -> Casework:
    """The use case that moves cases."""
    return Casework(
        store=record.store,
        states=rules.states,
        policy=rules.policy,
        limits=rules.limits,
        calendar=rules.calendar,
        clock=SystemClock(),
    )


def build(settings: Settings) -> Application:
    """A whole server, ready to be started; raises what is wrong with the settings, the rules, the model or the disk."""
    rules = read_rules(settings)
    looks = open_looks(settings)
    record = open_record(settings, rules)
    collection = build_collection(rules, record, looks)
    casework = build_casework(rules, record)
    metrics = Metrics(record.store, record.queue)
    work = Work(
        queue=record.queue,
        store=record.store,
        inspect=collection.inspect,
        clock=SystemClock(),
        hears=metrics.hear,
    )
    workers = Workers(work, settings.workers)
    readiness = _readiness(settings, record, workers)
    services = _services(settings, record, casework, readiness, metrics, looks.model_version)
    app = create_app(services)
    secret = _add_console(app, settings, rules, services)
    return Application(
        app=app,
        services=services,
        record=record,
        console_secret=secret,
        max_message_bytes=services.reader.max_body_bytes,
        threads=(workers, *_deliveries(settings, record)),
        stop_within_s=settings.stop_within_s,
    )


def describe() -> dict[str, Any]:
    """The OpenAPI document; nothing is opened for it but an empty record in memory of the file system."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_folder=Path(folder), database_url=None)
        rules = read_rules(settings)
        record = open_record(settings, rules)
        metrics = Metrics(record.store, record.queue)
        services = _services(settings, record, build_casework(rules, record), Readiness({}), metrics, "none")
        document = create_app(services).openapi()
        record.close()
        return document


def _services(
    settings: Settings,
    record: Adapters,
    casework: Casework,
    readiness: Readiness,
    metrics: Metrics,
    model_version: str,
) -> Services:
    limits = picture_limits(settings)
    return Services(
        store=record.store,
        queue=record.queue,
        evidence=record.evidence,
        registry=record.registry,
        clock=SystemClock(),
        acceptance=Acceptance(record.queue, readiness, limits),
        casework=casework,
        reader=FrameReader(settings.max_picture_bytes, settings.body_within_s),
        budget=ByteBudget(settings.max_bytes_in_flight),
        readiness=readiness,
        metrics=metrics,
        model_version=model_version,
        wait_s=settings.wait_s,
        max_streams=settings.max_streams,
    )


def _deliveries(settings: Settings, record: Adapters) -> tuple[Delivery, ...]:
    """The thread that delivers events; none where nobody is to be told (they then wait in the outbox)."""
    if settings.webhook_url is None:
        _log.warning("no_webhook", why="XUNCHENG_WEBHOOK_URL is not set: events wait in the outbox")
        return ()
    secret = settings.webhook_secret.get_secret_value() if settings.webhook_secret else ""
    webhook = WebhookSettings(url=settings.webhook_url, secrets=secret.split(), source=settings.event_source)
    return (Delivery(record.outbox, WebhookGateway(webhook, SystemClock()), SystemClock()),)


def _readiness(settings: Settings, record: Adapters, workers: Workers) -> Readiness:
    return Readiness(
        {
            "database": partial(_database_fault, record),
            "workers": partial(_workers_fault, workers, settings.workers),
            "disk": partial(_disk_fault, settings),
        }
    )


def _workers_fault(workers: Workers, wanted: int) -> str | None:
    return None if workers.alive == wanted else f"{workers.alive} of {wanted} workers run"


def _database_fault(record: Adapters) -> str | None:
    try:
        record.queue.depth()
    except SQLAlchemyError as error:
        return f"the database does not answer: {type(error).__name__}"
    return None


def _disk_fault(settings: Settings) -> str | None:
    free_bytes = shutil.disk_usage(settings.data_folder).free
    enough = free_bytes >= settings.min_free_bytes
    return None if enough else f"{free_bytes} bytes are free, {settings.min_free_bytes} are needed"


def _add_console(app: FastAPI, settings: Settings, rules: Rules, services: Services) -> str | None:
    """The secret that lets one browser in; None where the page's libraries have not been built."""
    token, secret = OneTimeToken.issue()
    console = ConsoleServices(
        store=services.store,
        evidence=services.evidence,
        casework=services.casework,
        states=rules.states,
        clock=services.clock,
        sign_key=_sign_key(settings.data_folder / "console.key"),
        one_time_token=token,
        is_stopping=lambda: services.readiness.phase is Phase.DRAINING,
    )
    try:
        app.include_router(create_router(console))
    except MissingAssets as error:
        _log.warning("console_missing", why=str(error))
        return None
    return secret


def _sign_key(path: Path) -> bytes:
    """The key that signs the console's cookies, made once per data folder, readable by its owner only."""
    with contextlib.suppress(FileExistsError):
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_SIGN_KEY_BYTES))
    return path.read_bytes()
