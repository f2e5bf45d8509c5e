"""Geometry of boxes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detector.boxes import areas, clip, from_centres, iou, nms
from detector.detections import Boxes

SIDES = st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 20), st.integers(0, 20))


def boxes_of(corners_and_sides: list[tuple[int, int, int, int]]) -> Boxes:
    rows = [(x, y, x + w, y + h) for x, y, w, h in corners_and_sides]
    return np.array(rows, np.float32).reshape(-1, 4)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param((0, 0, 4, 4), (0, 0, 4, 4), 1.0, id="the same box"),
        pytest.param((0, 0, 4, 4), (4, 0, 4, 4), 0.0, id="touching edges do not overlap"),
        pytest.param((0, 0, 4, 4), (2, 0, 4, 4), 1 / 3, id="half of each"),
        pytest.param((0, 0, 4, 4), (1, 1, 2, 2), 1 / 4, id="one inside the other"),
        pytest.param((1, 1, 0, 3), (1, 1, 0, 3), 0.0, id="boxes without area"),
    ],
)
def test_iou_of(first: tuple[int, int, int, int], second: tuple[int, int, int, int], expected: float) -> None:
    assert iou(boxes_of([first]), boxes_of([second]))[0, 0] == pytest.approx(expected)


@given(st.lists(SIDES, max_size=6), st.lists(SIDES, max_size=6))
def test_iou_is_symmetric_and_between_nought_and_one(
    first: list[tuple[int, int, int, int]], second: list[tuple[int, int, int, int]]
) -> None:
    there = iou(boxes_of(first), boxes_of(second))
    assert there.shape == (len(first), len(second))
    np.testing.assert_array_equal(there, iou(boxes_of(second), boxes_of(first)).T)
    assert ((there >= 0) & (there <= 1)).all()


def test_centres_become_corners_and_areas_stay() -> None:
    corners = from_centres(np.array([[10, 20, 4, 6]], np.float32))
    assert corners.tolist() == [[8, 17, 12, 23]]
    assert areas(corners).tolist() == [24]


def test_clipping_leaves_no_box_outside() -> None:
    clipped = clip(np.array([[-5, -5, -1, -1], [8, 3, 99, 9]], np.float32), 10, 5)
    assert clipped.tolist() == [[0, 0, 0, 0], [8, 3, 10, 5]]
    assert areas(clipped).tolist() == [0, 4]


def greedy_nms(boxes: Boxes, scores: NDArray[np.float32], class_ids: NDArray[np.int64], max_iou: float) -> list[int]:
    """The definition, written as loops."""
    kept: list[int] = []
    for index in np.argsort(-scores, kind="stable").tolist():
        rivals = [i for i in kept if class_ids[i] == class_ids[index]]
        if all(iou(boxes[[index]], boxes[[i]])[0, 0] <= max_iou for i in rivals):
            kept.append(index)
    return kept


@given(st.lists(st.tuples(SIDES, st.integers(0, 2)), max_size=12), st.sampled_from([0.33, 0.52, 0.71]))
def test_nms_keeps_what_its_definition_keeps(rows: list[tuple[tuple[int, int, int, int], int]], max_iou: float) -> None:
    # whole sides of 2 px and more, and scores that differ: equal ones may fall either way
    boxes = boxes_of([(x, y, w + 2, h + 2) for (x, y, w, h), _ in rows])
    scores = (1 - np.random.default_rng(len(rows)).permutation(len(rows)) / 20).astype(np.float32)
    class_ids = np.array([class_id for _, class_id in rows], np.int64)
    kept = nms(boxes, scores, class_ids, max_iou)
    assert kept.tolist() == greedy_nms(boxes, scores, class_ids, max_iou)
    again = nms(boxes[kept], scores[kept], class_ids[kept], max_iou)
    assert again.tolist() == list(range(len(kept)))
