"""xuncheng check"""

import shutil
from collections.abc import Callable, Iterator

import typer

from inference_server.bootstrap import open_looks, picture_keys
from inference_server.commands.record import own_record
from inference_server.commands.talk import ExitCode, answer
from inference_server.domain.errors import InspectionError
from inference_server.domain.grid_checks import check_grids
from inference_server.rules import read_rules
from inference_server.settings import Settings

Check = tuple[str, Callable[[], str]]


def check() -> None:
    """Open weights, policy, store and grids, and say in one line each what is there or what is wrong."""
    settings = Settings()
    failed = 0
    for name, look in _checks(settings):
        try:
            answer(f"{name}: ok, {look()}")
        except Exception as error:  # whatever is wrong with one of them, the others are looked at too
            failed += 1
            text = error.message if isinstance(error, InspectionError) else f"{type(error).__name__}: {error}"
            answer(f"{name}: WRONG, {text}")
    if failed:
        raise typer.Exit(ExitCode.CHECK_FAILED)


def _checks(settings: Settings) -> Iterator[Check]:
    yield "weights", lambda: _weights(settings)
    yield "policy", lambda: _policy(settings)
    yield "store", lambda: _store(settings)
    yield "grids", lambda: _grids(settings)
    yield "disk", lambda: _disk(settings)
    yield "sealing", lambda: _sealing(settings)


def _weights(settings: Settings) -> str:
    looks = open_looks(settings)
    card = looks.detector.card
    return f"{looks.model_version} {settings.precision or card.served}, {len(card.classes)} classes"


def _policy(settings: Settings) -> str:
    rules = read_rules(settings)
    collected = [name for name, rule in rules.policy.classes.items() if rule.collected]
    for name in collected:
        rule = rules.policy.classes[name]
        entry = rules.catalogue.entry(rules.policy.standard, rule.kind, str(rule.code))
        rules.limits.rule(entry.standard, entry.kind, entry.code, region_class=rules.policy.region_class)
    return f"{settings.policy.name} {rules.policy.hash[:12]}, collects {', '.join(collected)}"


def _store(settings: Settings) -> str:
    with own_record(settings) as record:
        counts = record.store.counts()
        return f"{record.queue.depth()} frames wait, {sum(n for k, n in counts.items() if k[:6] == 'cases.')} cases"


def _sealing(settings: Settings) -> str:
    keyring = picture_keys(settings)
    if keyring.current is None:
        return "OFF: pictures lie readable on the disk (set picture_keys_file, see `xuncheng keys make`)"
    older = [key.id for key in keyring.keys[1:]]
    return f"new pictures under key {keyring.current.id}" + (f", older ones under {', '.join(older)}" if older else "")


def _grids(settings: Settings) -> str:
    with own_record(settings) as record:
        grids = record.store.grids()
    findings = check_grids(grids, id_length=settings.grid_id_length) if grids else []
    if findings:
        raise ValueError(f"{len(findings)} findings, the first: {findings[0].message} (see `xuncheng grids check`)")
    return f"{len(grids)} grids" if grids else "no grids: cases will have none"


def _disk(settings: Settings) -> str:
    folder = settings.data_folder.resolve()
    existing = next(place for place in (folder, *folder.parents) if place.is_dir())
    free_bytes = shutil.disk_usage(existing).free
    if free_bytes < settings.min_free_bytes:
        raise ValueError(f"{free_bytes} bytes are free, under min_free_bytes = {settings.min_free_bytes}")
    return f"{free_bytes // 1_000_000} MB free"
