"""Things on walls are placed by several looks."""

import numpy as np
import pytest
from support.drive import WALL, a_detection, a_placing, a_pose, at, box_of, metres

from inference_server.domain.candidate import Ray
from inference_server.domain.observation import Observation
from inference_server.domain.triangulate import triangulate


def looks_at(thing, norths, *, heading_sigma_deg=0.0, seed=1):
    """Rays of a vehicle driving north past a piece of wall at `(2,)` metres."""
    rng = np.random.default_rng(seed)
    rays = []
    for north in norths:
        true = a_pose(north_m=north)
        box = box_of(true, thing, radius_m=0.3, height_m=1.2, up_m=0.9)
        if box is None:
            continue
        seen = a_pose(north_m=north, heading_deg=float(rng.normal(0, heading_sigma_deg)) % 360)
        one = a_placing(seen).observe(a_detection(box, class_name="graffiti"), WALL)
        assert isinstance(one, Observation)
        rays.append(
            Ray(
                camera_position=one.camera_position,
                camera_height_m=2.0,
                bearing_deg=one.bearing_deg,
                elevation_deg=one.elevation_deg,
                height_deg=one.height_deg,
                inner_deg=one.inner_deg,
                heading_deg=seen.heading_deg,
            )
        )
    return tuple(rays)


@pytest.mark.parametrize("thing", [at(8, 30), at(-12, 28), at(5, 25)], ids=["right", "left, far", "right, near"])
def test_several_exact_looks_meet_at_the_thing(thing):
    fixed = triangulate(looks_at(metres(thing), range(0, 20, 3)), 3.0)
    assert fixed is not None
    assert np.linalg.norm(metres(fixed.position) - metres(thing)) < 0.8  # a post is not quite a piece of wall
    assert fixed.height_m == pytest.approx(1.5, abs=0.25)
    assert fixed.chi2 < 2.0


def test_wrong_headings_are_borne_because_size_and_height_tell_the_range():
    thing = metres(at(8, 30))
    errors = []
    for seed in range(20):
        fixed = triangulate(looks_at(thing, range(0, 22, 3), heading_sigma_deg=3.0, seed=seed), 3.0)
        assert fixed is not None
        errors.append(np.linalg.norm(metres(fixed.position) - thing))
    assert np.median(errors) < 1.6  # of 8 m to the side, with 3 degrees of heading error in every look


def test_looks_at_two_things_do_not_fit_together():
    near, far = looks_at(metres(at(6, 25)), (0, 3, 6)), looks_at(metres(at(14, 40)), (9, 12, 15))
    alone, mixed = triangulate(near, 3.0), triangulate((*near, *far), 3.0)
    assert alone is not None
    assert mixed is not None
    assert mixed.chi2 - alone.chi2 > 30


def test_one_look_gives_no_place():
    assert triangulate(looks_at(metres(at(8, 30)), (0,)), 3.0) is None
