"""One model takes over from another between two frames; what cannot be served never does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from structlog.testing import capture_logs
from support.clocks import SetClock
from support.model_registry import write_registry
from support.onnx_model import FixedModel, write_model
from support.posting import BOX, a_picture

from detector.image import Limits
from inference_server.adapters.model_shelf import FolderShelf
from inference_server.domain.model import Alias, ModelStatus
from inference_server.models import Models, ModelWatch

CLASSES = ("garbage", "pothole")


def a_model(folder: Path, name: str, score: float = 0.9, **more: Any) -> Path:
    """The card of a small real network whose one detection has this score."""
    wanted = {"detections": [(*BOX, score, 0)], "classes": CLASSES, "picture_px": (1280, 720), **more}
    return write_model(folder / "models" / name, FixedModel(name=name, **wanted))


def models_of(place: Path, **changes: Any) -> Models:
    shelf = FolderShelf(place=place, precision="fp32", limits=Limits(), known=frozenset(CLASSES), **changes)
    return Models(shelf, SetClock())


def champion(found: list[ModelStatus]) -> ModelStatus:
    return next(one for one in found if one.alias is Alias.CHAMPION)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return write_registry(tmp_path, champion=a_model(tmp_path, "first"))


def test_a_promoted_model_takes_over_and_a_picture_opened_before_stays_with_the_old_one(place: Path) -> None:
    models = models_of(place)
    models.check()
    before = models.open(a_picture())
    write_registry(place, champion=a_model(place, "second", score=0.4), revision=2)
    (now, _) = models.check()
    assert (now.version, now.swaps, now.fault) == ("second 1", 1, None)
    after = models.open(a_picture())
    assert [(look.model.model_version, round(look.detect()[0].score, 3)) for look in (before, after)] == [
        ("first 1", 0.9),
        ("second 1", 0.4),
    ]


def test_a_registry_that_does_not_change_costs_no_loading(place: Path) -> None:
    models = models_of(place)
    models.check()
    model = models.champion
    models.check(again=True)
    assert models.champion is model


def test_the_candidate_comes_and_goes_and_never_decides(place: Path) -> None:
    models = models_of(place)
    models.check()
    first = place / "models/first/first.json"
    write_registry(place, champion=first, candidate=a_model(place, "second"), revision=2)
    models.check()
    assert models.candidate is not None
    assert (models.candidate.model_version, models.model_version) == ("second 1", "first 1")
    write_registry(place, champion=first, revision=3)
    models.check()
    assert models.candidate is None


def _cut(card: Path) -> None:
    network = card.with_suffix(".fp32.onnx")
    network.write_bytes(network.read_bytes()[:-100])


def _rewritten(card: Path, change: Callable[[onnx.ModelProto], None]) -> None:
    """The network changed, and the card's hash with it: only running it can tell."""
    network = card.with_suffix(".fp32.onnx")
    model = onnx.load(network)
    change(model)
    onnx.save(model, network)
    content = json.loads(card.read_text())
    content["files"]["fp32"]["sha256"] = hashlib.sha256(network.read_bytes()).hexdigest()
    card.write_text(json.dumps(content))


def _filled(model: onnx.ModelProto, value: float) -> None:
    fixed = next(one for one in model.graph.initializer if one.name == "fixed")
    rows = np.full((1, 300, 6), value, np.float32)
    rows[:, :, 5] = 0
    fixed.CopyFrom(numpy_helper.from_array(rows, "fixed"))


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        pytest.param(_cut, "sha256 is", id="a network that is cut off"),
        pytest.param(lambda card: card.with_suffix(".fp32.onnx").unlink(), "cannot be read", id="no network"),
        pytest.param(lambda card: card.unlink(), "", id="no card"),
        pytest.param(lambda card: card.write_text("{"), "", id="a card that is no JSON"),
        pytest.param(
            lambda card: _rewritten(card, lambda model: _filled(model, np.nan)), "not finite", id="weights of NaN"
        ),
        pytest.param(lambda card: _rewritten(card, lambda model: _filled(model, 7.0)), "0..1", id="scores over one"),
        pytest.param(
            lambda card: _rewritten(card, lambda model: model.graph.node.pop()), "network", id="half of a graph"
        ),
    ],
)
def test_a_damaged_model_never_replaces_the_running_one(
    place: Path, damage: Callable[[Path], object], why: str
) -> None:
    models = models_of(place)
    models.check()
    card = a_model(place, "second")
    damage(card)
    if card.exists():
        write_registry(place, champion=card, revision=2)
    else:
        write_registry(place, champion=a_model(place, "second"), revision=2)
        card.unlink()
    now = champion(models.check())
    assert now.version == models.model_version == "first 1"
    assert now.fault is not None
    assert why in now.fault
    assert models.open(a_picture()).detect()


def test_a_model_that_knows_no_class_of_the_city_is_refused(place: Path) -> None:
    models = models_of(place)
    models.check()
    write_registry(place, champion=a_model(place, "zebras", classes=("zebra", "gnu")), revision=2)
    assert "none of the classes" in str(champion(models.check()).fault)


def test_a_refusal_is_logged_once_and_its_end_too(place: Path) -> None:
    models = models_of(place)
    models.check()
    card = a_model(place, "second")
    network = card.with_suffix(".fp32.onnx")
    whole = network.read_bytes()
    write_registry(place, champion=card, revision=2)
    network.write_bytes(whole[:50])
    with capture_logs() as lines:
        for _ in range(5):
            models.check()
        models.check(again=True)
    assert [line["event"] for line in lines] == ["model_refused"]
    network.write_bytes(whole)
    assert champion(models.check()).version == "first 1", "a model that failed is left alone for a while"
    with capture_logs() as lines:
        assert champion(models.check(again=True)).version == "second 1"
    assert [line["event"] for line in lines] == ["model_taken", "model_well_again"]


def test_a_registry_that_is_gone_stops_nothing(place: Path) -> None:
    models = models_of(place)
    models.check()
    (place / "registry.json").write_text("not JSON")
    assert champion(models.check()).fault is not None
    assert models.open(a_picture()).detect()


def test_one_card_or_a_folder_with_one_is_a_champion_too(tmp_path: Path) -> None:
    card = a_model(tmp_path, "only")
    for place in (card, card.parent):
        assert champion(models_of(place).check()).version == "only 1"
    assert "exactly one model card" in str(champion(models_of(tmp_path).check()).fault)


def test_the_watch_finds_a_new_champion_by_itself_and_when_woken(place: Path) -> None:
    models = models_of(place)
    models.check()
    watch = ModelWatch(models, every_s=600.0)
    watch.start()
    try:
        write_registry(place, champion=a_model(place, "second"), revision=2)
        watch.wake()
        for _ in range(500):
            if models.model_version == "second 1":
                break
            watch._thread.join(0.01)
        assert models.model_version == "second 1"
    finally:
        assert watch.stop(10.0)
    assert not watch.is_alive
