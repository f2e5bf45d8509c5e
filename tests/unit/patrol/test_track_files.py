"""Tracks from GPX and NMEA files."""

from functools import reduce
from operator import xor
from pathlib import Path

import pytest

from patrol.errors import InputError
from patrol.sources.track_files import gpx_line, gpx_track, nmea_track

GPX_HEAD = '<gpx version="1.1" creator="t" xmlns="http://www.topografix.com/GPX/1/1">'


def gpx_file(path: Path, *points: str, tag: str = "trk") -> Path:
    inside = "".join(points)
    body = f"<trk><trkseg>{inside}</trkseg></trk>" if tag == "trk" else f"<rte>{inside}</rte>"
    path.write_text(f"{GPX_HEAD}{body}</gpx>", encoding="utf-8")
    return path


def trkpt(lat: float, lon: float, second: int, more: str = "") -> str:
    return f'<trkpt lat="{lat}" lon="{lon}"><time>2026-11-22T02:00:{second:02d}Z</time>{more}</trkpt>'


def nmea(sentence: str) -> str:
    """The sentence with its checksum."""
    return f"${sentence}*{reduce(xor, sentence.encode()):02X}"


def rmc(clock: str, status: str = "A", lat: str = "3016.4460", lon: str = "12009.3060") -> str:
    return nmea(f"GNRMC,{clock},{status},{lat},N,{lon},E,17.0,92.5,221126,,,A")


def gga(clock: str, quality: int = 1, hdop: str = "0.8") -> str:
    return nmea(f"GNGGA,{clock},3016.4460,N,12009.3060,E,{quality},12,{hdop},9.0,M,7.0,M,,")


def test_gpx_points_become_fixes_with_accuracy_and_time(tmp_path: Path) -> None:
    path = gpx_file(
        tmp_path / "t.gpx",
        trkpt(30.1, 120.1, 1, "<fix>3d</fix><hdop>1.5</hdop>"),
        trkpt(30.2, 120.2, 2, "<fix>none</fix>"),
    )
    first, second = gpx_track(path).points
    assert (first.lat, first.lon, first.accuracy_m, first.is_fix) == (30.1, 120.1, 4.5, True)
    assert second.at_s - first.at_s == 1.0
    assert not second.is_fix


def test_a_gpx_without_times_is_a_line_but_no_track(tmp_path: Path) -> None:
    path = gpx_file(tmp_path / "r.gpx", '<rtept lat="30" lon="120"/>', '<rtept lat="30.1" lon="120.1"/>', tag="rte")
    assert gpx_line(path) == [(30.0, 120.0), (30.1, 120.1)]
    with pytest.raises(InputError, match="with a time"):
        gpx_track(path)


@pytest.mark.parametrize("text", ["", "this is no XML", "<gpx", f"{GPX_HEAD}</gpx>"])
def test_what_is_no_usable_gpx_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.gpx").write_text(text)
    with pytest.raises(InputError, match=r"t\.gpx"):
        gpx_track(tmp_path / "t.gpx")


def test_nmea_gives_place_speed_course_and_accuracy(tmp_path: Path) -> None:
    log = tmp_path / "log.nmea"
    log.write_text("\n".join([rmc("020304.00"), gga("020304.00"), rmc("020305.00"), gga("020305.00")]))
    first, second = nmea_track(log).points
    assert first.lat == pytest.approx(30 + 16.446 / 60)
    assert first.lon == pytest.approx(120 + 9.306 / 60)
    assert first.speed_kmh == pytest.approx(17.0 * 1.852)
    assert (first.heading_deg, first.accuracy_m) == (92.5, pytest.approx(2.4))
    assert second.at_s - first.at_s == 1.0


def test_the_receivers_own_error_estimate_goes_before_its_dilution(tmp_path: Path) -> None:
    log = tmp_path / "log.nmea"
    gst = nmea("GNGST,020304.00,1.0,,,,3.0,4.0,6.0")
    log.write_text("\n".join([rmc("020304.00"), gga("020304.00"), gst, rmc("020305.00")]))
    assert nmea_track(log).points[0].accuracy_m == pytest.approx(5.0)


def test_a_fraction_of_a_second_and_midnight_are_kept(tmp_path: Path) -> None:
    log = tmp_path / "log.nmea"
    after_midnight = nmea("GNRMC,000000.10,A,3016.4460,N,12009.3060,E,17.0,92.5,231126,,,A")
    log.write_text("\n".join([rmc("235959.90"), after_midnight]))
    first, second = nmea_track(log).points
    assert second.at_s - first.at_s == pytest.approx(0.2)


@pytest.mark.parametrize(
    "second_epoch",
    [
        pytest.param([rmc("020305.00", status="V")], id="the receiver warns"),
        pytest.param([nmea("GNRMC,020305.00,V,,,,,,,221126,,,N")], id="no position at all"),
        pytest.param([rmc("020305.00"), gga("020305.00", quality=0)], id="GGA says no fix"),
        pytest.param([rmc("020305.00"), gga("020305.00", quality=6)], id="dead reckoning"),
    ],
)
def test_no_fix_stays_no_fix(tmp_path: Path, second_epoch: list[str]) -> None:
    log = tmp_path / "log.nmea"
    log.write_text("\n".join([rmc("020304.00"), gga("020304.00"), *second_epoch]))
    assert [fix.is_fix for fix in nmea_track(log).points] == [True, False]


def test_torn_and_foreign_lines_are_left_out(tmp_path: Path) -> None:
    log = tmp_path / "log.nmea"
    torn = rmc("020306.00").replace("3016", "3116")  # the checksum does not fit any more
    log.write_text("\n".join(["boot", rmc("020304.00"), torn, "\x00\xff$GN", "08:00:01 " + rmc("020305.00")]))
    assert len(nmea_track(log)) == 2


def test_a_log_without_dates_is_refused(tmp_path: Path) -> None:
    log = tmp_path / "log.nmea"
    log.write_text("\n".join([gga("020304.00"), gga("020305.00")]))
    with pytest.raises(InputError, match="RMC"):
        nmea_track(log)
