"""Offer, promote, roll back: whole or not at all, and refused with a reason."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from support.model_cards import INT8, a_figure, write_candidate
from typer.testing import CliRunner

from detector.model_errors import RegistryError
from detector.registry import read_registry
from detector.yolo import YoloDetector
from training.cli import app
from training.registry import ModelRegistry


@pytest.fixture
def registry(tmp_path: Path) -> ModelRegistry:
    return ModelRegistry(tmp_path / "registry")


def content(registry: ModelRegistry) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((registry.folder / "registry.json").read_text(encoding="utf-8"))
    return read


def champion_of(registry: ModelRegistry) -> str | None:
    champion = read_registry(registry.folder).champion
    return None if champion is None else champion.id


def test_an_offered_model_is_the_candidate_and_can_be_loaded(registry: ModelRegistry, tmp_path: Path) -> None:
    model_id = registry.offer(write_candidate(tmp_path / "a"))
    read = read_registry(registry.folder)
    assert read.champion is None
    assert read.candidate is not None
    assert (read.candidate.id, read.revision) == (model_id, 1)
    assert YoloDetector.load(read.candidate.card_path, "int8").card.version == "1"


def test_promote_and_rollback_move_the_champion_and_tell_the_history(registry: ModelRegistry, tmp_path: Path) -> None:
    first, second = (registry.offer(write_candidate(tmp_path / v, version=v)) for v in ("1", "2"))
    registry.promote(first, "the first")
    registry.promote(second)
    assert champion_of(registry) == second
    assert read_registry(registry.folder).candidate is None
    assert registry.rollback("it files too much") == first
    assert champion_of(registry) == first
    actions = [(entry["action"], entry["champion"], entry["note"]) for entry in content(registry)["history"]]
    assert actions[2:] == [
        ("promote", first, "the first"),
        ("promote", second, ""),
        ("rollback", first, "it files too much"),
    ]
    with pytest.raises(RegistryError, match="no earlier champion"):
        registry.rollback()


def test_a_refused_change_leaves_everything_as_it_was(registry: ModelRegistry, tmp_path: Path) -> None:
    first = registry.offer(write_candidate(tmp_path / "1"))
    registry.promote(first)
    before = content(registry)
    with pytest.raises(RegistryError, match="is the champion already"):
        registry.promote(first)
    with pytest.raises(RegistryError, match="no model is called"):
        registry.promote("other")
    card = write_candidate(tmp_path / "2", version="2")
    card.with_name("tiny.int8.onnx").unlink()
    with pytest.raises(RegistryError, match=r"tiny\.int8\.onnx: is missing"):
        registry.offer(card)
    assert content(registry) == before


def test_a_champion_whose_files_were_damaged_can_be_left(registry: ModelRegistry, tmp_path: Path) -> None:
    first, second = (registry.offer(write_candidate(tmp_path / v, version=v)) for v in ("1", "2"))
    registry.promote(first)
    registry.promote(second)
    registry.card_path("champion").write_text("{}", encoding="utf-8")
    assert registry.rollback() == first
    with pytest.raises(RegistryError, match="the card is not the one that was added"):
        registry.promote(second)


def test_what_a_broken_change_left_is_cleared_away(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.offer(write_candidate(tmp_path / "1"))
    half = registry.folder / "models" / ".part-tiny-2-00000000"
    half.mkdir()
    (half / "tiny.json").write_text("{", encoding="utf-8")
    registry.offer(write_candidate(tmp_path / "2", version="2"))
    assert sorted(path.name[:7] for path in (registry.folder / "models").iterdir()) == ["tiny-1-", "tiny-2-"]


def test_a_reader_never_sees_half_a_change(registry: ModelRegistry, tmp_path: Path) -> None:
    ids = [registry.offer(write_candidate(tmp_path / v, version=v)) for v in ("1", "2")]
    registry.promote(ids[0])
    stop, seen, faults = threading.Event(), set(), []

    def read() -> None:
        while not stop.is_set():
            try:
                seen.add(champion_of(registry))
            except RegistryError as error:
                faults.append(str(error))

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(1, 21):
        registry.promote(ids[turn % 2])
    stop.set()
    reader.join()
    assert (seen, faults) == (set(ids), [])


def test_two_writers_wait_for_each_other(registry: ModelRegistry, tmp_path: Path) -> None:
    cards = [write_candidate(tmp_path / str(n), version=str(n)) for n in range(6)]
    writers = [threading.Thread(target=registry.offer, args=(card,)) for card in cards]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    read = content(registry)
    assert (read["revision"], len(read["models"]), len(read["history"])) == (6, 6, 6)


def run(*words: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    return result.exit_code, result.stdout, result.stderr


def test_int8_that_saves_no_time_is_served_only_when_it_is_allowed_and_the_history_says_so(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    card = write_candidate(tmp_path / "slow", int8=INT8 | {"time_ratio": 1.17})
    where = ("--registry", registry.folder)
    code, _, said = run("promote", card, *where)
    text = "INT8 took 1.17 of the time of float32 where the card was made (at most 0.85)"
    assert (code, said) == (1, f"refused: int8_time: {text}\n")
    assert run("promote", card, *where, "--note", "no VNNI here", "--allow-slow-int8")[0] == 0
    assert content(registry)["history"][-1]["note"] == f"no VNNI here · allowed: {text}"


def test_allowing_slow_int8_allows_nothing_else(registry: ModelRegistry, tmp_path: Path) -> None:
    card = write_candidate(tmp_path / "both", int8=INT8 | {"time_ratio": 1.17}, export_check=None)
    code, _, said = run("promote", card, "--registry", registry.folder, "--allow-slow-int8")
    assert code == 1
    assert [line.split(": ")[1] for line in said.splitlines()] == ["not_compared_with_torch", "int8_time"]
    assert not (registry.folder / "registry.json").exists()


def test_the_commands_promote_compare_and_roll_back(registry: ModelRegistry, tmp_path: Path) -> None:
    cards = [write_candidate(tmp_path / v, version=v) for v in ("1", "2")]
    where = ("--registry", registry.folder)
    for card in cards:
        code, out, err = run("promote", card, *where)
        assert code == 0, err
        assert champion_of(registry) == out.strip()
    code, out, _ = run("compare", cards[0], "champion", *where)
    assert code == 0
    assert "0.500 0.500 (+0.000)" in out
    assert out.splitlines()[-1] == "nothing speaks against B"
    code, out, _ = run("rollback", *where)
    assert (code, out.startswith("tiny-1-")) == (0, True)


def test_a_model_that_is_refused_is_not_copied_and_the_reasons_are_told(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    bad = write_candidate(tmp_path / "bad", figures=[a_figure(), a_figure(file="int8", mAP50=0.4)])
    code, out, err = run("promote", bad, "--registry", registry.folder)
    assert (code, out) == (1, "")
    assert [line.split(": ")[1] for line in err.splitlines()] == ["int8_mean", "int8_class"]
    assert not os.path.exists(registry.folder)


def test_comparing_as_json_gives_a_line_a_pair_and_the_refusals(tmp_path: Path) -> None:
    old = write_candidate(tmp_path / "old")
    new = write_candidate(tmp_path / "new", figures=[a_figure(file=f, mAP50=0.6) for f in ("fp32", "int8")])
    code, out, _ = run("compare", old, new, "--registry", tmp_path / "none", "--json")
    assert code == 0
    lines = [json.loads(line) for line in out.splitlines()]
    assert [(line["class"], line["mAP50"]) for line in lines[:-1]] == [
        ("garbage", {"a": 0.5, "b": None}),
        ("pothole", {"a": 0.5, "b": 0.6}),
    ]
    assert lines[-1] == {"refusals": []}


def test_the_commands_of_the_registry_need_no_package_of_training_nor_of_evaluation() -> None:
    """An image of the server has them: a rollback must not wait for an installation."""
    missing = ("torch", "ultralytics", "safetensors", "faster_coco_eval", "pycocotools", "onnx", "onnxslim")
    program = f"import sys; sys.modules.update(dict.fromkeys({missing!r})); from training.cli import app; app()"
    for command in ("compare", "offer", "promote", "rollback"):
        done = subprocess.run(
            [sys.executable, "-c", program, command, "--help"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "Usage" in done.stdout
