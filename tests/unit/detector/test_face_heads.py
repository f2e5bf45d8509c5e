"""Heads of CenterFace, computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from detector.face_heads import read_face_heads


def heads(height: int = 6, width: int = 8) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Heat, sizes and offsets in which nothing is."""
    shape = (1, 2, height, width)
    return np.zeros((1, 1, height, width), np.float32), np.zeros(shape, np.float32), np.zeros(shape, np.float32)


def test_a_peak_is_a_box_around_the_middle_of_its_cell_moved_by_the_offset() -> None:
    heat, sizes, offsets = heads()
    heat[0, 0, 2, 5] = 0.75
    sizes[0, :, 2, 5] = np.log(3.0), np.log(2.0)  # three cells high, two wide
    offsets[0, :, 2, 5] = 0.25, -0.5  # down, and to the left
    found = read_face_heads(heat, sizes, offsets, 0.5)
    # the centre: x = (5 - 0.5 + 0.5) * 4 = 20, y = (2 + 0.25 + 0.5) * 4 = 11; half the size: 4 wide, 6 high
    np.testing.assert_allclose(found.boxes, [[16.0, 5.0, 24.0, 17.0]], rtol=1e-6)
    assert found.scores.tolist() == [0.75]


def test_what_is_less_sure_than_asked_for_is_no_face() -> None:
    heat, sizes, offsets = heads()
    heat[0, 0, 1, 1], heat[0, 0, 4, 6] = 0.3, 0.2
    assert read_face_heads(heat, sizes, offsets, 0.25).scores.round(3).tolist() == [pytest.approx(0.3, abs=1e-3)]
    assert len(read_face_heads(heat, sizes, offsets, 0.5).boxes) == 0


def test_of_two_peaks_of_one_face_the_surer_stays_and_faces_apart_both_stay_best_first() -> None:
    heat, sizes, offsets = heads()
    sizes[:] = np.log(3.0)
    heat[0, 0, 1, 1], heat[0, 0, 1, 2], heat[0, 0, 4, 6] = 0.5, 0.625, 0.875
    assert read_face_heads(heat, sizes, offsets, 0.25).scores.tolist() == [0.875, 0.625]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e6])
def test_no_box_is_without_bounds_whatever_the_network_puts_out(value: float) -> None:
    heat, sizes, offsets = heads()
    heat[0, 0, 2, 3] = 0.9
    sizes[0, 0, 2, 3] = value
    boxes = read_face_heads(heat, sizes, offsets, 0.5).boxes
    assert np.isfinite(boxes).all()


def test_maps_that_do_not_belong_together_are_refused() -> None:
    heat, sizes, offsets = heads()
    with pytest.raises(ValueError, match="no heads of CenterFace"):
        read_face_heads(heat, sizes, offsets[:, :, :-1], 0.5)
    with pytest.raises(ValueError, match="no heads of CenterFace"):
        read_face_heads(sizes, sizes, offsets, 0.5)
