"""The three families share nothing."""

from __future__ import annotations

from dataclasses import fields
from itertools import combinations

import numpy as np
import pytest

from patrol.simulate.looks import DEMO, LOOKS, TEST, TRAIN, Look
from patrol.simulate.seeds import generator
from patrol.simulate.solids import Model
from patrol.simulate.things import BODIES, LARGEST_M

PAIRS = [pytest.param(a, b, id=f"{a.name} and {b.name}") for a, b in combinations((TRAIN, DEMO, TEST), 2)]


def is_range(value: object) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and all(isinstance(edge, int | float) for edge in value)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_no_range_of_two_looks_overlaps(first: Look, second: Look):
    ranges = [field.name for field in fields(Look) if is_range(getattr(first, field.name))]
    assert len(ranges) >= 14
    for name in ranges:
        (low, high), (other_low, other_high) = getattr(first, name), getattr(second, name)
        assert low <= high
        assert high < other_low or other_high < low, name


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_no_colour_is_in_two_looks(first: Look, second: Look):
    palettes = [field.name for field in fields(Look) if field.name.endswith("_colours")]
    assert len(palettes) >= 10
    for name in palettes:
        assert not set(getattr(first, name)) & set(getattr(second, name)), name


def test_two_looks_never_share_a_random_stream_even_with_the_same_seed():
    streams = {look: generator(look, 7, "things").integers(2**62, size=4).tolist() for look in LOOKS}
    assert len({tuple(stream) for stream in streams.values()}) == 3
    assert generator("demo", 7, "things").integers(2**62, size=4).tolist() == streams["demo"]


def same_model(first: Model, second: Model) -> bool:
    if first.points.shape != second.points.shape or not np.allclose(first.points, second.points):
        return False
    pictures = zip(first.decals, second.decals, strict=True)
    solids = zip(first.parts, second.parts, strict=True)
    return all(np.array_equal(a.picture, b.picture) for a, b in pictures) and all(
        np.array_equal(a.colours, b.colours) for a, b in solids
    )


@pytest.mark.parametrize("class_name", BODIES)
def test_a_body_depends_on_its_look_and_seed_alone(class_name: str):
    make = BODIES[class_name]
    one, again = (make(TRAIN, np.random.default_rng(3)) for _ in range(2))
    assert same_model(one, again)
    assert not same_model(one, make(TRAIN, np.random.default_rng(4)))
    assert not same_model(one, make(TEST, np.random.default_rng(3)))


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
@pytest.mark.parametrize("class_name", BODIES)
def test_a_body_keeps_within_the_size_its_class_is_given_and_stands_about_its_own_middle(class_name: str, look: Look):
    for seed in range(4):
        points = BODIES[class_name](look, np.random.default_rng(seed)).points
        assert np.ptp(points, axis=0).max() / 2 < LARGEST_M[class_name]
        low = points if class_name in ("graffiti", "poster") else points[points[:, 2] < 0.1]
        middle = (low.min(axis=0) + low.max(axis=0)) / 2
        assert middle[:2] == pytest.approx((0, 0), abs=0.06)
        assert points[:, 2].min() >= -1e-9
