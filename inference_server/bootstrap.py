"""The one file that names adapters: from settings to a running application."""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import cv2
import structlog
from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError

from detector.faces import FaceDetector
from detector.image import Limits
from detector.model_errors import ModelError
from inference_server.access_ports import AuditLog, SessionLimits
from inference_server.adapters.callback import CallbackGateway, CallbackSettings, RoutedGateway
from inference_server.adapters.clock import SystemClock
from inference_server.adapters.faces import CenterFaces
from inference_server.adapters.looks import YoloLooks
from inference_server.adapters.model_shelf import FolderShelf
from inference_server.adapters.nats_stream import StreamPlan
from inference_server.adapters.objects import AnyStore, ObjectPlace, open_store
from inference_server.adapters.opening import Adapters, BusOptions, OpeningOptions, open_adapters
from inference_server.adapters.passwords import ArgonPasswords
from inference_server.adapters.sealing import Keyring, read_key_file, read_keys
from inference_server.adapters.sql_queue import QueueLimits
from inference_server.adapters.webhook import WebhookGateway, WebhookSettings
from inference_server.answering import Answering, AnsweringThread
from inference_server.application import Application
from inference_server.areas import DistrictAreas
from inference_server.casework import Casework
from inference_server.closure.case_moves import CaseClosing
from inference_server.closure.judging import Judge
from inference_server.closure.matters import Matters
from inference_server.collect import Collection
from inference_server.console.pages import create_router
from inference_server.console.services import ConsoleServices
from inference_server.console.session import OneTimeToken
from inference_server.console.vendor import MissingAssets
from inference_server.domain.audit import AuditAction, AuditNote
from inference_server.domain.closing import Decider
from inference_server.domain.errors import BadInput
from inference_server.domain.grid import GridIndex
from inference_server.domain.model import Alias, ModelStatus
from inference_server.domain.throttle import Bucket
from inference_server.door import BlindGate, Door
from inference_server.filing import Filing
from inference_server.models import Models, ModelWatch, Tells, nobody
from inference_server.outbox import Delivery
from inference_server.ports import Detects
from inference_server.precedence import Precedence
from inference_server.retention import Keeper, RetentionThread
from inference_server.reviewing import Reviewing
from inference_server.roll_call import RollCall, roll_fault
from inference_server.rules import Rules, read_rules
from inference_server.scene.gone_rules import GoneRules
from inference_server.scene.learned import OnnxMatcher
from inference_server.settings import Settings, find_weights, usable_cores
from inference_server.shadow import Shadow, ShadowRules
from inference_server.showing import Showing
from inference_server.sight import Sight
from inference_server.signing_in import SigningIn
from inference_server.stages import Times, untimed
from inference_server.tipping import Tipping
from inference_server.verify import Verification
from inference_server.web.accept import Acceptance
from inference_server.web.app import create_app
from inference_server.web.asking import PARTS, Asking, Lane
from inference_server.web.body import MAX_META_BYTES, ByteBudget, FormReader, FrameReader, form_bytes
from inference_server.web.metrics import Metrics
from inference_server.web.readiness import Phase, Readiness
from inference_server.web.service_list import ServiceList
from inference_server.web.services import Services
from inference_server.web.telling import AddressThrottle, Open311
from inference_server.worker import Work, Workers

_log = structlog.get_logger("server")
_STRANGERS = Bucket(tries=60, leak_s=1.0)  # what an address without a token may ask of Open311


def open_record(settings: Settings, rules: Rules) -> Adapters:
    """Everything that keeps state, its schema up to date."""
    limits = QueueLimits(
        max_frames=settings.queue_max_frames,
        max_bytes=settings.queue_max_bytes,
        min_free_bytes=settings.min_free_bytes,
        lease_s=settings.lease_s,
        displaces=settings.displace_live_frames,
    )
    options = OpeningOptions(
        limits=limits,
        is_open=rules.states.is_open,
        bus=_bus_options(settings),
        objects=_object_store(settings),
        keyring=picture_keys(settings),
    )
    return open_adapters(settings.database_url, settings.data_folder, options)


