"""xuncheng doctor"""

import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Annotated, Final

import numpy as np
import typer

from detector.model_card import Precision, read_card
from detector.yolo import YoloDetector
from inference_server.adapters.clock import SystemClock
from inference_server.adapters.opening import Adapters
from inference_server.bootstrap import model_shelf, open_faces, open_looks, picture_keys
from inference_server.commands.record import own_record
from inference_server.commands.talk import ExitCode, answer, answer_json
from inference_server.domain.errors import InspectionError
from inference_server.domain.grid_checks import check_grids
from inference_server.roll_call import roll_fault
from inference_server.rules import read_rules
from inference_server.settings import Settings

_TIMED_RUNS = 9
_FASTER = 0.95  # of the other file's time; less of a difference is noise
_LONG_S = 300.0


class Health(StrEnum):
    """What a look found."""

    OK = "ok"
    LOOK = "LOOK"  # it works, and somebody should know
    WRONG = "WRONG"


Found = tuple[Health, str]
Counts = Mapping[str, int]


def doctor(as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False) -> None:
    """Look at weights, rules, record, queue, disk and what else a server needs; one line each, exit code 1 where
    something is wrong."""
    failed = 0
    for name, (health, text) in _looks(Settings()):
        failed += health is Health.WRONG
        if as_json:
            answer_json({"check": name, "health": health.value.lower(), "says": text})
        else:
            answer(f"{name}: {health.value}, {text}")
    if failed:
        raise typer.Exit(ExitCode.CHECK_FAILED)


def _looks(settings: Settings) -> Iterator[tuple[str, Found]]:
    """What each look found; whatever is wrong with one of them, the others are taken too."""
    for name, look in _BESIDE_THE_RECORD.items():
        yield name, _found(partial(look, settings))
    try:
        with own_record(settings) as record:
            counts = record.store.counts()
            for name, look_in in _IN_THE_RECORD.items():
                yield name, _found(partial(look_in, settings, record, counts))
    except Exception as error:
        yield "record", _wrong(error)


def _found(look: Callable[[], Found]) -> Found:
    try:
        return look()
    except Exception as error:
        return _wrong(error)


def _wrong(error: Exception) -> Found:
    return Health.WRONG, error.message if isinstance(error, InspectionError) else f"{type(error).__name__}: {error}"


def _weights(settings: Settings) -> Found:
    looks = open_looks(settings)
    card = looks.detector.card
    return Health.OK, f"{looks.model_version} {settings.precision or card.served}, {len(card.classes)} classes"


def _speed(settings: Settings) -> Found:
    """Which file of the model this processor runs faster: without instructions for bytes it is not the small one."""
    path = model_shelf(settings).champion()
    card = read_card(path)
    served: Precision = settings.precision or card.served
    files = {name: YoloDetector.load(path, name) for name in card.files}
    times_ms = _median_ms(files)
    told = ", ".join(f"{name} {spent:.1f} ms" for name, spent in times_ms.items())
    best = min(times_ms, key=lambda name: times_ms[name])
    if times_ms[best] < _FASTER * times_ms[served]:
        return (
            Health.LOOK,
            f"{told}: {best} is faster on this processor (set precision; thresholds are those of the card)",
        )
    return Health.OK, f"{told} of processor time a picture, {served} is served"


def _median_ms(files: dict[Precision, YoloDetector]) -> dict[Precision, float]:
    """Processor milliseconds of the network alone; the files take turns, so that other work hits all alike."""
    spent: dict[Precision, list[float]] = {name: [] for name in files}
    for _ in range(_TIMED_RUNS):
        for name, detector in files.items():
            tensor = np.full(detector.session.input_shape, 0.5, np.float32)
            began_s = time.process_time()
            detector.session.run(tensor)
            spent[name].append((time.process_time() - began_s) * 1000.0)
    return {name: statistics.median(times) for name, times in spent.items()}


def _policy(settings: Settings) -> Found:
    rules = read_rules(settings)
    collected = [name for name, rule in rules.policy.classes.items() if rule.collected]
    for name in collected:
        rule = rules.policy.classes[name]
        entry = rules.catalogue.entry(rules.policy.standard, rule.kind, str(rule.code))
        rules.limits.rule(entry.standard, entry.kind, entry.code, region_class=rules.policy.region_class)
    return Health.OK, f"{settings.policy.name} {rules.policy.hash[:12]}, collects {', '.join(collected)}"


