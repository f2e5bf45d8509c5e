"""The surroundings once more, as the photograph after shows them."""

import cv2
import numpy as np
from numpy.typing import NDArray
from support.two_looks import BOX, SIZE_PX, Pixels, ground

from inference_server.scene.after_view import AfterView, after_view
from inference_server.scene.region import Neighbourhood, neighbourhood

Matrix = NDArray[np.float64]
STEEP = np.array([[1.0, 0, 0], [0, 1.0, 0], [0.0016, 0.0, 1.0]])  # the plane turns away to the right
QUARTER = np.array([[0.0, -1, SIZE_PX[1] - 1], [1, 0, 0], [0, 0, 1]])


def seen_twice(before: Pixels, after: Pixels, homography: Matrix, zoom: float) -> tuple[Neighbourhood, AfterView]:
    hood = neighbourhood(before, after, homography, BOX, zoom)
    return hood, after_view(hood, before, after)


def sides_of(pixels: Pixels) -> tuple[int, int]:
    """Width and height of what is purely red."""
    return cv2.boundingRect(np.uint8((pixels[:, :, 2] > 200) & (pixels[:, :, 0] < 60)))[2:]


def test_a_round_thing_next_door_stays_round_where_the_plane_would_draw_it_out() -> None:
    place = ground(1)
    after = np.asarray(cv2.warpPerspective(place, STEEP, SIZE_PX), np.uint8)
    cv2.circle(after, (272, 180), 14, (0, 0, 255), -1)
    hood, view = seen_twice(place, after, STEEP, zoom=0.54)
    width, height = sides_of(view.after)
    assert abs(width - height) <= 1
    drawn_out, drawn_up = sides_of(hood.after)
    assert drawn_out > 1.5 * drawn_up


def test_the_photograph_before_is_carried_over_onto_the_same_place() -> None:
    place = ground(2)
    after = np.asarray(cv2.warpPerspective(place, STEEP, SIZE_PX), np.uint8)
    _, view = seen_twice(place, after, STEEP, zoom=0.54)
    both = view.before_seen & view.after_seen
    apart = np.abs(view.before.astype(float) - view.after)[both]
    assert both.mean() > 0.7
    assert apart.mean() < 6.0


def test_a_photograph_that_lies_on_its_side_is_turned_upright() -> None:
    place = ground(3)
    lying = np.asarray(cv2.rotate(place, cv2.ROTATE_90_CLOCKWISE), np.uint8)
    hood, view = seen_twice(place, lying, QUARTER, zoom=1.0)
    apart = np.abs(hood.before.astype(float) - view.after)[view.after_seen & hood.seen]
    assert apart.mean() < 6.0


def test_where_the_photographs_do_not_reach_is_told_of_each() -> None:
    place = ground(4)
    _, view = seen_twice(np.ascontiguousarray(place[:, :400]), place, np.eye(3), zoom=1.0)
    assert view.after_seen.all()
    assert view.before_seen.any(axis=0).argmin() == round(0.5 * view.before_seen.shape[1] + (400 - 315) * 48 / 70)
