"""What networks put out, read as boxes of their frame."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from detector.heads import RAW_MAX_ROWS, read_head


def raw_output(*columns: tuple[float, ...]) -> NDArray[np.float32]:
    return np.array(columns, np.float32).T[None]


def nms_free_output(*rows: tuple[float, ...]) -> NDArray[np.float32]:
    return np.array(rows, np.float32)[None]


def test_nms_free_rows_are_taken_as_they_are_best_first() -> None:
    found = read_head("nms_free", nms_free_output((1, 2, 3, 4, 0.3, 1), (5, 6, 7, 8, 0.9, 0)), 0.05, 2)
    assert found.boxes.tolist() == [[5, 6, 7, 8], [1, 2, 3, 4]]
    assert found.scores.tolist() == pytest.approx([0.9, 0.3])
    assert found.class_ids.tolist() == [0, 1]


def test_nms_free_overlapping_rows_are_both_kept() -> None:
    found = read_head("nms_free", nms_free_output((0, 0, 9, 9, 0.9, 0), (0, 0, 9, 9, 0.8, 0)), 0.05, 1)
    assert len(found.boxes) == 2


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("column", range(6))
def test_a_row_that_is_not_finite_is_left_out(broken: float, column: int) -> None:
    row = [1.0, 2.0, 3.0, 4.0, 0.5, 0.0]
    row[column] = broken
    found = read_head("nms_free", nms_free_output(tuple(row), (1, 2, 3, 4, 0.4, 1)), 0.05, 2)
    assert found.class_ids.tolist() == [1]


def test_a_row_of_a_class_that_does_not_exist_is_left_out() -> None:
    found = read_head("nms_free", nms_free_output((1, 2, 3, 4, 0.9, 2), (1, 2, 3, 4, 0.8, -1)), 0.05, 2)
    assert len(found.boxes) == 0


def test_of_raw_columns_each_anchor_gives_its_best_class() -> None:
    found = read_head("raw", raw_output((10, 10, 4, 6, 0.2, 0.7), (30, 30, 2, 2, 0.6, 0.1)), 0.05, 2)
    assert found.boxes.tolist() == [[8, 7, 12, 13], [29, 29, 31, 31]]
    assert found.class_ids.tolist() == [1, 0]
    assert found.scores.tolist() == pytest.approx([0.7, 0.6])


def test_of_overlapping_raw_boxes_the_better_one_of_a_class_stays() -> None:
    same_place = raw_output((10, 10, 8, 8, 0.6, 0), (10.2, 10, 8, 8, 0.9, 0), (10, 10, 8, 8, 0, 0.5))
    found = read_head("raw", same_place, 0.05, 2)
    assert found.scores.tolist() == pytest.approx([0.9, 0.5])
    assert found.class_ids.tolist() == [0, 1]


def test_of_very_many_raw_boxes_the_best_are_kept() -> None:
    count = RAW_MAX_ROWS + 50
    columns = [(10.0 * i, 5.0, 4.0, 4.0, 0.1 + i / 1000) for i in range(count)]
    found = read_head("raw", raw_output(*columns), 0.05, 1)
    assert len(found.boxes) == RAW_MAX_ROWS
    assert found.scores[0] == pytest.approx(0.1 + (count - 1) / 1000)


def test_raw_columns_that_are_not_finite_are_left_out() -> None:
    nan = float("nan")
    found = read_head("raw", raw_output((nan, 1, 2, 2, 0.9), (5, 5, 2, 2, nan), (5, 5, 2, 2, 0.5)), 0.05, 1)
    assert found.scores.tolist() == pytest.approx([0.5])


@pytest.mark.parametrize("head", ["nms_free", "raw"])
def test_nothing_over_the_least_score_gives_empty_columns(head: str) -> None:
    output = np.zeros((1, 10, 6) if head == "nms_free" else (1, 6, 10), np.float32)
    found = read_head("raw" if head == "raw" else "nms_free", output, 0.05, 2)
    assert (found.boxes.shape, found.scores.shape, found.class_ids.shape) == ((0, 4), (0,), (0,))


@pytest.mark.parametrize("shape", [(2, 300, 6), (300, 6), (1, 300, 7)])
def test_an_output_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="the nms_free head puts out"):
        read_head("nms_free", np.zeros(shape, np.float32), 0.05, 2)
