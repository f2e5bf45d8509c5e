"""The truth folder says what the drive's frames say."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import cv2
import pytest

from patrol.simulate.city import City
from patrol.simulate.drive import Drive, DriveConfig
from patrol.simulate.things import CLASS_NAMES
from patrol.simulate.truth import LEAST_FRAMES, Tally, lifetime, shows_well, true_things, write_truth


@pytest.fixture(scope="module")
def written(small_drive: Drive, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("truth")
    write_truth(folder, small_drive, islice(small_drive.frames(), 60))
    return folder


def test_every_frame_has_its_line_and_its_labels(written: Path, small_drive: Drive):
    lines = [json.loads(line) for line in (written / "frames.jsonl").read_text().splitlines()]
    frames = list(islice(small_drive.frames(), 60))
    assert [line["meta"] for line in lines] == [frame.meta for frame in frames]
    for line, frame in zip(lines, frames, strict=True):
        labels = (written / "labels" / f"{frame.key}.txt").read_text().splitlines()
        assert len(labels) == len(frame.seen) == len(line["truth"]["seen"])
        for label, one in zip(labels, frame.seen, strict=True):
            number, x, y, width, height = label.split()
            assert CLASS_NAMES[int(number)] == one.thing.class_name
            box = [(float(x) - float(width) / 2) * 1280, (float(y) - float(height) / 2) * 720]
            box += [(float(x) + float(width) / 2) * 1280, (float(y) + float(height) / 2) * 720]
            assert box == pytest.approx(one.box, abs=0.01)


def test_things_grids_and_cameras_are_written(written: Path, small_drive: Drive):
    things = json.loads((written / "things.geojson").read_text())["features"]
    assert len(things) == len(small_drive.city.things)
    names = {
        feature["properties"]["grid"] for feature in json.loads((written / "grids.geojson").read_text())["features"]
    }
    assert {feature["properties"]["grid"] for feature in things} <= names
    cameras = json.loads((written / "cameras.json").read_text())
    assert {camera["device"] for camera in cameras} == {"sim-test-001", "sim-test-002"}
    assert all({"mount", "lens", "lag_s"} <= set(camera) for camera in cameras)


def test_a_thing_counts_once_it_was_shown_well_three_times(small_drive: Drive):
    tally = Tally()
    frames = list(small_drive.frames_of(0, 0))
    for frame in frames:
        tally.add(frame)
    by_hand: dict[str, int] = {}
    for frame in frames:
        for one in frame.seen:
            side = min(one.box[2] - one.box[0], one.box[3] - one.box[1]) / 2
            if not frame.fix.is_lost and side >= 16 and one.visible_share >= 0.5:
                by_hand[one.thing.name] = by_hand.get(one.thing.name, 0) + 1
    things = true_things(small_drive, tally)
    assert {t.name for t in things if t.counts} == {
        t.name for t in small_drive.city.things if by_hand.get(t.name, 0) >= LEAST_FRAMES
    }
    assert 3 <= sum(t.counts for t in things) < len(things)
    assert tally.fix_error_m_median == pytest.approx(2.4, abs=1.6)
    assert any(shows_well(one, 1280) for frame in frames for one in frame.seen)


def test_a_thing_is_in_the_street_in_just_the_passes_between_its_two_moments(small_city: City):
    drive = Drive(small_city, DriveConfig(passes=3))
    for thing in small_city.things:
        appears_at, cleaned_at = lifetime(drive, thing)
        for number in range(3):
            start = drive.started_at(number)
            assert thing.is_there(number) == (appears_at <= start and (cleaned_at is None or start < cleaned_at))


def test_pictures_are_written_when_wanted(small_drive: Drive, tmp_path: Path):
    write_truth(tmp_path, small_drive, islice(small_drive.frames_of(0, 0), 2), with_pictures=True)
    pictures = sorted((tmp_path / "images").iterdir())
    assert len(pictures) == 2
    assert cv2.imread(str(pictures[0])).shape == (720, 1280, 3)
