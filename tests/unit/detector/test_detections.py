"""Detections keep their columns in step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from detector.detections import Detections

NAMES = ("garbage", "bin", "pothole")


def some_detections() -> Detections:
    boxes = np.array([[0, 0, 10, 10], [5, 5, 20, 30], [1, 2, 3, 4]], np.float32)
    return Detections(boxes, np.array([0.9, 0.3, 0.5], np.float32), np.array([2, 0, 0]), NAMES)


def test_a_mask_keeps_the_rows_of_all_columns() -> None:
    kept = some_detections().where(np.array([True, False, True]))
    assert kept.names() == ["pothole", "garbage"]
    assert kept.boxes.tolist() == [[0, 0, 10, 10], [1, 2, 3, 4]]
    assert kept.class_names == NAMES


def test_a_row_exactly_at_the_least_score_is_kept() -> None:
    assert some_detections().at_least(0.3).scores.tolist() == pytest.approx([0.9, 0.3, 0.5])
    assert some_detections().at_least(0.5).names() == ["pothole", "garbage"]


def test_empty_detections_can_be_filtered() -> None:
    empty = Detections.empty(NAMES)
    assert len(empty.at_least(0.5)) == 0
    assert empty.boxes.shape == (0, 4)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        pytest.param("boxes", np.zeros((2, 4), np.float32), r"boxes must be \(3, 4\)", id="one box too few"),
        pytest.param("boxes", np.zeros((3, 5), np.float32), r"boxes must be \(3, 4\)", id="five numbers a box"),
        pytest.param("boxes", np.zeros((3, 4)), "boxes must be .* float32", id="boxes of doubles"),
        pytest.param("class_ids", np.zeros(3, np.int32), "class_ids must be .* int64", id="short class ids"),
        pytest.param("class_ids", np.array([0, 1, 3]), r"class_ids must lie in 0\.\.2", id="a class id too high"),
        pytest.param("class_ids", np.array([0, 1, -1]), r"class_ids must lie in 0\.\.2", id="a negative class id"),
        pytest.param("scores", np.zeros((3, 1), np.float32), "scores must be", id="scores as a table"),
    ],
)
def test_columns_of_the_wrong_shape_or_kind_are_refused(field: str, value: np.ndarray, message: str) -> None:
    good = some_detections()
    columns: dict[str, Any] = {"boxes": good.boxes, "scores": good.scores, "class_ids": good.class_ids, field: value}
    with pytest.raises(ValueError, match=message):
        Detections(**columns, class_names=NAMES)


def test_a_mask_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="mask must be"):
        some_detections().where(np.array([True]))
