"""Things on walls are placed by several looks."""

from dataclasses import replace

import numpy as np
import pytest
from support.drive import WALL, a_detection, a_placing, a_pose, at, box_of, metres

from inference_server.domain.candidate import Ray
from inference_server.domain.observation import Observation
from inference_server.domain.triangulate import triangulate


def looks_at(thing, norths, *, heading_sigma_deg=0.0, common_deg=0.0, seed=1):
    """Rays of a vehicle driving north past a piece of wall at `(2,)` metres."""
    rng = np.random.default_rng(seed)
    rays = []
    for north in norths:
        true = a_pose(north_m=north)
        box = box_of(true, thing, radius_m=0.3, height_m=1.2, up_m=0.9)
        if box is None:
            continue
        seen = a_pose(north_m=north, heading_deg=float(rng.normal(common_deg, heading_sigma_deg)) % 360)
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


def test_an_error_that_all_headings_share_is_told_in_the_covariance():
    thing = metres(at(8, 34))
    chi2 = {0.0: [], 0.5: []}
    for seed in range(40):
        common_deg = float(np.random.default_rng(seed).normal(0, 2.1))
        rays = looks_at(thing, range(0, 30, 3), heading_sigma_deg=2.1, common_deg=common_deg, seed=seed)
        for share, found in chi2.items():
            fixed = triangulate(rays, 3.0, share)
            assert fixed is not None
            gap = metres(fixed.position) - thing
            found.append(gap @ np.linalg.solve(fixed.covariance_m2, gap))
    assert np.mean(chi2[0.5]) == pytest.approx(2.0, abs=1.2)  # two axes
    assert np.mean(chi2[0.0]) > 4.0  # taken for fresh in every look it is averaged away, and the place called exact


def half_covered(rays, looks):
    """The rays, the first ones of which see no more than six tenths of the thing's height."""
    return tuple(replace(ray, height_deg=0.6 * ray.height_deg) if i < looks else ray for i, ray in enumerate(rays))


def test_far_looks_that_show_a_part_of_the_thing_do_not_pull_it_nearer():
    thing = metres(at(8, 34))
    fixed = triangulate(half_covered(looks_at(thing, range(0, 30, 3)), 3), 3.0, 0.5)
    assert fixed is not None
    assert np.linalg.norm(metres(fixed.position) - thing) < 3.0  # 8 m too near, were they taken at their word


def test_looks_that_disagree_make_the_place_less_sure():
    rays = looks_at(metres(at(8, 34)), range(0, 30, 3))
    odd = tuple(replace(ray, height_deg=ray.height_deg * (1.5 if i % 2 else 1.0)) for i, ray in enumerate(rays))
    agreeing, disagreeing = (triangulate(some, 3.0, 0.5) for some in (rays, odd))
    assert agreeing is not None
    assert disagreeing is not None
    assert np.trace(disagreeing.covariance_m2) > 1.5 * np.trace(agreeing.covariance_m2)
