"""The page of worst mistakes: the right ones, the worst first, with pictures that can be opened."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import cv2
import pytest
from support.onnx_model import FixedModel, write_model
from support.training_data import CLASSES, Drawn, write_data
from typer.testing import CliRunner

from training.assess import evaluate_file
from training.cli import app
from training.index import DataIndex, load_index
from training.worst import MOST_A_PAIR, draw, worst_alarms, worst_misses

PALE, UNSEEN = CLASSES.index("pale"), CLASSES.index("unseen")
FOUND = [(2.0, 2.0, 12.0, 12.0, 0.7, PALE), (100.0, 60.0, 140.0, 90.0, 0.9, UNSEEN)]


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    card = write_model(tmp_path / "weights", FixedModel(detections=FOUND, classes=CLASSES, picture_px=(160, 96)))
    return card.with_name("fixed.fp32.onnx")


@pytest.fixture
def index(tmp_path: Path) -> DataIndex:
    pictures = [Drawn("floors", "val", f"floors_{n}", PALE) for n in range(9)]
    return load_index([write_data(tmp_path / "data", pictures)])


def test_missed_things_come_largest_first(weights: Path, index: DataIndex) -> None:
    done = evaluate_file(weights, index, "val")
    misses = worst_misses(index, done.findings, done.thresholds)
    assert len(misses) == MOST_A_PAIR
    shares = [miss.weight for miss in misses]
    assert shares == sorted(shares, reverse=True)
    boxes = [box for f in done.findings for box in f.true_boxes]
    assert shares[0] == pytest.approx(max((b[2] - b[0]) * (b[3] - b[1]) for b in boxes) / (160 * 96))


def test_false_alarms_come_surest_first_absent_classes_included(weights: Path, index: DataIndex) -> None:
    done = evaluate_file(weights, index, "val")
    alarms = worst_alarms(index, done.findings, done.thresholds)
    assert [alarm.class_id for alarm in alarms] == [UNSEEN] * MOST_A_PAIR + [PALE] * MOST_A_PAIR
    assert "absent there) with score 0.90" in alarms[0].text
    drawn = draw(alarms[0])
    assert drawn.shape == (384, 640, 3)
    assert (drawn[300, 400] == (40, 40, 220)).all()  # the left edge of the box, four times as large


class _Pictures(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.names.append(str(dict(attrs)["src"]))


def test_the_command_writes_the_page_with_its_pictures(weights: Path, index: DataIndex, tmp_path: Path) -> None:
    folder = tmp_path / "page"
    words = ["evaluate", "--weights", str(weights), "--data", str(tmp_path / "data"), "--page", str(folder)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    page = _Pictures()
    page.feed((folder / "index.html").read_text(encoding="utf-8"))
    assert len(page.names) == 3 * MOST_A_PAIR
    assert all(cv2.imread(str(folder / name)) is not None for name in page.names)
