"""Boxes drawn on pictures."""

from __future__ import annotations

import numpy as np

from detector.detections import Detections
from detector.draw import class_colour, draw_detections

NAMES = ("garbage", "pothole")


def found(*boxes: tuple[float, float, float, float]) -> Detections:
    count = len(boxes)
    scores = np.linspace(0.9, 0.5, count).astype(np.float32)
    return Detections(np.array(boxes, np.float32).reshape(-1, 4), scores, np.arange(count) % 2, NAMES)


def test_the_edge_of_a_box_has_the_colour_of_its_class_and_the_original_is_untouched() -> None:
    pixels = np.zeros((200, 300, 3), np.uint8)
    drawn = draw_detections(pixels, found((100, 80, 200, 150)))
    assert tuple(drawn[150, 150]) == class_colour(0)
    assert tuple(drawn[115, 150]) == (0, 0, 0)
    assert not pixels.any()


def test_boxes_of_the_full_size_picture_are_scaled_onto_a_smaller_one() -> None:
    drawn = draw_detections(np.zeros((100, 150, 3), np.uint8), found((100, 80, 200, 150)), scale=0.5)
    assert tuple(drawn[75, 75]) == class_colour(0)


def test_the_surest_of_two_boxes_lies_on_top() -> None:
    drawn = draw_detections(np.zeros((200, 300, 3), np.uint8), found((100, 80, 200, 150), (100, 80, 200, 150)))
    assert tuple(drawn[150, 150]) == class_colour(0)


def test_labels_stay_inside_a_picture_whose_boxes_touch_its_corners() -> None:
    plain = np.zeros((200, 300, 3), np.uint8)
    drawn = draw_detections(plain, found((0, 0, 40, 40), (270, 0, 299, 30)))
    assert drawn.shape == plain.shape
    assert drawn[:20, 210:].any()


def test_no_detections_leave_a_picture_as_it_is() -> None:
    pixels = np.full((20, 30, 3), 7, np.uint8)
    np.testing.assert_array_equal(draw_detections(pixels, Detections.empty(NAMES)), pixels)


def test_each_of_seventeen_classes_has_a_colour_of_its_own() -> None:
    assert len({class_colour(class_id) for class_id in range(17)}) == 17
