"""Geotagged photographs become frames; what they do not say is not invented in silence."""

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from support.photos import a_photo
from support.shared import shared_or_skip

from patrol.errors import InputError
from patrol.frame import CapturedFrame
from patrol.sources.drive import DriveSettings, Skipped
from patrol.sources.exif import read_tags
from patrol.sources.photographs import photograph_drive

SETTINGS = DriveSettings(device="zhe-A-1027", camera="front")


def drive(folder: Path, **changed: object) -> list[CapturedFrame]:
    settings = DriveSettings(device="zhe-A-1027", camera="front", **changed)  # type: ignore[arg-type]
    return [item for item in photograph_drive(folder, settings) if isinstance(item, CapturedFrame)]


def written(folder: Path, *photos: bytes) -> Path:
    for number, photo in enumerate(photos):
        (folder / f"{number}.jpg").write_bytes(photo)
    return folder


def test_bytes_are_sent_unchanged_with_the_position_of_the_tags(tmp_path: Path) -> None:
    photo = a_photo(lat=-33.5, lon=-70.25, original="2026:11:22 10:00:00", zone="+08:00")
    [frame] = drive(written(tmp_path, photo))
    assert frame.picture == photo
    assert frame.position is not None
    assert (frame.position.lat, frame.position.lon) == (pytest.approx(-33.5), pytest.approx(-70.25))
    assert frame.taken_at == datetime(2026, 11, 22, 2, 0, 0, tzinfo=UTC)
    assert frame.notes == ()


@pytest.mark.parametrize(
    ("format", "content_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")]
)
def test_the_content_type_is_read_from_the_bytes_not_the_name(tmp_path: Path, format: str, content_type: str) -> None:
    [frame] = drive(written(tmp_path, a_photo(format=format)))
    assert frame.content_type == content_type


def test_times_come_from_the_satellites_where_the_camera_has_no_zone(tmp_path: Path) -> None:
    photo = a_photo(original="2026:11:22 10:00:00", GPSDateStamp="2026:11:22", GPSTimeStamp=(2.0, 0.0, 1.5))
    [frame] = drive(written(tmp_path, photo))
    assert frame.taken_at == datetime(2026, 11, 22, 2, 0, 1, 500_000, tzinfo=UTC)


def test_a_clock_without_a_zone_uses_the_stated_one(tmp_path: Path) -> None:
    folder = written(tmp_path, a_photo(original="2026:11:22 10:00:00"))
    [frame] = drive(folder, utc_offset_h=8.0)
    assert (frame.taken_at, frame.notes) == (datetime(2026, 11, 22, 2, tzinfo=UTC), ())
    [guessed] = drive(folder)
    assert "zone unknown" in guessed.notes[0]


def test_photographs_are_sorted_by_their_own_times(tmp_path: Path) -> None:
    folder = written(
        tmp_path,
        a_photo(original="2026:11:22 10:00:09", zone="+08:00", colour=1),
        a_photo(original="2026:11:22 10:00:03", zone="+08:00", colour=2),
    )
    assert [frame.taken_at.second for frame in drive(folder)] == [3, 9]


def test_without_times_they_are_made_in_file_order_and_said_so(tmp_path: Path) -> None:
    start = datetime(2026, 11, 22, 2, tzinfo=UTC)
    photos = [a_photo(lat=30 + number * 1e-4, colour=number) for number in range(11)]
    frames = drive(written(tmp_path, *photos), starting_at=start, every_s=2.0)
    assert [(frame.taken_at - start).total_seconds() for frame in frames] == [2.0 * n for n in range(11)]
    assert [frame.picture for frame in frames] == photos, "10.jpg comes after 9.jpg"
    assert all("time made up" in frame.notes[0] for frame in frames)


def test_made_up_times_are_the_same_at_the_next_run(tmp_path: Path) -> None:
    folder = written(tmp_path, a_photo(colour=1), a_photo(colour=2))
    assert [frame.taken_at for frame in drive(folder)] == [frame.taken_at for frame in drive(folder)]


