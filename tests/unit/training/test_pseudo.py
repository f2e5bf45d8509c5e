"""Labels of a model: only where nothing is known, with their origin, and only those that people kept."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from support.onnx_model import FixedModel, write_model
from support.training_data import CLASSES, plan, write_data
from typer.testing import CliRunner

from training.cli import app
from training.index import DataError, DataIndex, load_index
from training.pseudo import COLUMNS, read_pseudo

PALE, DARK, UNSEEN = range(3)
FOUND = [  # in pictures of 160 x 96; walls label pale and dark, floors label pale and are without unseen
    (4.0, 4.0, 44.0, 44.0, 0.9, UNSEEN),
    (6.0, 6.0, 46.0, 46.0, 0.85, UNSEEN),  # the same thing again
    (110.0, 50.0, 150.0, 90.0, 0.8, DARK),
    (60.0, 4.0, 100.0, 44.0, 0.3, UNSEEN),  # not sure enough
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = write_data(tmp_path / "data", plan(train=8, val=4))
    for labels in (folder / "labels").rglob("*.txt"):
        labels.write_text("0 0.5 0.5 0.05 0.05\n", encoding="utf-8")
    return folder


@pytest.fixture
def index(data: Path) -> DataIndex:
    return load_index([data])


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def written(data: Path, tmp_path: Path) -> Path:
    card = write_model(tmp_path / "w", FixedModel(detections=FOUND, classes=CLASSES, picture_px=(160, 96)))
    words = ["pseudo", "--weights", card.with_name("fixed.fp32.onnx"), "--data", data, "--out", tmp_path / "pseudo.csv"]
    result = CliRunner().invoke(app, [str(word) for word in [*words, "--above", "0.7", "--page", tmp_path / "page"]])
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("8 labels in")
    return tmp_path / "pseudo.csv"


def test_only_classes_that_the_source_says_nothing_about_are_labelled(written: Path) -> None:
    rows = rows_of(written)
    assert {(row["source"], row["class"]) for row in rows} == {("walls", "unseen"), ("floors", "dark")}
    assert [row["class"] for row in rows] == ["unseen"] * 4 + ["dark"] * 4  # the surest first, one a thing
    assert {row["model"] for row in rows} == {"fixed 1 fixed.fp32.onnx"}
    assert float(rows[0]["x"]) == pytest.approx(24 / 160, abs=1e-4)


def test_no_validation_picture_is_labelled(written: Path, index: DataIndex) -> None:
    names = {p.image.name for p in index.of("val")}
    assert names
    assert not names & {row["image"] for row in rows_of(written)}


def test_the_page_names_the_line_of_each_label(written: Path) -> None:
    page = (written.parent / "page" / "index.html").read_text(encoding="utf-8")
    assert "line 2: walls/" in page
    assert "line 9: floors/" in page
    assert len(list((written.parent / "page").glob("*.jpg"))) == 8


def test_a_label_that_people_refused_is_not_taught(written: Path, index: DataIndex) -> None:
    rows = rows_of(written)
    rows[0]["keep"] = "no"
    with written.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    kept = read_pseudo(written, index)
    assert len(kept) == 7
    assert (rows[0]["source"], rows[0]["image"]) not in kept
    np.testing.assert_allclose(kept[("floors", rows[-1]["image"])][0, 1:3], [130 / 160, 70 / 96], atol=1e-4)


@pytest.mark.parametrize(
    ("column", "text", "problem"),
    [
        ("keep", "perhaps", "keep must be yes or no"),
        ("class", "pale", "'pale' is none, or no unknown one in walls"),
        ("class", "dragon", "'dragon' is none"),
        ("image", "none.png", "no picture 'none.png' of 'walls' is in split train"),
        ("x", "1.5", "1.5 is no share"),
        ("x", "left", "not a number"),
    ],
)
def test_a_row_that_is_wrong_is_named_with_its_line(
    written: Path, index: DataIndex, column: str, text: str, problem: str
) -> None:
    rows = rows_of(written)
    rows[1][column] = text
    with written.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(DataError, match=rf"pseudo\.csv:3: .*{problem}"):
        read_pseudo(written, index)