def _closing(settings: Settings) -> Found:
    rules = read_rules(settings)
    closing, calibration = rules.policy.closing, rules.calibration
    ready = [code for code in closing.codes if calibration.table(code).close_at(closing.target(code)) is not None]
    if not ready:
        return Health.LOOK, "no code has enough counted pairs: every closing goes to a person"
    return Health.OK, f"{len(ready)} of {len(closing.codes)} codes may be closed by the machine"


def _store(_: Settings, record: Adapters, counts: Counts) -> Found:
    waits = record.queue.depth()
    cases = sum(count for name, count in counts.items() if name.startswith("cases."))
    told = f"{waits} frames wait, {cases} cases"
    age_s = _age_s(record.store.oldest_waiting().get("frame"))
    if age_s > _LONG_S:
        return Health.LOOK, f"{told}; the first one has waited for {age_s / 60:.0f} minutes"
    return Health.OK, told


def _workers(settings: Settings, record: Adapters, _: Counts) -> Found:
    if settings.workers:
        return Health.OK, f"{settings.workers} threads of `xuncheng serve`"
    fault = roll_fault(record.roll, SystemClock())
    return (Health.OK, "worker processes are at work") if fault is None else (Health.WRONG, fault)


def _events(settings: Settings, record: Adapters, counts: Counts) -> Found:
    pending, dead = counts.get("events.pending", 0), counts.get("events.dead", 0)
    told = f"{pending} events wait, {dead} were given up"
    age_s = _age_s(record.store.oldest_waiting().get("event"))
    if dead:
        return Health.LOOK, f"{told} (see `xuncheng outbox`)"
    if settings.webhook_url is None:
        return Health.LOOK, f"{told}; webhook_url is not set: nobody gets them"
    if age_s > _LONG_S:
        return Health.LOOK, f"{told}; the first one has waited for {age_s / 60:.0f} minutes"
    return Health.OK, told


def _accounts(_: Settings, record: Adapters, __: Counts) -> Found:
    if record.accounts.has_active():
        return Health.OK, "people sign in to the console with their names"
    return (
        Health.LOOK,
        "no account: the console opens by the link of the start, as one person (see `xuncheng accounts`)",
    )


def _sealing(settings: Settings) -> Found:
    keyring = picture_keys(settings)
    if keyring.current is None:
        text = "OFF: pictures lie readable on the disk (set picture_keys_file, see `xuncheng keys make`)"
        return Health.LOOK, text
    older = [key.id for key in keyring.keys[1:]]
    under = f", older ones under {', '.join(older)}" if older else ""
    return Health.OK, f"new pictures under key {keyring.current.id}{under}"


def _faces(settings: Settings) -> Found:
    finder = open_faces(settings)
    if finder is None:
        return Health.LOOK, "OFF: of people only those whom the city's model finds are hidden (set face_model)"
    return Health.OK, f"{finder.detector.path.name}, pictures are searched at {finder.detector.long_side_px} px"


def _grids(settings: Settings, record: Adapters, _: Counts) -> Found:
    grids = record.store.grids()
    if not grids:
        return Health.LOOK, "no grids: cases will have none"
    findings = check_grids(grids, id_length=settings.grid_id_length)
    if findings:
        raise ValueError(f"{len(findings)} findings, the first: {findings[0].message} (see `xuncheng grids check`)")
    return Health.OK, f"{len(grids)} grids"


def _disk(settings: Settings) -> Found:
    folder = settings.data_folder.resolve()
    existing = next(place for place in (folder, *folder.parents) if place.is_dir())
    free_bytes = shutil.disk_usage(existing).free
    if free_bytes < settings.min_free_bytes:
        raise ValueError(f"{free_bytes} bytes are free, under min_free_bytes = {settings.min_free_bytes}")
    return Health.OK, f"{free_bytes // 1_000_000} MB free"


_BESIDE_THE_RECORD: Final[Mapping[str, Callable[[Settings], Found]]] = {
    "weights": _weights,
    "speed": _speed,
    "policy": _policy,
    "closing": _closing,
    "disk": _disk,
    "sealing": _sealing,
    "faces": _faces,
}
_IN_THE_RECORD: Final[Mapping[str, Callable[[Settings, Adapters, Counts], Found]]] = {
    "store": _store,
    "workers": _workers,
    "events": _events,
    "accounts": _accounts,
    "grids": _grids,
}


def _age_s(since: datetime | None) -> float:
    return 0.0 if since is None else (SystemClock().now() - since).total_seconds()
