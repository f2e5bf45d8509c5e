"""Drawn frames: the same every time, honest to the truth boxes, and cheap."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from patrol.simulate.camera import Lens, Mount, Pose, View, view_from
from patrol.simulate.city import City
from patrol.simulate.drive import Drive
from patrol.simulate.render import Renderer, bent, widened
from patrol.simulate.visible import Watcher
from patrol.simulate.weather import KINDS, Light, drawn_light


@pytest.fixture(scope="module")
def renderer(small_city: City) -> Renderer:
    return Renderer(small_city)


@pytest.fixture(scope="module")
def light() -> Light:
    return drawn_light(np.random.default_rng(2), "overcast")


@pytest.fixture
def look_at(small_city: City) -> Callable[..., View]:
    """A view at metres along the first street."""

    def at(along_m: float, lens: Lens | None = None) -> View:
        street = small_city.plan.x_lines[0]
        x, y = street.point(street.low_m + along_m, 1.75)
        return view_from(Pose(x_m=x, y_m=y, heading_deg=0.0), Mount(height_m=1.7, pitch_deg=6), lens or Lens())

    return at


def test_a_frame_is_the_same_every_time_it_is_drawn(small_drive: Drive):
    frames = list(small_drive.frames_of(0, 0))
    assert frames[5].jpeg() == frames[5].jpeg()
    assert frames[5].jpeg() != frames[6].jpeg()
    assert frames[5].picture().shape == (720, 1280, 3)


def test_taking_a_thing_away_changes_the_picture_inside_its_box_and_hardly_outside(
    small_city: City, renderer: Renderer, light: Light, look_at: Callable[..., View]
):
    watcher = Watcher(small_city, 0)
    checked = 0
    for along in range(20, 100, 8):
        view = look_at(float(along))
        for one in watcher.seen(view, 20.0):
            if one.visible_share < 1 or one.is_cut or one.thing.class_name == "car":
                continue
            without = [thing for thing in watcher.things if thing.name != one.thing.name]
            change = np.abs(
                renderer.ideal(view, light, watcher.things).astype(int)
                - renderer.ideal(view, light, without).astype(int)
            ).max(axis=2)
            left, top, right, bottom = (round(edge) for edge in one.box)
            inside = change[top:bottom, left:right].sum()
            assert inside > 0
            assert inside > 0.75 * change.sum(), one.thing.class_name  # the rest is its shadow
            checked += 1
        if checked >= 4:
            break
    assert checked >= 3


def test_a_straight_line_of_the_world_is_where_a_distorting_lens_puts_it(look_at: Callable[..., View]):
    lens = Lens(k1=-0.12, k2=0.01)
    wide, left, top = widened(lens)
    ideal = np.zeros((wide.height_px, wide.width_px, 3), dtype=np.uint8)
    points = np.array([[200.0, 100.0], [1100.0, 620.0], [640.0, 360.0]])
    for x, y in lens.undistort(points, rounds=30) + np.array([left, top]):
        ideal[round(y) - 4 : round(y) + 5, round(x) - 4 : round(x) + 5] = 255
    drawn = bent(ideal, lens, left, top)
    for x, y in points:
        rows, columns = np.nonzero(drawn[int(y) - 15 : int(y) + 15, int(x) - 15 : int(x) + 15, 0] > 128)
        assert columns.mean() + int(x) - 15 + 0.5 == pytest.approx(x, abs=0.8)
        assert rows.mean() + int(y) - 15 + 0.5 == pytest.approx(y, abs=0.8)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_weather_gives_a_picture_with_contrast(
    kind: str, small_city: City, renderer: Renderer, look_at: Callable[..., View]
):
    weather = drawn_light(np.random.default_rng(8), kind)
    picture = renderer.frame(look_at(40.0), weather, small_city.present(0), np.random.default_rng(1))
    assert picture.std() > 12
    assert 25 < picture.mean() < 235


def test_dusk_is_darker_than_a_clear_day_and_haze_takes_contrast(
    small_city: City, renderer: Renderer, look_at: Callable[..., View]
):
    means, spreads = {}, {}
    for kind in ("clear", "dusk", "haze"):
        weather = drawn_light(np.random.default_rng(8), kind)
        picture = renderer.frame(look_at(40.0), weather, small_city.present(0), np.random.default_rng(1))
        means[kind], spreads[kind] = picture.mean(), picture[250:350].std()
    assert means["dusk"] < 0.75 * means["clear"]
    assert spreads["haze"] < spreads["clear"]


def test_a_cleaned_thing_is_gone_from_the_picture(small_city: City):
    gone = next(thing for thing in small_city.things if thing.last_pass == 0)
    assert gone in small_city.present(0)
    assert gone not in small_city.present(1)
