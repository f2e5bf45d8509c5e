"""What a frame shows tells how far its heading is off."""

import numpy as np
import pytest

from inference_server.domain.swing import Placed, Swing, swing_of

THINGS = np.array([[5.0, 12.0], [-6.0, 20.0], [8.0, 27.0], [-4.0, 31.0]])
GATE = 3.5**2


def placed(metres, sigma_m=0.4, groups=None):
    return Placed(
        metres=np.asarray(metres, dtype=float).reshape(-1, 2),
        cov_m2=np.broadcast_to(np.eye(2) * sigma_m**2, (len(metres), 2, 2)),
        groups=tuple(groups or ["waste"] * len(metres)),
    )


def seen_with(error_deg):
    """The things where a heading that is wrong by some degrees puts them."""
    return placed(Swing(error_deg, 0.0).turned(THINGS))


@pytest.mark.parametrize("error_deg", [0.0, 2.5, -6.0, 11.0])
def test_the_error_of_a_heading_is_found_from_things_that_are_known(error_deg):
    swing = swing_of(seen_with(error_deg), placed(THINGS), 3.0, GATE)
    assert swing.turn_deg == pytest.approx(-error_deg, abs=0.6)
    assert swing.sigma_deg < 1.0


def test_one_wrong_pair_does_not_turn_the_frame():
    known = THINGS.copy()
    known[2] += (6.0, 0.0)
    assert abs(swing_of(placed(THINGS), placed(known), 3.0, GATE).turn_deg) < 0.6


def test_things_of_other_groups_say_nothing():
    swing = swing_of(seen_with(6.0), placed(THINGS, groups=["road"] * 4), 3.0, GATE)
    assert (swing.turn_deg, swing.sigma_deg) == pytest.approx((0.0, 3.0))


def test_without_anything_known_the_heading_is_as_unsure_as_ever():
    nothing = placed(np.empty((0, 2)))
    assert swing_of(seen_with(6.0), nothing, 3.0, GATE) == Swing(0.0, 3.0)
    assert swing_of(nothing, placed(THINGS), 3.0, GATE) == Swing(0.0, 3.0)
