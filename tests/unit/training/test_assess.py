"""A card is filled by running its files; no torch is needed, and drawings never become figures."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from support.onnx_model import FixedModel, write_model
from support.training_data import CLASSES, Drawn, write_data, write_rows
from typer.testing import CliRunner

from detector.yolo import YoloDetector
from training.assess import NoPictures, evaluate_file, fill_card
from training.cli import app, main
from training.evaluate import Figure
from training.index import DataIndex, load_index
from training.price import compare

PALE = CLASSES.index("pale")
BOX = (40.0, 24.0, 120.0, 72.0, 0.8, PALE)  # x1 y1 x2 y2 score class in a picture of 160 x 96
LABEL = f"{PALE} 0.5 0.5 0.5 0.5\n"


def _data(folder: Path, source: str, count: int, text: str) -> Path:
    write_data(folder, [Drawn(source, "val", f"{source}_{number}", PALE) for number in range(count)])
    states = [[source, "pale", "labelled"], [source, "unseen", "absent"]]
    write_rows(folder / "sources.csv", ("source", "class", "state"), states)
    for label in (folder / "labels" / source).glob("*.txt"):
        label.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def card_path(tmp_path: Path) -> Path:
    return write_model(tmp_path / "weights", FixedModel(detections=[BOX], classes=CLASSES, picture_px=(160, 96)))


@pytest.fixture
def index(tmp_path: Path) -> DataIndex:
    walls = _data(tmp_path / "walls", "walls", 30, LABEL)
    drawn = _data(tmp_path / "drawn", "drawn_city", 30, "")  # here every found box would be a false alarm
    return load_index([walls, drawn])


def test_a_detector_that_is_right_everywhere_gets_full_marks_and_a_filing_score(
    card_path: Path, index: DataIndex
) -> None:
    card = fill_card(card_path, index)
    assert card == json.loads(card_path.read_text(encoding="utf-8"))
    (pale,) = (f for f in card["figures"] if f["class"] == "pale")
    assert (pale["file"], pale["source"], pale["pictures"], pale["boxes"]) == ("fp32", "walls", 30, 30)
    assert (pale["mAP50"], pale["recall_at_threshold"], pale["false_alarms_per_100"]) == (1.0, 1.0, 0.0)
    assert 0.79 < card["thresholds"]["pale"]["file"] <= 0.8


def test_drawn_sources_are_in_no_figure_and_in_no_threshold(card_path: Path, index: DataIndex) -> None:
    card = fill_card(card_path, index)
    assert {f["source"] for f in card["figures"]} == {"walls"}
    assert card["thresholds"]["pale"]["boxes"] == 30
    assert card["thresholds"]["pale"]["file"] is not None  # the alarms in the drawings would have forbidden it


def test_evaluate_scores_at_the_thresholds_of_the_card(card_path: Path, index: DataIndex) -> None:
    fill_card(card_path, index)
    made = evaluate_file(card_path.with_name("fixed.fp32.onnx"), index, "val").figures
    drawn = {f.class_name: f for f in made if f.source == "drawn_city"}
    assert drawn["pale"].false_alarms_per_100 == pytest.approx(100.0)


def test_the_evaluate_command_prints_one_json_object_a_line(card_path: Path, tmp_path: Path, index: DataIndex) -> None:
    fill_card(card_path, index)
    onnx_file = str(card_path.with_name("fixed.fp32.onnx"))
    words = ["evaluate", "--weights", onnx_file, "--data", str(tmp_path / "walls"), "--json"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(line["class"], line["state"], line["mAP50"]) for line in lines] == [
        ("pale", "labelled", 1.0),
        ("unseen", "absent", None),
    ]
    assert "torch" not in sys.modules


def test_a_table_is_printed_for_people(card_path: Path, tmp_path: Path, index: DataIndex) -> None:
    fill_card(card_path, index)
    onnx_file = str(card_path.with_name("fixed.fp32.onnx"))
    result = CliRunner().invoke(app, ["evaluate", "--weights", onnx_file, "--data", str(tmp_path / "walls")])
    head, first, *_ = result.stdout.splitlines()
    assert head.split()[:3] == ["source", "class", "state"]
    assert first.split()[:3] == ["walls", "pale", "labelled"]


def test_data_that_cannot_be_used_end_the_command_with_file_line_and_exit_code_1(
    card_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    walls = _data(tmp_path / "walls", "walls", 2, LABEL)
    write_rows(walls / "sources.csv", ("source", "class", "state"), [["walls", "purple", "labelled"]])
    monkeypatch.setattr(sys, "argv", ["xuncheng-train", "card", str(card_path), "--data", str(walls)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert "sources.csv:2: unknown class 'purple'" in capsys.readouterr().err.replace("\n", "")


def test_the_price_of_int8_names_the_pair_that_loses_most() -> None:
    def figure(name: str, map50: float) -> Figure:
        return Figure("walls", name, "labelled", 10, 20, map50, 0.1, 0.5, 0.5, 0.5, 1.0)

    price = compare([figure("pale", 0.6), figure("dark", 0.5)], [figure("pale", 0.59), figure("dark", 0.4)], 20)
    assert price["gap_mAP50"] == pytest.approx(0.055)
    assert price["most_lost"] == {"where": "walls/dark", "mAP50": pytest.approx(0.1)}


def test_pairs_with_few_boxes_prove_nothing_about_int8() -> None:
    def figure(boxes: int, map50: float) -> Figure:
        return Figure("walls", f"class {boxes}", "labelled", 10, boxes, map50, 0.1, 0.5, 0.5, 0.5, 1.0)

    price = compare([figure(99, 0.9), figure(100, 0.6)], [figure(99, 0.1), figure(100, 0.595)])
    assert (price["pairs"], price["gap_mAP50"], price["most_lost"]["where"]) == (1, 0.005, "walls/class 100")


def test_classes_are_matched_by_name_whatever_their_order(card_path: Path, tmp_path: Path) -> None:
    walls = _data(tmp_path / "walls", "walls", 25, "1 0.5 0.5 0.5 0.5\n")
    (walls / "classes.txt").write_text("unseen\npale\nstrange\n", encoding="utf-8")
    write_rows(
        walls / "sources.csv", ("source", "class", "state"), [["walls", n, "labelled"] for n in ("pale", "strange")]
    )
    made = {
        f.class_name: f
        for f in evaluate_file(card_path.with_name("fixed.fp32.onnx"), load_index([walls]), "val").figures
    }
    assert (made["pale"].map50, made["pale"].boxes) == (1.0, 25)
    assert (made["strange"].map50, made["strange"].boxes) == (None, 0)


def test_a_split_of_any_name_is_evaluated_and_an_empty_one_is_named(card_path: Path, tmp_path: Path) -> None:
    walls = _data(tmp_path / "walls", "walls", 3, LABEL)
    text = (walls / "index.csv").read_text(encoding="utf-8").replace(",val,", ",street,")
    (walls / "index.csv").write_text(text, encoding="utf-8")
    onnx_file = card_path.with_name("fixed.fp32.onnx")
    made = evaluate_file(onnx_file, load_index([walls]), "street").figures
    assert made[0].pictures == 3
    with pytest.raises(NoPictures, match="no picture is in split 'val'; there are: street"):
        evaluate_file(onnx_file, load_index([walls]), "val")


def test_a_state_that_is_neither_labelled_nor_absent_says_nothing(tmp_path: Path) -> None:
    walls = _data(tmp_path / "walls", "walls", 2, LABEL)
    states = [["walls", "pale", "labelled"], ["walls", "dark", "unknown"], ["walls", "unseen", "partly"]]
    write_rows(walls / "sources.csv", ("source", "class", "state"), states)
    assert load_index([walls]).class_mask("walls").tolist() == [1.0, 0.0, 0.0]


def test_the_filled_card_is_calibrated_and_the_detector_reads_it(card_path: Path, index: DataIndex) -> None:
    fill_card(card_path, index)
    detector = YoloDetector.load(card_path)
    found = detector.detect(index.pictures[0].image.read_bytes())
    assert found.probabilities is not None
    assert found.probabilities[0] > 0.9  # it was right 30 times of 30
    assert detector.card.content["calibration"]["pale"]["right_boxes"] == 30
