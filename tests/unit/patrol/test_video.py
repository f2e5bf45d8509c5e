"""Videos with a track become frames at the place of their exposure."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.shared import shared_or_skip

from patrol.errors import InputError
from patrol.frame import CapturedFrame
from patrol.sources.drive import DriveSettings
from patrol.sources.gopro import gopro_track
from patrol.sources.track import Track, TrackPoint, bearing_and_distance
from patrol.sources.video import TimedTrack, given_track, own_track, video_drive

START = datetime(2026, 11, 22, 2, 0, 0, tzinfo=UTC)
PER_SECOND_DEG = 10.0 / 110_850.0  # ten metres north
SETTINGS = DriveSettings(device="zhe-A-1027", camera="front")


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds at 20 frames a second; the grey level of a picture tells its number."""
    path = tmp_path_factory.mktemp("video") / "drive.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 20.0, (64, 48))
    for number in range(60):
        writer.write(np.full((48, 64, 3), number * 4, dtype=np.uint8))
    writer.release()
    return path


def northwards(seconds: int = 4, lost: range = range(0)) -> Track:
    """Ten metres a second to the north, one fix a second."""
    return Track(
        TrackPoint(at_s=START.timestamp() + s, lat=30 + s * PER_SECOND_DEG, lon=120, is_fix=s not in lost)
        for s in range(seconds)
    )


def frames_of(video: Path, timed: TimedTrack, **changed: float) -> list[CapturedFrame]:
    settings = DriveSettings(device="zhe-A-1027", camera="front", **changed)  # type: ignore[arg-type]
    return [item for item in video_drive(video, timed, settings) if isinstance(item, CapturedFrame)]


def grey_of(frame: CapturedFrame) -> float:
    return float(cv2.imdecode(np.frombuffer(frame.picture, np.uint8), cv2.IMREAD_COLOR).mean())


def test_frames_come_every_step_of_way_with_the_place_of_their_exposure(video: Path) -> None:
    frames = frames_of(video, given_track(video, northwards(), SETTINGS), step_m=5.0)
    assert [(frame.taken_at - START) / timedelta(seconds=1) for frame in frames] == pytest.approx(
        [0.0, 0.5, 1.0, 1.5, 2.0, 2.5], abs=0.051
    )
    for frame in frames:
        assert frame.position is not None
        expected = 30 + (frame.taken_at - START).total_seconds() * PER_SECOND_DEG
        assert frame.position.lat == pytest.approx(expected, abs=1e-8)
        assert grey_of(frame) == pytest.approx((frame.taken_at - START).total_seconds() * 20 * 4, abs=3)
        assert frame.speed_kmh == pytest.approx(36.0, rel=0.01)
        assert frame.heading_deg is not None
        assert (frame.heading_deg + 180) % 360 == pytest.approx(180.0, abs=0.1)


def test_frames_come_every_so_many_seconds_when_asked(video: Path) -> None:
    frames = frames_of(video, given_track(video, northwards(), SETTINGS), every_s=1.0)
    assert [round((frame.taken_at - START).total_seconds(), 2) for frame in frames] == [0.0, 1.0, 2.0]


def test_seconds_without_a_fix_are_sent_without_a_position_and_say_so(video: Path) -> None:
    frames = frames_of(video, given_track(video, northwards(lost=range(1, 4)), SETTINGS), step_m=5.0)
    assert frames[0].position is not None
    assert [frame.position for frame in frames[1:]] == [None] * (len(frames) - 1)
    assert len(frames) == 4
    assert "no valid fix" in frames[1].notes[-1]


def test_a_stated_start_lays_the_video_on_the_track(video: Path) -> None:
    settings = DriveSettings(device="d", camera="c", starting_at=START + timedelta(seconds=1))
    timed = given_track(video, northwards(6), settings)
    first = next(iter(video_drive(video, timed, settings)))
    assert isinstance(first, CapturedFrame)
    assert first.position is not None
    assert first.position.lat == pytest.approx(30 + PER_SECOND_DEG, abs=1e-8)
    assert first.notes == ()


def test_an_unknown_start_is_said(video: Path) -> None:
    assert "start of the video unknown" in given_track(video, northwards(), SETTINGS).notes[0]


def test_a_video_without_telemetry_asks_for_a_track(video: Path) -> None:
    with pytest.raises(InputError, match="--gpx or --nmea"):
        own_track(video, SETTINGS)


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video at all")
    with pytest.raises(InputError, match="no video that can be read"):
        frames_of(tmp_path / "a.mp4", given_track(tmp_path / "a.mp4", northwards(), SETTINGS))


@pytest.mark.shared
def test_a_walk_with_a_gopro_has_places_headings_and_accuracy() -> None:
    path = shared_or_skip("drives/video") / "max-heromode.mp4"
    frames = frames_of(path, own_track(path, SETTINGS), step_m=3.0)
    assert [frame.taken_at.year for frame in frames] == [2019] * 5
    for earlier, later in pairwise(frames):
        assert earlier.position is not None
        assert later.position is not None
        a = TrackPoint(at_s=0, lat=earlier.position.lat, lon=earlier.position.lon)
        b = TrackPoint(at_s=1, lat=later.position.lat, lon=later.position.lon)
        assert 3.0 <= bearing_and_distance(a, b)[1] < 3.2
        assert earlier.position.accuracy_m == pytest.approx(1.54 * 3.0, abs=0.1) or earlier.position.accuracy_m == 5.31
    assert all(frame.heading_deg is not None and 140 < frame.heading_deg < 160 for frame in frames)


@pytest.mark.shared
def test_a_gopro_without_a_fix_sends_no_position_at_all() -> None:
    path = shared_or_skip("drives/video") / "hero8-trimmed.mp4"
    found = gopro_track(path)
    assert found is not None
    assert max(point.lat for point in found[0].points) - min(point.lat for point in found[0].points) > 5
    frames = frames_of(path, own_track(path, SETTINGS))
    assert [frame.position for frame in frames] == [None, None]
    assert [frame.heading_deg for frame in frames] == [None, None]
    assert [frame.speed_kmh for frame in frames] == [None, None]


@pytest.mark.shared
def test_a_poor_fix_says_how_poor_it_is() -> None:
    path = shared_or_skip("drives/video") / "hero5-trimmed.mp4"
    [frame] = frames_of(path, own_track(path, SETTINGS))
    assert frame.position is not None
    assert frame.position.accuracy_m == pytest.approx(18.18)
    assert frame.taken_at.date().isoformat() == "2017-04-17"
