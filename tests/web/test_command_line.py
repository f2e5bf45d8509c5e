"""`xuncheng` from the command line: answers on stdout, talk on stderr, exit codes."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.app import open_app
from support.builders import an_event
from support.faces import face_model
from support.shared import shared_or_skip

from inference_server.cli import run
from inference_server.commands.record import own_record
from inference_server.settings import Settings

_DOCS = Path(__file__).resolve().parents[2] / "docs"
Captured = pytest.CaptureFixture[str]
pytestmark = pytest.mark.usefixtures("own_settings")


def test_a_token_is_printed_alone_on_stdout_and_can_be_revoked(capsys: Captured) -> None:
    assert run(["tokens", "issue", "me", "--scope", "admin"]) == 0
    out = capsys.readouterr().out
    assert re.fullmatch(r"\S{20,}\n", out)
    run(["tokens", "list", "--json"])
    (token,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (token["name"], token["scopes"], token["revoked_at"]) == ("me", ["admin"], None)
    assert out.strip() not in json.dumps(token)
    assert run(["tokens", "revoke", token["id"]]) == 0
    run(["tokens", "list", "--json"])
    assert json.loads(capsys.readouterr().out)["revoked_at"] is not None


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(["tokens", "issue", "me"], 2, id="an option is missing"),
        pytest.param(["dance"], 2, id="no such verb"),
        pytest.param(["tokens", "issue", "me", "--scope", "everything"], 3, id="no such scope"),
        pytest.param(["tokens", "issue", "me", "--scope", "device"], 3, id="a device's token without a device"),
        pytest.param(["tokens", "issue", "me", "--scope", "device", "--device", "nobody"], 3, id="an unknown device"),
        pytest.param(["tokens", "revoke", "nothing"], 3, id="an unknown token"),
        pytest.param(["devices", "add", "../x"], 3, id="a name that is none"),
        pytest.param(["grids", "check"], 0, id="no grids, nothing wrong"),
        pytest.param(["cases", "list", "--json"], 0, id="no cases"),
        pytest.param(["outbox", "status"], 0, id="no events"),
        pytest.param(["outbox", "replay"], 0, id="nothing to replay"),
    ],
)
def test_each_verb_ends_with_its_exit_code(arguments: list[str], code: int, capsys: Captured) -> None:
    assert run(arguments) == code
    said = capsys.readouterr()
    if code:
        assert said.out == ""
        assert said.err != ""
    assert "Traceback" not in said.err


def test_a_record_is_backed_up_and_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    run(["tokens", "issue", "me", "--scope", "admin"])
    assert run(["backup", str(tmp_path / "copy")]) == 0
    assert run(["restore", str(tmp_path / "copy")]) == 3, "the data folder is not empty"
    monkeypatch.setenv("XUNCHENG_DATA_FOLDER", str(tmp_path / "other"))
    capsys.readouterr()
    assert run(["restore", str(tmp_path / "copy")]) == 0
    assert capsys.readouterr().out.startswith("restored: record of ")
    run(["tokens", "list", "--json"])
    assert json.loads(capsys.readouterr().out)["name"] == "me"
    monkeypatch.setenv("XUNCHENG_DATABASE_URL", "postgresql+psycopg://nowhere/x")
    assert run(["backup", str(tmp_path / "third")]) == 3


def test_cases_and_their_events_are_listed_beside_a_running_server(card: Path, capsys: Captured) -> None:
    with open_app(Settings().data_folder, card) as opened:
        case_id = opened.file_a_case()
        capsys.readouterr()
        assert run(["cases", "list"]) == 0
        table = capsys.readouterr().out
        assert run(["cases", "list", "--json", "--class", "pothole"]) == 0
        assert capsys.readouterr().out == ""
        assert run(["outbox", "status"]) == 0
        assert json.loads(capsys.readouterr().out) == {"pending": 1, "sent": 0, "dead": 0}
    assert case_id in table
    assert "暴露垃圾" in table
    assert "06010" in table


def test_a_setting_that_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.setenv("XUNCHENG_PORT", "eighty")
    assert run(["serve"]) == 3
    assert "port" in capsys.readouterr().err


def test_a_disk_that_cannot_be_written_is_somebody_elses_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XUNCHENG_DATA_FOLDER", str(tmp_path / "file"))
    assert run(["cases", "list"]) == 4
    assert "outside" in capsys.readouterr().err


_LOOKED_AT = [
    *("weights", "speed", "policy", "closing", "disk", "sealing", "faces"),
    *("store", "workers", "events", "accounts", "grids"),
]


def test_the_doctor_says_one_line_each(capsys: Captured) -> None:
    assert run(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == _LOOKED_AT
    assert not [line for line in lines if "WRONG" in line]
    assert run(["doctor", "--json"]) == 0
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    health = {one["check"]: one["health"] for one in said}
    assert (health["weights"], health["store"], health["closing"], health["accounts"]) == ("ok", "ok", "ok", "look")


def test_the_doctor_goes_on_after_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setenv("XUNCHENG_WEIGHTS", str(tmp_path / "nothing.json"))
    (tmp_path / "bad.toml").write_text("[gate]\nmax_sped = 1\n")
    monkeypatch.setenv("XUNCHENG_POLICY", str(tmp_path / "bad.toml"))
    assert run(["doctor"]) == 1
    said = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert said["weights"].startswith("WRONG, ")
    assert "max_sped" in said["policy"]
    assert said["disk"].startswith("ok")


def test_the_doctor_misses_workers_and_finds_events_that_were_given_up(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setenv("XUNCHENG_WORKERS", "0")
    with own_record() as record:
        with record.store.work(()) as work:
            work.add_event(an_event())
        (pending,) = record.outbox.due(datetime.now(UTC), 1)
        record.outbox.mark_failed(pending, "410 Gone", None)
    capsys.readouterr()
    assert run(["doctor"]) == 1
    said = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert said["workers"].startswith("WRONG, no worker process")
    assert said["events"].startswith("LOOK, 0 events wait, 1 were given up")


def test_the_doctor_says_whether_faces_are_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    assert run(["doctor"]) == 0
    assert "faces: LOOK, OFF: of people only those" in capsys.readouterr().out
    monkeypatch.setenv("XUNCHENG_FACE_MODEL", str(tmp_path / "nothing.onnx"))
    assert run(["doctor"]) == 1
    assert "faces: WRONG, ModelFileError: nothing.onnx: cannot be read" in capsys.readouterr().out
    monkeypatch.setenv("XUNCHENG_FACE_MODEL", str(face_model()))
    assert run(["doctor"]) == 0
    assert "faces: ok, centerface.onnx" in capsys.readouterr().out


def test_a_camera_is_set_from_a_file(tmp_path: Path, capsys: Captured) -> None:
    file = tmp_path / "camera.json"
    file.write_text('{"mount": {"height_m": 1.8}, "lag_s": 0.2}')
    assert run(["devices", "add", "car-1", "--name", "The first"]) == 0
    assert run(["devices", "camera", "car-1", "front", str(file)]) == 0
    capsys.readouterr()
    run(["devices", "list"])
    device = json.loads(capsys.readouterr().out)
    assert (device["name"], device["cameras"]["front"]["lag_s"]) == ("The first", 0.2)
    file.write_text('{"mount": {"height_m": -1}}')
    assert run(["devices", "camera", "car-1", "front", str(file)]) == 3
    assert "height_m" in capsys.readouterr().err


@pytest.mark.shared
def test_the_real_districts_are_imported_checked_and_filled_with_grids(capsys: Captured) -> None:
    file = str(shared_or_skip("grids") / "hangzhou_districts_330100.geojson")
    options = ["--datum", "gcj02", "--valid-from", "2021-04-09"]
    assert run(["grids", "import", file, *options, "--id-length", "6", "--source", "districts"]) == 0
    assert json.loads(capsys.readouterr().out) == {"source": "districts", "grids": 13}
    assert run(["grids", "import", file, *options]) == 3  # ids of six characters are no unit grids
    assert "15" in capsys.readouterr().err
    assert run(["grids", "export"]) == 0
    assert len(json.loads(capsys.readouterr().out)["features"]) == 13


@pytest.mark.shared
def test_regular_grids_are_made_for_a_district(capsys: Captured) -> None:
    file = str(shared_or_skip("grids") / "hangzhou_districts_330100.geojson")
    options = ["--datum", "gcj02", "--valid-from", "2021-04-09", "--side-m", "500"]
    assert run(["grids", "make", file, *options, "--district", "330102"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["grids"] > 50
    assert run(["grids", "check"]) == 0
    assert run(["grids", "make", file, *options, "--district", "999999"]) == 3


def test_the_openapi_document_is_written(capsys: Captured) -> None:
    assert run(["openapi"]) == 0
    assert "/v1/frames" in json.loads(capsys.readouterr().out)["paths"]


def test_operating_lists_every_setting_with_its_meaning() -> None:
    rows = re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", (_DOCS / "operating.md").read_text("utf-8"), re.M)
    told = dict(rows)
    for name, field in Settings.model_fields.items():
        assert told.get(name) == field.description, name


def test_accounts_are_added_listed_changed_and_disabled(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    def typed(*arguments: str, password: str = "leaf copper river 42 lamp\n") -> int:
        monkeypatch.setattr("sys.stdin", io.StringIO(password))
        return run(["accounts", *arguments])

    assert typed("add", "Zhang", "--role", "reviewer", "--district", "330106", "--district", "330102") == 0
    assert typed("add", "zhang", "--role", "viewer") == 3, "the name is taken"
    assert typed("add", "bao", "--role", "viewer", password="password1234\n") == 3
    assert typed("add", "bao", "--role", "king") == 2
    assert typed("add", "bao", "--role", "viewer", "--district", "33") == 3
    assert typed("password", "zhang", password="another copper river 43\n") == 0
    assert typed("disable", "zhang") == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "copper" not in said.err
    assert typed("list", "--json") == 0
    (account,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (account["name"], account["role"], account["districts"]) == ("zhang", "reviewer", ["330102", "330106"])
    assert account["disabled_at"] is not None
    assert typed("enable", "zhang") == 0
    assert typed("change", "zhang", "--role", "operator", "--district", "330106") == 0
    assert typed("list", "--json") == 0
    assert json.loads(capsys.readouterr().out)["districts"] == ["330106"]
    assert typed("change", "zhang", "--role", "viewer", "--district", "330102", "--district", "330106") == 0
    assert typed("list") == 0
    assert "330102 330106" in capsys.readouterr().out
    assert typed("disable", "nobody") == 3


def test_keys_are_made_and_used_and_the_doctor_says_whether_pictures_are_sealed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    run(["doctor"])
    assert "sealing: LOOK, OFF" in capsys.readouterr().out
    assert run(["keys", "rewrap"]) == 3
    assert "no key is set" in capsys.readouterr().err
    lines = []
    for key_id in ("2026a", "2026b"):
        assert run(["keys", "make", key_id]) == 0
        lines.append(capsys.readouterr().out.strip())
    path = tmp_path / "keys"
    path.touch(mode=0o600)
    monkeypatch.setenv("XUNCHENG_PICTURE_KEYS_FILE", str(path))
    path.write_text(f"{lines[0]}\n")
    assert run(["keys", "status"]) == 0
    assert json.loads(capsys.readouterr().out)["seals"] == "2026a"
    with own_record() as record:
        record.evidence.put(b"a picture")
    path.write_text(f"{lines[1]}\n{lines[0]}\n")
    assert run(["keys", "rewrap"]) == 0
    assert json.loads(capsys.readouterr().out) == {"looked_at": 1, "renewed": 1, "retired": ["2026a"]}
    path.write_text(f"{lines[1]}\n")
    run(["doctor"])
    said = capsys.readouterr()
    assert "sealing: ok, new pictures under key 2026b" in said.out
    path.write_text("")
    assert run(["keys", "status"]) == 3
    assert "2026b" in capsys.readouterr().err
    path.chmod(0o644)
    assert run(["keys", "status"]) == 3
    assert "chmod 600" in capsys.readouterr().err
    for line in lines:
        assert line[6:] not in said.out + said.err
