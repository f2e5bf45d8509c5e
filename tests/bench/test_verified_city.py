"""The drawn city of bench-verify: its photographs show what they claim, and its figures count what they say."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path[:0] = [str(Path(__file__).parent)]

from verify_parts.city import figures_of
from verify_parts.city_asking import Answered, answered
from verify_parts.city_cases import WEIGHTS, CityCase, cases_of
from verify_parts.city_changes import car_before, cleared, moved, partly_cleared
from verify_parts.city_street import Studio, weathered
from verify_parts.city_views import handler_spot, handler_view, spot_of, street_of, vehicle_view

from inference_server.domain.verification import Answer, Closing, Gate
from inference_server.settings import find_weights
from patrol.simulate.things import Thing

LOOK, SEED = "demo", 77


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio(LOOK, SEED)


@pytest.fixture(scope="module")
def heap(studio: Studio) -> Thing:
    return next(thing for thing in studio.city.things if thing.class_name == "garbage")


@pytest.fixture(scope="module")
def cases() -> list[CityCase]:
    return list(itertools.islice(cases_of(LOOK, SEED, 0, 3), 3))


def test_the_same_seed_gives_the_same_photographs(cases: list[CityCase]) -> None:
    again = next(cases_of(LOOK, SEED, 0, 3))
    assert (again.after, again.place, again.story) == (cases[0].after, cases[0].place, cases[0].story)


def test_at_least_half_of_what_is_presented_is_not_fixed() -> None:
    sure = sum(weight for kind, weight in WEIGHTS.items() if kind not in ("cleared", "too near", "too far"))
    assert sure >= 0.49
    assert sum(WEIGHTS.values()) == pytest.approx(1.0)


def test_no_two_houses_of_one_design_are_alike(studio: Studio) -> None:
    design = np.full((90, 120, 3), 150, np.uint8)
    one, other = (weathered(design, np.random.default_rng(seed)) for seed in (1, 2))
    assert one.shape == design.shape
    assert np.abs(one.astype(int) - other).mean() > 3.0
    numbers = [front.style for front in studio.city.plan.fronts]
    assert len(set(numbers)) == len(numbers)


def test_a_heap_cleared_in_part_has_some_of_its_bags_left(studio: Studio, heap: Thing) -> None:
    (left,) = partly_cleared(studio.city, heap, np.random.default_rng(3))
    assert 0 < len(studio.city.model(left).parts) < len(studio.city.model(heap).parts)


def test_a_heap_cleared_leaves_nothing_and_a_bin_emptied_is_still_a_bin(studio: Studio, heap: Thing) -> None:
    full = next(thing for thing in studio.city.things if thing.class_name == "overflowing_bin")
    rng = np.random.default_rng(4)
    assert cleared(studio.city, heap, rng) == []
    assert [one.class_name for one in cleared(studio.city, full, rng)] == ["bin"]


def test_a_moved_heap_is_the_same_heap_some_metres_on(studio: Studio, heap: Thing) -> None:
    street = street_of(studio.city.plan.streets, heap)
    (there,) = moved(studio.city, heap, street, np.random.default_rng(5))
    step = studio.city.model(there).points - studio.city.model(heap).points
    assert np.ptp(step, axis=0).max() < 1e-9
    assert 1.5 <= np.linalg.norm(step[0]) <= 4.0


def test_a_car_hides_what_it_stands_before(studio: Studio, heap: Thing) -> None:
    rng = np.random.default_rng(6)
    street = street_of(studio.city.plan.streets, heap)
    view = next(
        view
        for view in (handler_view(rng, heap, handler_spot(rng, heap, spot)) for spot in _spots(rng, studio, heap))
        if (seen := studio.seen(view, [heap], heap.name)) is not None and seen.visible_share > 0.9
    )
    car = car_before(studio.city, heap, street, spot_of(view), rng)
    hidden = studio.seen(view, [heap, car], heap.name)
    assert hidden is None or hidden.visible_share < 0.5


def _spots(rng: np.random.Generator, studio: Studio, heap: Thing):
    street = street_of(studio.city.plan.streets, heap)
    return (spot_of(vehicle_view(rng, street, heap)) for _ in range(40))


def test_the_use_case_answers_every_case(cases: list[CityCase]) -> None:
    if not (find_weights() / "xuncheng-n.json").is_file():
        pytest.skip("no weights yet: weights/xuncheng-n.json is missing")
    found = answered(cases[:1])
    assert [one.place for one in found] == [cases[0].place.name]
    assert Gate.AUTHENTIC in found[0].gates
    assert found[0].measures


def test_a_closing_of_what_is_not_fixed_is_counted_as_wrong() -> None:
    found = [_an_answer(Closing.CLOSE, False), _an_answer(Closing.CLOSE, True), _an_answer(Closing.HUMAN, False)]
    figures = {figure.name: figure for figure in figures_of(found, "")}
    assert (figures["not fixed and closed"].count, figures["not fixed and closed"].of) == (1, 2)
    assert (figures["decided without a person"].count, figures["decided without a person"].of) == (2, 3)
    assert (figures["fixed and closed"].count, figures["fixed and closed"].of) == (1, 1)


def _an_answer(decision: Closing, is_fixed: bool) -> Answered:
    return Answered(
        place="here",
        kind="cleared" if is_fixed else "not touched",
        is_fixed=is_fixed,
        decision=decision,
        codes=(),
        gates={Gate.AUTHENTIC: (Answer.PASS, 0.9)},
        measures={},
        milliseconds=1.0,
        told={"class": "garbage"},
    )