def test_the_compass_of_the_camera_less_its_yaw_is_the_heading_of_the_vehicle(tmp_path: Path) -> None:
    folder = written(tmp_path, a_photo(GPSImgDirection=95.0, GPSImgDirectionRef="T"))
    assert drive(folder)[0].heading_deg == pytest.approx(95.0)
    assert drive(folder, yaw_deg=90.0)[0].heading_deg == pytest.approx(5.0)


def test_a_magnetic_compass_is_not_taken_for_a_true_one(tmp_path: Path) -> None:
    folder = written(tmp_path, a_photo(GPSImgDirection=95.0, GPSImgDirectionRef="M"))
    assert drive(folder)[0].heading_deg is None


def test_without_a_compass_the_way_between_photographs_gives_the_heading(tmp_path: Path) -> None:
    frames = drive(written(tmp_path, *[a_photo(lat=30 + n * 2e-4, colour=n) for n in range(4)]))
    assert [frame.heading_deg for frame in frames] == [pytest.approx(0.0, abs=0.01)] * 4


@pytest.mark.parametrize(
    ("tags", "word"),
    [
        pytest.param({"lat": None, "lon": None}, "no position", id="no position"),
        pytest.param({"GPSStatus": "V"}, "void", id="the camera calls it void"),
        pytest.param({"lat": 0.0, "lon": 0.0}, "no real one", id="null island"),
        pytest.param({"lat": 95.0, "lon": 10.0}, "no real one", id="beyond the pole"),
        pytest.param({"GPSMapDatum": "TOKYO"}, "TOKYO", id="another datum"),
    ],
)
def test_an_unusable_position_is_left_out_and_said_so(tmp_path: Path, tags: dict[str, object], word: str) -> None:
    [frame] = drive(written(tmp_path, a_photo(**tags)))  # type: ignore[arg-type]
    assert frame.position is None
    assert word in frame.notes[0]


def test_accuracy_comes_from_metres_before_dilution(tmp_path: Path) -> None:
    [metres] = drive(written(tmp_path, a_photo(GPSHPositioningError=4.25, GPSDOP=9.0)))
    assert metres.position is not None
    assert metres.position.accuracy_m == 4.25
    [dilution] = drive(written(tmp_path, a_photo(GPSDOP=1.5)))
    assert dilution.position is not None
    assert dilution.position.accuracy_m == 4.5


def test_files_that_are_no_pictures_are_named_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(a_photo())
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "b.bmp").write_bytes(a_photo(format="BMP"))
    (tmp_path / ".hidden").write_text("")
    found = list(photograph_drive(tmp_path, SETTINGS))
    assert {item.name: item.reason for item in found if isinstance(item, Skipped)} == {
        "notes.txt": "no picture that can be read",
        "b.bmp": "BMP: only JPEG, PNG and WebP are sent",
    }


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no JPEG"):
        drive(tmp_path)


@pytest.mark.shared
def test_the_lund_drive_keeps_its_stuck_fix_and_its_own_times() -> None:
    frames = drive(shared_or_skip("drives/lund"))
    assert len(frames) == 29
    places = [(frame.position.lat, frame.position.lon) for frame in frames if frame.position is not None]
    assert len(places) == 29
    assert len(set(places[-3:])) == 1
    assert len(set(places)) == 27
    waits_s = [(b.taken_at - a.taken_at).total_seconds() for a, b in pairwise(frames)]
    assert all(3 < wait_s < 15 for wait_s in waits_s), "a walk with a photograph every few seconds"
    assert all(
        frame.heading_deg is not None and (frame.heading_deg > 300 or frame.heading_deg < 30) for frame in frames
    )


@pytest.mark.shared
def test_reading_tags_of_hostile_files_never_raises() -> None:
    files = [path for path in sorted(shared_or_skip("hostile").rglob("*")) if path.is_file()]
    readable = sum(read_tags(path.read_bytes()) is not None for path in files)
    assert 0 < readable < len(files)
