"""Truth boxes: exact extents, honest shares, nothing hidden is labelled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from patrol.simulate.camera import Lens, Mount, Pose, View, view_from
from patrol.simulate.city import City
from patrol.simulate.drive import Drive
from patrol.simulate.paint import Canvas
from patrol.simulate.solids import Decal
from patrol.simulate.things import FLAT_CLASSES, LABELLED_CLASSES
from patrol.simulate.visible import Seen, Watcher
from patrol.simulate.weather import drawn_light

OVERCAST = replace(drawn_light(np.random.default_rng(1), "overcast"), view_m=1e9)


@pytest.fixture(scope="module")
def watcher(small_city: City) -> Watcher:
    return Watcher(small_city, 0)


def some_views(city: City, count: int, lens: Lens = Lens()) -> Iterator[View]:  # noqa: B008 (frozen)
    rng = np.random.default_rng(11)
    for _ in range(count):
        street = city.plan.streets[int(rng.integers(len(city.plan.streets)))]
        x, y = street.point(float(rng.uniform(street.low_m, street.high_m)), 1.75)
        mount = Mount(
            height_m=1.7, pitch_deg=float(rng.uniform(0, 12)), yaw_deg=float(rng.uniform(-30, 30)), roll_deg=1.5
        )
        yield view_from(Pose(x_m=x, y_m=y, heading_deg=street.heading_deg), mount, lens)


def whitened(decal: Decal) -> Decal:
    """The same picture all white: how bright it is drawn on black is its opacity."""
    picture = decal.picture.copy()
    picture[:, :, :3] = 255
    return replace(decal, picture=picture)


def drawn_extent(view: View, city: City, one: Seen) -> tuple[float, float, float, float] | None:
    """The box of the pixels that the painter touches when it draws the thing alone on black."""
    lens = view.lens
    canvas = Canvas(np.zeros((lens.height_px, lens.width_px, 3), dtype=np.uint8), view, OVERCAST)
    model = city.model(one.thing)
    canvas.model(replace(model, decals=tuple(whitened(decal) for decal in model.decals)))
    rows, columns = np.nonzero(canvas.picture.max(axis=2) > (64 if model.decals else 2))
    if not len(rows):
        return None
    return float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1)


def test_the_box_of_an_uncovered_thing_is_where_the_painter_draws_it(small_city: City, watcher: Watcher):
    checked = set()
    for view in some_views(small_city, 36):
        for one in watcher.seen(view, 12.0):
            if one.visible_share < 1.0:
                continue
            drawn = drawn_extent(view, small_city, one)
            assert drawn is not None
            assert drawn == pytest.approx(one.box, abs=2.6 if one.thing.class_name in FLAT_CLASSES else 1.6), (
                one.thing.class_name
            )
            checked.add(one.thing.class_name)
    assert checked == set(LABELLED_CLASSES)


def test_the_whole_box_holds_every_projected_point_and_the_visible_box_lies_in_it(small_city: City, watcher: Watcher):
    for view in some_views(small_city, 40, Lens(k1=-0.08)):
        for one in watcher.seen(view):
            pixels, depth = view.project(small_city.model(one.thing).points)
            pixels = pixels[depth > 0.3]
            left, top, right, bottom = one.whole_box
            assert (pixels >= np.array([left, top]) - 1e-6).all()
            assert (pixels <= np.array([right, bottom]) + 1e-6).all()
            assert left - 1e-3 <= one.box[0] < one.box[2] <= right + 1e-3
            assert top - 1e-3 <= one.box[1] < one.box[3] <= bottom + 1e-3
            assert one.box[0] >= 0
            assert one.box[2] <= view.lens.width_px
            assert one.box[3] <= view.lens.height_px


def test_a_cut_thing_is_said_to_be_cut_and_only_that(small_city: City, watcher: Watcher):
    found = [one for view in some_views(small_city, 60) for one in watcher.seen(view)]
    assert any(one.is_cut for one in found)
    for one in found:
        outside = min(one.whole_box) < 0 or one.whole_box[2] > 1280 or one.whole_box[3] > 720
        assert one.is_cut == outside


def test_no_label_is_written_for_what_buildings_hide(small_city: City, watcher: Watcher):
    for view in some_views(small_city, 60):
        for one in watcher.seen(view):
            points = small_city.model(one.thing).points
            free = ~small_city.plan.blocked(view.centre[:2], points[:, :2])
            assert free.any(), one.thing.name


def visible_pixels(view: View, city: City, watcher: Watcher, one: Seen) -> np.ndarray:
    """Where the thing stays visible when everything else that stands nearer is painted over it: mask of the frame."""
    lens = view.lens
    alone = Canvas(np.zeros((lens.height_px, lens.width_px, 3), dtype=np.uint8), view, OVERCAST)
    alone.model(city.model(one.thing))
    others = Canvas(np.zeros_like(alone.picture), view, OVERCAST)
    for thing in watcher.things:
        away = float(np.hypot(thing.x_m - view.centre[0], thing.y_m - view.centre[1]))
        model = city.model(thing)
        if model.parts and away < one.distance_m and thing.name != one.thing.name:
            others.model(model)
    for spot in city.trees:
        if np.hypot(spot.x_m - view.centre[0], spot.y_m - view.centre[1]) < one.distance_m:
            others.model(city.trunk(spot))
    return (alone.picture.max(axis=2) > 2) & (others.picture.max(axis=2) <= 2)


def test_the_visible_share_is_what_nearer_things_leave(small_city: City, watcher: Watcher):
    checked = 0
    for view in some_views(small_city, 80):
        for one in watcher.seen(view, 16.0):
            sides = small_city.plan.blocked(view.centre[:2], small_city.model(one.thing).points[:, :2]).any()
            if not 0.3 < one.visible_share < 0.97 or one.is_cut or sides:
                continue
            left = visible_pixels(view, small_city, watcher, one)
            rows, columns = np.nonzero(left)
            drawn = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            assert one.box == pytest.approx(drawn, abs=6), one.thing.name
            checked += 1
    assert checked >= 5


def test_a_thing_right_behind_a_parked_car_is_not_labelled(small_city: City):
    watcher = Watcher(small_city, 0)
    street = small_city.plan.x_lines[0]
    cone = next(i for i, thing in enumerate(watcher.things) if thing.class_name == "traffic_cone")
    car = next(i for i, thing in enumerate(watcher.things) if thing.class_name == "car")
    x, y = street.point(street.low_m + 50, 4.0)
    moved_car = replace(watcher.things[car], name="moved car", x_m=x, y_m=y, turn_deg=0.0)
    moved_cone = replace(watcher.things[cone], name="moved cone", x_m=x, y_m=y + 6.0)
    open_cone = replace(watcher.things[cone], name="open cone", x_m=x - 3.0, y_m=y + 6.0)
    view = view_from(Pose(x_m=x, y_m=y - 12.0, heading_deg=0.0), Mount(height_m=1.2, pitch_deg=2), Lens())
    scene = City(small_city.config)
    scene.__dict__["things"], scene.__dict__["trees"] = (), ()
    scene.__dict__["context"] = (moved_car, moved_cone, open_cone)
    scene._cars[0] = ()
    seen = {one.thing.name for one in Watcher(scene, 0).seen(view)}
    assert seen == {"moved car", "open cone"}


def test_sides_are_measured_in_a_picture_640_wide(small_drive: Drive):
    one = next(seen for frame in small_drive.frames_of(0, 0) for seen in frame.seen)
    shorter = min(one.box[2] - one.box[0], one.box[3] - one.box[1])
    assert one.side_px(1280) == pytest.approx(shorter / 2)
    assert one.side_px(640) == pytest.approx(shorter)


def test_only_the_wanted_classes_are_told_of(small_city: City):
    watcher = Watcher(small_city, 0, classes=("pothole",))
    found = [one.thing.class_name for view in some_views(small_city, 40) for one in watcher.seen(view)]
    assert found
    assert set(found) == {"pothole"}
