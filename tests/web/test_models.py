"""The models of a server over HTTP and on the command line, with a candidate in the shadow."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.app import OpenApp, open_app
from support.model_registry import write_registry
from support.onnx_model import FixedModel, write_model
from support.posting import BOX

from inference_server.cli import run


def a_model(folder: Path, name: str, *scores: float) -> Path:
    """A model that finds one thing for each score; those after the first lie elsewhere."""
    boxes = [
        (x1 + 200 * n, y1, x2 + 200 * n, y2, score, 0) for n, score in enumerate(scores) for x1, y1, x2, y2 in [BOX]
    ]
    model = FixedModel(name=name, detections=boxes, classes=("garbage", "pothole"), picture_px=(1280, 720))
    return write_model(folder / "models" / name, model)


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    folder = tmp_path / "registry"
    return write_registry(folder, champion=a_model(folder, "old", 0.9), candidate=a_model(folder, "new", 0.8, 0.7))


@pytest.fixture
def app(tmp_path: Path, shelf: Path) -> Iterator[OpenApp]:
    with open_app(tmp_path / "data", shelf, shadow_share=1.0) as opened:
        yield opened


def shadow_report(app: OpenApp, frames: int) -> dict[str, Any]:
    """The report once the shadow has looked at so many frames or let them go."""
    with app.client("cases:read") as client:
        for _ in range(600):
            answer = client.get("/v1/models/shadow-report")
            if answer.status_code == 200 and answer.json()["frames"] >= frames:
                return dict(answer.json())
            time.sleep(0.05)
    raise TimeoutError(answer.text)


def test_the_candidate_looks_beside_the_champion_and_decides_nothing(app: OpenApp) -> None:
    app.file_a_case()
    report = shadow_report(app, 3)
    assert (report["live_version"], report["shadow_version"]) == ("old 1", "new 1")
    (garbage,) = report["classes"]
    assert garbage["class_name"] == "garbage"
    assert (garbage["both"], garbage["only_live"], garbage["only_shadow"]) == (report["frames"], 0, report["frames"])
    assert garbage["score_shift"] == pytest.approx(-0.1, abs=1e-3)
    with app.client() as client:
        cases = client.get("/v1/cases").json()["cases"]
        metrics = client.get("/metrics").text
    assert len(cases) == 1, "what only the candidate sees makes no case"
    compared = re.search(r'xuncheng_shadow_frames_total\{outcome="compared"\} (\d+)\.0', metrics)
    assert compared is not None
    assert int(compared[1]) >= report["frames"]  # it may have compared more since then
    assert 'xuncheng_shadow_frames_total{outcome="failed"} 0.0' in metrics


def test_a_pair_that_never_met_is_not_found(app: OpenApp) -> None:
    with app.client("cases:read") as client:
        assert client.get("/v1/models/shadow-report").status_code == 404
        assert client.get("/v1/models/shadow-report", params={"live": "no 7"}).json()["code"] == "not_found"


def test_who_may_not_read_or_reload_is_sent_away(app: OpenApp) -> None:
    with app.client("device") as client:
        assert client.get("/v1/models").status_code == 403
    with app.client("cases:read") as client:
        assert client.get("/v1/models").json()["candidate"]["version"] == "new 1"
        assert client.post("/v1/models/reload").status_code == 403


def test_a_reload_brings_the_promoted_model_and_the_candidate_goes(app: OpenApp, shelf: Path) -> None:
    write_registry(shelf, champion=shelf / "models/new/new.json", revision=2)
    with app.client() as client:
        answer = client.post("/v1/models/reload").json()
        assert answer["champion"]["version"] == "new 1"
        assert answer["champion"]["wanted"] == "new/new.json"
        assert answer["candidate"] == {"wanted": None, "version": None, "since": None, "swaps": 0, "fault": None}
        assert client.get("/readyz").json()["model_version"] == "new 1"


def test_the_command_line_tells_the_same(
    app: OpenApp, shelf: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XUNCHENG_WEIGHTS", str(shelf))
    monkeypatch.setenv("XUNCHENG_DATA_FOLDER", str(app.settings.data_folder))
    app.file_a_case()
    report = shadow_report(app, 3)
    capsys.readouterr()
    assert run(["models", "shadow-report", "--json", "--live", "old 1"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["frames"] >= report["frames"]
    assert told["classes"][0]["class_name"] == "garbage"
    assert run(["models", "shadow-report", "--since", "2099-01-01"]) == 0
    assert "0 frames" in capsys.readouterr().err
    assert run(["models", "status", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["alias"], row["version"]) for row in rows] == [("champion", "old 1"), ("candidate", "new 1")]
    (shelf / "models/new/new.fp32.onnx").write_bytes(b"cut")
    assert run(["models", "status"]) == 1
    assert "sha256" in capsys.readouterr().out
