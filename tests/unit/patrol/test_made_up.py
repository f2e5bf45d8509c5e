"""Pictures without positions sent along a line: useful for trying, and never mistaken for a finding."""

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from support.photos import a_photo

from patrol.errors import InputError
from patrol.frame import CapturedFrame
from patrol.sources.drive import DriveSettings, Skipped
from patrol.sources.made_up import CAMPAIGN, made_up_drive, straight_line
from patrol.sources.track import TrackPoint, bearing_and_distance

SETTINGS = DriveSettings(device="d", camera="c", step_m=10.0, starting_at=datetime(2026, 11, 22, 2, tzinfo=UTC))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(5):
        (tmp_path / f"{number}.webp").write_bytes(a_photo(lat=None, lon=None, format="WEBP", colour=number * 40))
    return tmp_path


def as_point(frame: CapturedFrame) -> TrackPoint:
    assert frame.position is not None
    return TrackPoint(at_s=0.0, lat=frame.position.lat, lon=frame.position.lon)


def test_pictures_lie_a_step_apart_along_the_heading(folder: Path) -> None:
    line = straight_line((30.2741, 120.1551), 60.0)
    frames = [item for item in made_up_drive(folder, line, SETTINGS) if isinstance(item, CapturedFrame)]
    assert len(frames) == 5
    for earlier, later in pairwise(frames):
        bearing, metres = bearing_and_distance(as_point(earlier), as_point(later))
        assert metres == pytest.approx(10.0, abs=0.01)
        assert bearing == pytest.approx(60.0, abs=0.1)
        assert (later.taken_at - earlier.taken_at).total_seconds() == pytest.approx(1.2, abs=0.001)
    assert frames[0].heading_deg == pytest.approx(60.0, abs=0.1)


def test_every_frame_says_that_its_position_is_made_up(folder: Path) -> None:
    for item in made_up_drive(folder, straight_line((30.0, 120.0), 0.0), SETTINGS):
        assert isinstance(item, CapturedFrame)
        assert item.campaign == CAMPAIGN
        assert "made up" in item.notes[0]


def test_the_line_is_followed_round_its_corners_and_ends_where_it_ends(folder: Path) -> None:
    corner = [(30.0, 120.0), (30.0, 120.0 + 15 / 96_486), (30.0 + 15 / 110_852, 120.0 + 15 / 96_486)]
    items = list(made_up_drive(folder, corner, SETTINGS))
    frames = [item for item in items if isinstance(item, CapturedFrame)]
    assert [round(frame.heading_deg or 0.0) % 360 for frame in frames] == [90, 90, 0, 0]
    assert isinstance(items[4], Skipped)
    assert "the line has ended after 30 m" in items[4].reason


def test_a_line_without_length_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="no length"):
        list(made_up_drive(folder, [(30.0, 120.0), (30.0, 120.0)], SETTINGS))
