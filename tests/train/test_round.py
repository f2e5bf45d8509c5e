"""Train, export, quantise, evaluate: one round on a tiny data folder, through the files that would be served."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from support.training_data import CLASSES, plan, write_data
from typer.testing import CliRunner

from detector.model_card import read_card
from detector.registry import read_registry
from detector.yolo import YoloDetector, load_onnx
from training.cli import app
from training.export import ExportError, compare_with_torch, export_onnx
from training.index import load_index
from training.network import build_network, save_weights
from training.quantise import backbone_convolutions

RECIPE = """
batch = 4
threads = 1
bfloat16 = false
warmup_steps = 2
[[stages]]
height_px = 64
width_px = 96
epochs = 1
"""


class Round:
    """The folder of a round that went through the commands."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = write_data(folder / "data", plan(train=12, val=6))
        self.card_path = folder / "weights" / "tiny.json"

    def command(self, *words: str) -> str:
        result = CliRunner().invoke(app, list(words))
        assert result.exit_code == 0, result.output
        return result.stdout

    def card(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.card_path.read_text(encoding="utf-8"))
        return content


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Round:
    made = Round(tmp_path_factory.mktemp("round"))
    folder, data = made.folder, str(made.data)
    (folder / "tiny.toml").write_text(RECIPE, encoding="utf-8")
    (folder / "datasets").mkdir()
    (folder / "datasets" / "taxonomy.csv").write_text("class,code\npale,06010\ndark,\n", encoding="utf-8")
    (folder / "datasets" / "sources.csv").write_text("source,licence,origin\nwalls,MIT,o/r\n", encoding="utf-8")
    made.command("train", str(folder / "tiny.toml"), "--data", data, "--run", str(folder / "run"))
    weights = str(folder / "run" / "epoch-01.safetensors")
    options = ["--out", str(made.card_path.with_suffix("")), "--datasets", str(folder / "datasets")]
    made.command("export", weights, "--data", data, "--run", str(folder / "run"), *options)
    made.command("card", str(made.card_path), "--data", data)
    return made


def test_the_card_names_its_files_with_their_hashes_and_the_detector_loads_both(done: Round) -> None:
    for kind in ("fp32", "int8"):
        entry = done.card()["files"][kind]
        content = (done.card_path.parent / entry["file"]).read_bytes()
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()
    assert YoloDetector.load(done.card_path, "fp32").card.classes == CLASSES
    assert YoloDetector.load(done.card_path, "int8").card.codes == {"pale": "06010"}


def test_the_served_network_takes_and_gives_what_was_agreed(done: Round) -> None:
    session = load_onnx(done.card_path.with_name("tiny.fp32.onnx")).session
    assert (session.input_name, session.input_shape) == ("images", (1, 3, 384, 640))
    assert session.output_shape == (1, 300, 6)


def test_the_exported_file_agrees_with_torch(done: Round) -> None:
    check = done.card()["export_check"]
    assert check["pictures"] == 12
    assert check["max_box_px"] < 0.01
    assert check["max_score"] < 1e-4


def test_a_file_of_other_weights_fails_the_check(done: Round, tmp_path: Path) -> None:
    network: Any = build_network(len(CLASSES))
    head = network.model[-1]
    for branch in head.cv3:  # sure of everything, so that there are boxes to compare
        branch[-1].bias.data[:] = 2.0
    save_weights(network, tmp_path / "other.safetensors", {})
    pictures = [p.image for p in load_index([done.data]).of("train")][:1]
    with pytest.raises(ExportError, match=r"misses a box|off torch"):
        compare_with_torch(tmp_path / "other.safetensors", 3, done.card_path.with_name("tiny.fp32.onnx"), pictures)


def test_quantising_leaves_the_head_in_float(done: Round) -> None:
    graph = onnx.load(str(done.card_path.with_name("tiny.int8.onnx"))).graph
    producers = {output: node for node in graph.node for output in node.output}
    chosen = set(backbone_convolutions(graph))
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    fed_by_int8 = {n.name for n in convolutions if _source(producers, n, 1) == "DequantizeLinear"}
    assert fed_by_int8 == chosen
    assert len(chosen) > 60
    heads = [node for node in convolutions if node.name not in chosen]
    assert len(heads) > 10
    assert all("model.23" in node.name for node in heads)