def picture_keys(settings: Settings) -> Keyring:
    """The keys that pictures are sealed with; raises BadInput."""
    if settings.picture_keys is not None and settings.picture_keys_file is not None:
        raise BadInput("give picture_keys or picture_keys_file, not both", field="picture_keys")
    if settings.picture_keys_file is not None:
        return read_key_file(settings.picture_keys_file)
    return read_keys(settings.picture_keys.get_secret_value().split() if settings.picture_keys is not None else ())


def _bus_options(settings: Settings) -> BusOptions | None:
    if settings.nats_url is None:
        return None
    plan = StreamPlan(max_keys=settings.queue_max_frames, ack_wait_s=settings.lease_s, replicas=settings.nats_replicas)
    return BusOptions(url=settings.nats_url.get_secret_value(), plan=plan)


def _object_store(settings: Settings) -> AnyStore | None:
    if settings.object_store_url is None:
        return None
    access_key, secret_key = settings.object_store_access_key, settings.object_store_secret_key
    place = ObjectPlace(
        url=settings.object_store_url,
        endpoint=settings.object_store_endpoint,
        region=settings.object_store_region,
        access_key=access_key.get_secret_value() if access_key else None,
        secret_key=secret_key.get_secret_value() if secret_key else None,
    )
    return open_store(place)


def open_looks(settings: Settings) -> YoloLooks:
    """The detector of the model that the settings name; raises BadInput or ModelError."""
    shelf = model_shelf(settings)
    return shelf.open(shelf.champion())


def open_faces(settings: Settings) -> CenterFaces | None:
    """The detector of faces, where the settings name one; raises ModelError."""
    if settings.face_model is None:
        return None
    return CenterFaces(FaceDetector(settings.face_model), picture_limits(settings))


def model_shelf(settings: Settings, known: Iterable[str] = ()) -> FolderShelf:
    """Where the settings say that models lie; `known` are the classes of the city's rules."""
    place = find_weights() if settings.weights is None else settings.weights
    return FolderShelf(
        place=place, precision=settings.precision, limits=picture_limits(settings), known=frozenset(known)
    )


class _TakenModels:
    """Notes in the audit log which model each process takes, and under which policy; the first ones are loaded before
    there is a log."""

    def __init__(self) -> None:
        self._untold: list[tuple[Alias, str, str | None]] = []
        self._add: Callable[[Alias, str, str | None], None] | None = None

    def __call__(self, alias: Alias, version: str, before: str | None) -> None:
        """One model was taken."""
        self._untold.append((alias, version, before))
        try:
            self._tell()
        except SQLAlchemyError as error:  # a model is not left alone for that: it is told together with the next one
            _log.warning("model_taken_not_noted", alias=alias.value, version=version, error=type(error).__name__)

    def begin(self, log: AuditLog, by: str, policy_hash: str) -> None:
        """From here on there is a log."""

        def add(alias: Alias, version: str, before: str | None) -> None:
            about = {"version": version, "before": before, "policy": policy_hash}
            log.add(AuditNote.by(by, AuditAction.MODEL_TAKEN, f"model:{alias.value}", **about))

        self._add = add
        self._tell()

    def _tell(self) -> None:
        while self._add is not None and self._untold:
            self._add(*self._untold[0])
            del self._untold[0]


def find_models(settings: Settings, rules: Rules, tells: Tells = nobody) -> tuple[Models, list[ModelStatus]]:
    """The models of the settings, loaded as far as they can be served, and what became of each."""
    models = Models(model_shelf(settings, rules.policy.classes), SystemClock(), tells)
    return models, models.check()


def picture_limits(settings: Settings) -> Limits:
    """What may be decoded."""
    return Limits(max_bytes=settings.max_picture_bytes, max_pixels=settings.max_picture_pixels)


def city_grids(rules: Rules, record: Adapters) -> GridIndex:
    """The unit grids as they are in the record now: a large index of a large city, so one serves all use cases."""
    return GridIndex(record.store.grids(), zone=ZoneInfo(rules.policy.timezone))


