"""Label files are read strictly: a box that is wrong is an error with a place, not a box less."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training.index import DataError, load_index
from training.labels import read_labels, to_corners


def _labels(folder: Path, text: str) -> Path:
    path = folder / "label.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_empty_file_is_a_picture_without_boxes(tmp_path: Path) -> None:
    assert read_labels(_labels(tmp_path, "\n"), 3).shape == (0, 5)


def test_corners_are_in_pixels_of_the_picture(tmp_path: Path) -> None:
    labels = read_labels(_labels(tmp_path, "2 0.5 0.25 0.2 0.5\n"), 3)
    assert labels[0, 0] == 2
    np.testing.assert_allclose(to_corners(labels, 100, 40), [[40, 0, 60, 20]], atol=1e-4)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("0 0.5 0.5 0.1", "expected 5 numbers, found 4"),
        ("0 0.5 0.5 0.1 x", "not a number"),
        ("3 0.5 0.5 0.1 0.1", "unknown class id 3"),
        ("0.5 0.5 0.5 0.1 0.1", "unknown class id 0.5"),
        ("0 0.5 0.5 0 0.1", "a box without area"),
        ("0 0.95 0.5 0.2 0.1", "the box leaves the picture"),
        ("0 nan 0.5 0.2 0.1", "not a number"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, problem: str) -> None:
    path = _labels(tmp_path, f"0 0.5 0.5 0.1 0.1\n{line}\n")
    with pytest.raises(DataError) as caught:
        read_labels(path, 3)
    assert f"label.txt:2: {problem}" in str(caught.value)


def test_every_label_file_of_the_shared_data_can_be_read_and_holds_labelled_classes_only(shared: Path) -> None:
    index = load_index([shared / "data"])
    boxes = 0
    for picture in index.pictures:
        labels = read_labels(picture.labels, len(index.classes))
        boxes += len(labels)
        found = {index.classes[int(class_id)] for class_id in labels[:, 0]}
        assert found <= set(index.classes_in_state(picture.source, "labelled")), picture.labels
    assert boxes > 20_000