def _source(producers: dict[str, Any], node: Any, place: int) -> str:
    producer = producers.get(node.input[place])
    return "" if producer is None else str(producer.op_type)


def test_weights_are_per_channel_and_seven_bits(done: Round) -> None:
    graph = onnx.load(str(done.card_path.with_name("tiny.int8.onnx"))).graph
    stored = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    weights = [v for n, v in stored.items() if n.endswith("_quantized") and v.dtype == np.int8 and v.ndim == 4]
    assert weights
    assert max(int(np.abs(w.astype(int)).max()) for w in weights) <= 64
    assert any(v.ndim == 1 and len(v) > 1 for n, v in stored.items() if n.endswith("_scale"))


def test_evaluate_gives_the_figures_of_the_card(done: Round) -> None:
    text = done.command(
        "evaluate", "--weights", str(done.card_path.with_name("tiny.fp32.onnx")), "--data", str(done.data), "--json"
    )
    printed = [json.loads(line) for line in text.splitlines()]
    kept = [{k: v for k, v in f.items() if k != "file"} for f in done.card()["figures"] if f["file"] == "fp32"]
    assert printed == kept
    assert {(f["source"], f["class"], f["state"]) for f in printed} == {
        ("walls", "pale", "labelled"),
        ("walls", "dark", "labelled"),
        ("floors", "pale", "labelled"),
        ("floors", "unseen", "absent"),
    }


def test_the_card_tells_how_it_was_trained(done: Round) -> None:
    (run,) = done.card()["training"]
    with (done.folder / "run" / "curve.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert run["steps"] == int(rows[-1]["step"])
    assert run["data_hash"]
    assert {entry["source"]: entry["licence"] for entry in done.card()["data"]} == {
        "floors": "not described",
        "walls": "MIT",
    }


def test_an_exported_file_needs_no_weights_to_be_exported_again(done: Round, tmp_path: Path) -> None:
    again = tmp_path / "again.onnx"
    export_onnx(done.folder / "run" / "epoch-01.safetensors", len(CLASSES), again)
    assert again.read_bytes() == done.card_path.with_name("tiny.fp32.onnx").read_bytes()


def test_the_model_is_promoted_and_rolled_back(done: Round, tmp_path: Path) -> None:
    where = ["--registry", str(tmp_path / "registry"), "--fewest-boxes", "1"]
    slow = "--allow-slow-int8"  # not every processor that tests run on saves time with 8 bits
    first = done.command("promote", str(done.card_path), *where, slow).strip()
    other = tmp_path / "other"
    shutil.copytree(done.card_path.parent, other)
    (other / "tiny.json").write_text(json.dumps({**done.card(), "version": "next"}), encoding="utf-8")
    second = done.command("promote", str(other / "tiny.json"), *where, slow).strip()
    assert second.startswith("tiny-next-")
    champion = read_registry(tmp_path / "registry").champion
    assert champion is not None
    assert champion.id == second
    assert done.command("rollback", *where[:2]).strip() == first
    back = read_registry(tmp_path / "registry").champion
    assert back is not None
    assert YoloDetector.load(back.card_path, "int8").card.version == done.card()["version"]


def test_a_champion_is_not_replaced_by_a_file_that_was_changed(done: Round, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(done.card_path.parent, broken)
    with (broken / "tiny.int8.onnx").open("ab") as stream:
        stream.write(b"more")
    words = ["promote", str(broken / "tiny.json"), "--registry", str(tmp_path / "registry"), "--fewest-boxes", "1"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 1
    assert "refused: not_runnable: tiny.int8.onnx: sha256 is" in result.stderr


def test_the_filled_card_is_calibrated_for_every_class(done: Round) -> None:
    assert set(done.card()["calibration"]) == set(CLASSES)
    assert set(read_card(done.card_path).calibration) == set(CLASSES)
