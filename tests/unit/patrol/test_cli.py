"""`xuncheng-patrol` answers on stdout, talks on stderr and ends with a code that means something."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.captured import a_captured_frame
from support.photos import a_photo
from support.receiver import Receiver, problem, running

from patrol.buffer import Buffer
from patrol.cli import run

Output = pytest.CaptureFixture[str]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running(Receiver()) as started:
        yield started


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        photo = a_photo(original=f"2026:11:22 10:00:0{number}", zone="+08:00", lat=30 + number * 1e-4, colour=number)
        (folder / f"{number}.jpg").write_bytes(photo)
    return folder


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("XUNCHENG_SERVER", "XUNCHENG_TOKEN", "XUNCHENG_ADMIN_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def last_object(capsys: Output) -> dict[str, object]:
    found: dict[str, object] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


def test_replay_sends_a_folder_and_answers_with_counts(photos: Path, receiver: Receiver, capsys: Output) -> None:
    assert run(["replay", str(photos), "--server", receiver.url, "--token", "t", "--device", "bus-7", "--json"]) == 0
    summary = last_object(capsys)
    assert (summary["pictures"], summary["frames_accepted"], summary["frames_parked"]) == (3, 3, {})
    assert {request.meta["device"] for request in receiver.requests} == {"bus-7"}
    assert {request.token for request in receiver.requests} == {"Bearer t"}


def test_replaying_once_more_sends_nothing_and_says_so(photos: Path, receiver: Receiver, capsys: Output) -> None:
    command = ["replay", str(photos), "--server", receiver.url, "--token", "t", "--json"]
    assert [run(command), run(command)] == [0, 0]
    summary = last_object(capsys)
    assert (summary["frames_sent"], summary["frames_sent_before"]) == (0, 3)
    assert len(receiver.requests) == 3


def test_replaying_again_on_purpose_sends_duplicates(photos: Path, receiver: Receiver, capsys: Output) -> None:
    command = ["replay", str(photos), "--server", receiver.url, "--token", "t", "--json"]
    assert [run(command), run([*command, "--again"])] == [0, 0]
    summary = last_object(capsys)
    assert (summary["frames_accepted"], summary["frames_duplicate"]) == (0, 3)
    assert (len(receiver.requests), receiver.times_new) == (6, 3)


def test_a_refused_frame_ends_in_check_failed_and_shows_in_status(
    photos: Path, receiver: Receiver, capsys: Output
) -> None:
    receiver.refuse = lambda meta: problem(422, "clock_ahead", "from the future") if meta["seq"] == 1 else None
    assert run(["replay", str(photos), "--server", receiver.url, "--token", "t", "--json"]) == 1
    assert last_object(capsys)["frames_parked"] == {"clock_ahead": 1}
    assert run(["status", "--server", receiver.url, "--json"]) == 0
    parked, summary = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (parked["code"], "from the future" in parked["message"]) == ("clock_ahead", True)
    assert (summary["waiting"], summary["sent"], summary["parked"]) == (0, 2, 1)


def test_retry_and_send_bring_a_parked_frame_to_the_server_when_its_reason_is_gone(
    photos: Path, receiver: Receiver, capsys: Output
) -> None:
    receiver.refuse = lambda meta: problem(422, "clock_ahead") if meta["seq"] == 1 else None
    assert run(["replay", str(photos), "--server", receiver.url, "--token", "t"]) == 1
    receiver.refuse = lambda meta: None
    capsys.readouterr()
    assert run(["retry", "--server", receiver.url, "--code", "another"]) == 0
    assert run(["retry", "--server", receiver.url]) == 0
    assert capsys.readouterr().out.split() == ["0", "1"]
    assert run(["send", "--server", receiver.url, "--token", "t"]) == 0
    assert receiver.times_new == 3


def test_status_for_people_names_what_waits_and_why(tmp_path: Path, capsys: Output) -> None:
    with Buffer(tmp_path / "b.sqlite") as buffer:
        buffer.add(a_captured_frame(1))
        buffer.add(a_captured_frame(2))
        buffer.note_failure(1, "ConnectTimeout: nobody there")
        buffer.park(2, code="datum_unknown", message="422: no such datum")
    assert run(["status", "--buffer", str(tmp_path / "b.sqlite")]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for word in ("2026-11-22T02:03:05.000Z", "ConnectTimeout: nobody there", "datum_unknown", "no such datum"):
        assert word in text


def test_a_lost_server_ends_with_outside_and_keeps_the_frames(photos: Path, tmp_path: Path, capsys: Output) -> None:
    with running(Receiver()) as gone:
        pass
    path = tmp_path / "b.sqlite"
    command = ["replay", str(photos), "--server", gone.url, "--token", "t", "--patience-s", "1", "--buffer", str(path)]
    assert run(command) == 4
    assert "3 frames stay in" in capsys.readouterr().err
    assert run(["status", "--buffer", str(path), "--json"]) == 0
    assert last_object(capsys)["waiting"] == 3


def test_a_wrong_token_ends_with_outside_and_parks_nothing(photos: Path, receiver: Receiver, capsys: Output) -> None:
    receiver.refuse = lambda meta: problem(401, "not_authenticated", "the token is unknown, expired or revoked")
    assert run(["replay", str(photos), "--server", receiver.url, "--token", "t"]) == 4
    assert "unknown, expired or revoked" in capsys.readouterr().err
    assert run(["status", "--server", receiver.url, "--json"]) == 0
    summary = last_object(capsys)
    assert (summary["waiting"], summary["parked"]) == (3, 0)


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        pytest.param(["replay", "/no/such/folder"], 2, "does not exist", id="no such folder"),
        pytest.param(["replay", "{photos}"], 2, "--token", id="no token"),
        pytest.param(["replay", "{photos}", "--token", "t", "--datum", "mars"], 2, "--datum is one of", id="datum"),
        pytest.param(["replay", "{photos}", "--token", "t", "--starting-at", "noon"], 2, "RFC 3339", id="no time"),
        pytest.param(
            ["replay", "{photos}", "--token", "t", "--starting-at", "2026-11-22T10:00:00"], 2, "zone", id="no zone"
        ),
        pytest.param(["replay", "{photos}", "--token", "t", "--from", "here"], 2, "lat,lon", id="no place"),
        pytest.param(["replay", "{photos}", "--token", "t", "--server", "ftp://x"], 3, "http://", id="no HTTP address"),
        pytest.param(["replay", "{empty}", "--token", "t"], 3, "holds no JPEG", id="an empty folder"),
        pytest.param(["replay", "{text}", "--token", "t"], 3, "no GoPro telemetry", id="no video"),
        pytest.param(["status", "--buffer", "{text}"], 3, "cannot be used as send buffer", id="no buffer"),
        pytest.param(["status"], 3, "there is no send buffer", id="nothing was ever sent"),
        pytest.param(["simulate", "--look", "moon"], 2, "--look is one of", id="unknown look"),
        pytest.param(["simulate", "--weather", "clear,hail"], 2, "hail", id="unknown weather"),
        pytest.param(["simulate"], 2, "--admin-token", id="no admin token"),
        pytest.param(["fly"], 2, "No such command", id="unknown verb"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_its_exit_code(
    arguments: list[str], code: int, word: str, photos: Path, tmp_path: Path, capsys: Output
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("nothing but text, and enough of it to be read as the head of a file" * 30)
    places = {"photos": photos, "empty": tmp_path / "empty", "text": tmp_path / "text"}
    assert run([argument.format(**places) for argument in arguments]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert word in " ".join(captured.err.replace("│", " ").split())


def test_a_dry_run_of_the_drawn_city_needs_no_server_and_writes_the_truth(tmp_path: Path, capsys: Output) -> None:
    city = ["--blocks", "2", "--things", "40", "--vehicles", "1", "--passes", "1", "--limit-m", "30"]
    assert run(["simulate", "--dry-run", "--truth", str(tmp_path / "truth"), "--json", *city]) == 0
    answer = last_object(capsys)
    assert answer["drawn scene"] is True
    frames = [json.loads(line) for line in (tmp_path / "truth" / "frames.jsonl").read_text().splitlines()]
    assert len(frames) == answer["frames"] == 9
    things = json.loads((tmp_path / "truth" / "things.geojson").read_text())["features"]
    assert len(things) == answer["things"] > 0
    assert not (tmp_path / "truth" / "images").exists()


def test_the_buffer_and_the_upload_work_where_no_picture_library_is_installed() -> None:
    script = (
        "import sys\n"
        "for name in ('cv2', 'PIL', 'numpy', 'mapillary_tools', 'gpxpy', 'pynmea2', 'pyproj'):\n"
        "    sys.modules[name] = None\n"
        "from patrol.cli import run\n"
        "import patrol.upload, patrol.buffer\n"
        "sys.exit(run(sys.argv[1:]))\n"
    )
    help_page = subprocess.run([sys.executable, "-c", script, "send", "--help"], capture_output=True, check=False)
    assert help_page.returncode == 0
    refused = subprocess.run([sys.executable, "-c", script, "replay"], capture_output=True, text=True, check=False)
    assert refused.returncode == 3
    assert "pip install 'xuncheng[patrol]'" in refused.stderr