def build_collection(
    filing: Filing,
    record: Adapters,
    looks: Detects,
    misses: Callable[[], Mapping[str, float]] | None = None,
    times: Times = untimed,
) -> Collection:
    """The use case that analyses frames."""
    return Collection(
        store=record.store,
        registry=record.registry,
        detects=looks,
        evidence=record.evidence,
        clock=SystemClock(),
        policy=filing.policy,
        filing=replace(filing, measured_misses=misses or dict),
        times=times,
    )


def build_filing(rules: Rules, grids: GridIndex) -> Filing:
    """What makes cases."""
    return Filing(
        policy=rules.policy,
        states=rules.states,
        grids=grids,
        catalogue=rules.catalogue,
        limits=rules.limits,
        calendar=rules.calendar,
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


def build_keeper(settings: Settings, rules: Rules, record: Adapters) -> Keeper:
    """The use case that deletes pictures and people's words whose time is over. Events that go nowhere keep none."""
    tells = settings.webhook_url is not None or settings.webhook_secret is not None
    return Keeper(
        shelf=record.shelf,
        record=record.retention,
        policy=rules.policy,
        clock=SystemClock(),
        tells=tells,
        words=record.tips,
    )


def build_reviewing(rules: Rules, record: Adapters, casework: Casework) -> Reviewing:
    """The use case that takes people's answers."""
    return Reviewing(
        reviews=record.reviews,
        store=record.store,
        casework=casework,
        catalogue=rules.catalogue,
        policy=rules.policy,
        clock=SystemClock(),
    )


def build_judge(settings: Settings, rules: Rules, looks: YoloLooks) -> Judge:
    """The three gates over one model, and over a learned matcher where one is set."""
    matcher = None if settings.scene_matcher is None else _matcher(settings.scene_matcher)
    matched_by = "" if matcher is None else f", matcher {matcher.name} {matcher.sha256[:12]}"
    return Judge(
        detector=looks.detector,
        model_version=f"{looks.model_version}{matched_by}",
        limits=picture_limits(settings),
        gone=gone_rules(looks, rules),
        matcher=matcher,
    )


@cache
def _matcher(path: Path) -> OnnxMatcher:
    """The matcher of a file, loaded once."""
    return OnnxMatcher(path)


def gone_rules(looks: YoloLooks, rules: Rules) -> GoneRules:
    """The rules of the third gate: what the card says of weak boxes, and which classes the policy takes for alike."""
    limits = {name: found.drop_below for name, found in looks.detector.card.thresholds.items()}
    return replace(rules.gone, low_scores=limits, groups=rules.policy.groups)


def build_verification(
    rules: Rules, record: Adapters, grids: GridIndex, judge_now: Callable[[], Judge]
) -> Verification:
    """The use case that verifies reported fixes."""
    return Verification(
        store=record.store,
        verifications=record.verifications,
        evidence=record.evidence,
        photos=record.photos,
        kept_looks=record.kept_looks,
        judge_now=judge_now,
        decider=Decider(rules=rules.policy.closing, calibration=rules.calibration),
        matters=Matters(policy=rules.policy, catalogue=rules.catalogue, grids=grids, clock=SystemClock()),
        closing=CaseClosing(
            store=record.store, states=rules.states, deadline_of=build_casework(rules, record).deadline_of
        ),
        clock=SystemClock(),
        photo_limits=rules.policy.photos,
        versions=versions_of(rules),
    )


def versions_of(rules: Rules) -> dict[str, str]:
    """What a verdict depends on besides the model."""
    return {
        "xuncheng": version("xuncheng"),
        "policy": rules.policy.hash,
        "calibration": rules.calibration.hash,
        "opencv": cv2.__version__,
    }


def build(settings: Settings) -> Application:
    """A whole server, ready to be started; raises what is wrong with the settings, the rules, the model or the disk."""
    rules, told = read_rules(settings), _TakenModels()
    models, found = find_models(settings, rules, told)
    fault = next((one.fault for one in found if one.alias is Alias.CHAMPION), None)
    if fault is not None:
        raise ModelError(fault)  # at the start there is no old model to go on with
    record = open_record(settings, rules)
    told.begin(record.audit, f"system:{record.owner.name}", rules.policy.hash)
    metrics = Metrics(record.store, record.queue, models, SystemClock())
    grids = city_grids(rules, record)
    filing = build_filing(rules, grids)
    collection = build_collection(filing, record, models, lambda: _misses_of_champion(models), metrics.stage_watch)
    asking, precedence = _asking(settings, rules, record, models, grids), Precedence()
    asking = replace(asking, verification=replace(asking.verification, ahead=precedence.ahead))
    watch = ModelWatch(models, settings.models_every_s)
    shadow = _shadow(settings, rules, record, models)
    metrics.count("xuncheng_shadow_frames", "Frames of the shadow's share", shadow.counts)
    retention = _retention(settings, rules, record)
    for thread in retention:
        metrics.count("xuncheng_pictures_deleted", "Pictures whose time was over, by rule", thread.deleted, "rule")
        metrics.count("xuncheng_details_deleted", "Frames whose details went, and detections", thread.thinned, "of")
    work = Work(
        queue=record.queue,
        store=record.store,
        inspect=collection.inspect,
        clock=SystemClock(),
        hears=metrics.hear,
        shows=shadow.show,
        gives_way=precedence.give_way,
    )
    workers = Workers(work, settings.workers)
    readiness = _readiness(settings, record, workers, watch)
    door = _door(grids, rules, record, metrics)
    acceptance = Acceptance(record.queue, door, readiness, picture_limits(settings), record.registry.camera)
    services = _services(settings, record, rules, acceptance, metrics, models, asking)
    app = create_app(services)
    secret = _add_console(app, settings, rules, services, record)
    return Application(
        app=app,
        services=services,
        record=record,
        console_secret=secret,
        max_message_bytes=services.reader.max_body_bytes,
        threads=(
            workers,
            watch,
            shadow,
            _answering(asking, record),
            *_deliveries(settings, record),
            *_roll_call(settings, record, workers),
            *retention,
        ),
        reload_models=watch.wake,
        busy_s=lambda: workers.busy_s,
        stop_within_s=settings.stop_within_s,
    )


def describe() -> dict[str, Any]:
    """The OpenAPI document; nothing is opened for it but an empty record in memory of the file system."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            data_folder=Path(folder), database_url=None, nats_url=None, object_store_url=None, face_model=None
        )
        rules = read_rules(settings)
        record = open_record(settings, rules)
        models = Models(model_shelf(settings), SystemClock())
        metrics = Metrics(record.store, record.queue, models, SystemClock())
        grids = city_grids(rules, record)
        asking = _asking(settings, rules, record, models, grids)
        door = _door(grids, rules, record, metrics)
        acceptance = Acceptance(record.queue, door, Readiness({}), picture_limits(settings), record.registry.camera)
        services = _services(settings, record, rules, acceptance, metrics, models, asking)
        document = create_app(services).openapi()
        record.close()
        return document


def _shadow(settings: Settings, rules: Rules, record: Adapters, models: Models) -> Shadow:
    """The candidate beside the champion; it rests while more frames wait than the workers have in hand."""
    shadow_rules = ShadowRules(
        share=settings.shadow_share,
        seed=settings.shadow_seed,
        policy=rules.policy,
        is_busy=lambda: record.queue.depth() > 2 * settings.workers,
    )
    return Shadow(models, record.shadows, SystemClock(), shadow_rules)


def _services(
    settings: Settings,
    record: Adapters,
    rules: Rules,
    acceptance: Acceptance,
    metrics: Metrics,
    models: Models,
    asking: Asking,
) -> Services:
    limits, casework = picture_limits(settings), build_casework(rules, record)
    return Services(
        store=record.store,
        queue=record.queue,
        evidence=record.evidence,
        registry=record.registry,
        audit=record.audit,
        clock=SystemClock(),
        acceptance=acceptance,
        casework=casework,
        reviewing=build_reviewing(rules, record, casework),
        reader=FrameReader(settings.max_picture_bytes, settings.body_within_s),
        budget=ByteBudget(settings.max_bytes_in_flight),
        readiness=acceptance.readiness,
        metrics=metrics,
        models=models,
        shadows=record.shadows,
        reviews=record.reviews,
        asking=asking,
        sight=_sight(record, asking),
        showing=Showing(record.evidence, lambda: models.champion, limits, record.audit, open_faces(settings)),
        open311=_open311(settings, rules, build_tipping(rules, record, acceptance.door.gate.grids)),
        holds=record.holds,
        deletions=record.retention,
        wait_s=settings.wait_s,
        max_streams=settings.max_streams,
    )


def build_tipping(rules: Rules, record: Adapters, grids: GridIndex) -> Tipping:
    """The use case that takes tips."""
    return Tipping(store=record.store, tips=record.tips, filing=build_filing(rules, grids), clock=SystemClock())


def _open311(settings: Settings, rules: Rules, tipping: Tipping) -> Open311:
    return Open311(
        tipping=tipping,
        tips=tipping.tips,
        services=ServiceList.of(rules.policy, rules.catalogue),
        policy=rules.policy,
        states=rules.states,
        is_public=settings.open311_public,
        jurisdiction=settings.open311_jurisdiction,
        contact=settings.open311_contact,
        throttle=AddressThrottle(_STRANGERS, SystemClock()),
        now=SystemClock().now,
    )


def _door(grids: GridIndex, rules: Rules, record: Adapters, metrics: Metrics) -> Door:
    gate = BlindGate(record.store, grids, rules.policy.gate)
    return Door(gate, record.queue, SystemClock(), metrics.hear_of_result)


def _sight(record: Adapters, asking: Asking) -> Sight:
    return Sight(
        store=record.store,
        reviews=record.reviews,
        verifications=record.verifications,
        matters=asking.verification.matters,
        areas=DistrictAreas(record.store, SystemClock()),
    )


def _asking(settings: Settings, rules: Rules, record: Adapters, models: Models, grids: GridIndex) -> Asking:
    verification = build_verification(rules, record, grids, lambda: _judge_of_champion(settings, rules, models))
    limits = {"request": MAX_META_BYTES, **dict.fromkeys(PARTS, settings.max_picture_bytes)}
    most = min(settings.max_verification_bytes, form_bytes(len(PARTS), settings.max_picture_bytes))
    return Asking(
        verification=verification,
        verifications=record.verifications,
        reader=FormReader(limits, most, settings.body_within_s),
        lane=Lane(running=usable_cores(), most_waiting=settings.max_waiting_verifications),
        limits=picture_limits(settings),
        check_callback=_callbacks(settings).check,
    )


def _misses_of_champion(models: Models) -> Mapping[str, float]:
    """The measured miss rates of the model that runs, by class."""
    champion = models.champion
    assert isinstance(champion, YoloLooks)
    return champion.miss_rates()


def _judge_of_champion(settings: Settings, rules: Rules, models: Models) -> Judge:
    champion = models.champion
    assert isinstance(champion, YoloLooks)
    return build_judge(settings, rules, champion)


def _answering(asking: Asking, record: Adapters) -> AnsweringThread:
    answering = Answering(asking.verification, record.verifications, record.turns)
    return AnsweringThread(answering, is_busy=lambda: record.queue.depth() > 0)


def _callbacks(settings: Settings) -> CallbackGateway:
    """Without a secret no callback is taken, and none is sent."""
    hosts = frozenset(settings.callback_hosts.split())
    callback = CallbackSettings(secrets=_webhook_secrets(settings), source=settings.event_source, hosts=hosts)
    return CallbackGateway(callback, SystemClock())


def _webhook_secrets(settings: Settings) -> list[str]:
    return settings.webhook_secret.get_secret_value().split() if settings.webhook_secret else []


def _deliveries(settings: Settings, record: Adapters) -> tuple[Delivery, ...]:
    """The thread that delivers events; without a webhook only callbacks leave, the rest waits in the outbox."""
    secrets, webhook = _webhook_secrets(settings), None
    if settings.webhook_url is None:
        _log.warning("no_webhook", why="XUNCHENG_WEBHOOK_URL is not set: events wait in the outbox")
        if not secrets:
            return ()
    else:
        wanted = WebhookSettings(url=settings.webhook_url, secrets=secrets, source=settings.event_source)
        webhook = WebhookGateway(wanted, SystemClock())
    gateway = RoutedGateway(webhook, _callbacks(settings))
    return (Delivery(record.outbox, gateway, SystemClock(), callbacks_only=webhook is None),)


def _readiness(settings: Settings, record: Adapters, workers: Workers, watch: ModelWatch) -> Readiness:
    return Readiness(
        {
            "model_watch": lambda: None if watch.is_alive else "nobody looks for another model any more",
            "database": partial(_database_fault, record),
            "workers": partial(_workers_fault, record, workers, settings),
            **({} if record.bus is None else {"bus": record.bus.fault}),
            "disk": partial(_disk_fault, settings),
        },
        mild=frozenset({"bus"} if settings.workers else {"bus", "workers"}),
    )


def _roll_call(settings: Settings, record: Adapters, workers: Workers) -> tuple[RollCall, ...]:
    """The thread that tells other processes that this one analyses frames; none where it does not."""
    if settings.workers == 0:
        return ()
    return (RollCall(record.roll, SystemClock(), record.owner.name, settings.workers, lambda: workers.busy_s),)


def _retention(settings: Settings, rules: Rules, record: Adapters) -> tuple[RetentionThread, ...]:
    """The thread that deletes pictures whose time is over; none under a policy that deletes nothing."""
    keeper = build_keeper(settings, rules, record)
    if not (keeper.retention.deletes or keeper.forgets):
        return ()
    return (RetentionThread(keeper, record.retention_turns, settings.retention_every_s),)


def _workers_fault(record: Adapters, workers: Workers, settings: Settings) -> str | None:
    if settings.workers == 0:
        try:
            return roll_fault(record.roll, SystemClock())
        except SQLAlchemyError:
            return "whether any work is not known: the database does not answer"
    if workers.alive != settings.workers:
        return f"{workers.alive} of {settings.workers} workers run"
    busy_s = workers.busy_s
    return f"a worker has been at one thing for {busy_s:.0f} s" if busy_s > settings.hang_after_s else None


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


def _signing_in(settings: Settings, record: Adapters) -> SigningIn:
    limits = SessionLimits(
        idle=timedelta(seconds=settings.console_idle_s), longest=timedelta(seconds=settings.console_session_s)
    )
    return SigningIn(
        accounts=record.accounts,
        sessions=record.sessions,
        tries=record.tries,
        passwords=ArgonPasswords(),
        audit=record.audit,
        limits=limits,
    )


def _add_console(app: FastAPI, settings: Settings, rules: Rules, services: Services, record: Adapters) -> str | None:
    """The secret that lets one browser in; None where the page's libraries have not been built."""
    token, secret = OneTimeToken.issue()
    console = ConsoleServices(
        store=services.store,
        evidence=services.evidence,
        casework=services.casework,
        reviewing=services.reviewing,
        verification=services.asking.verification,
        verifications=services.asking.verifications,
        tips=record.tips,
        tipping=services.open311.tipping,
        states=rules.states,
        sight=services.sight,
        showing=services.showing,
        holds=services.holds,
        deletions=services.deletions,
        clock=services.clock,
        signing_in=_signing_in(settings, record),
        one_time_token=token,
        is_stopping=lambda: services.readiness.phase is Phase.DRAINING,
    )
    try:
        app.include_router(create_router(console))
    except MissingAssets as error:
        _log.warning("console_missing", why=str(error))
        return None
    return secret
