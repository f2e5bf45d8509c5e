"""From the street into the next data set: a drive, a question, an answer, an export, a mined folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.app import OpenApp, open_app
from support.onnx_model import FixedModel, write_model
from support.posting import BOX, a_picture, around_a_thing, post
from typer.testing import CliRunner

from inference_server.cli import run
from training.cli import app as training
from training.data_check import check_folder
from training.index import load_index
from training.labels import read_labels, to_corners

ROOT = Path(__file__).resolve().parents[2]


def unsure(folder: Path) -> Path:
    """A model that is neither sure of its one thing nor of nothing."""
    limits = {"file": 0.9, "review": 0.3, "drop_below": 0.1}
    card = {"thresholds": {name: limits for name in ("garbage", "pothole")}}
    model = FixedModel(
        detections=[(*BOX, 0.5, 0)], classes=("garbage", "pothole"), picture_px=(1280, 720), card=card, name="unsure"
    )
    return write_model(folder, model)


def a_case_in_review(app: OpenApp) -> str:
    with app.client("device") as device:
        for number, meta in enumerate(around_a_thing()):
            post(device, meta, a_picture(number), wait=True)
    with app.client() as client:
        (case,) = client.get("/v1/cases", params={"state": "review"}).json()["cases"]
    return str(case["id"])


def export(app: OpenApp, out: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    monkeypatch.setenv("XUNCHENG_DATA_FOLDER", str(app.settings.data_folder))
    assert run(["reviews", "export", "--out", str(out)]) == 0
    return [json.loads(line) for line in (out / "reviews.jsonl").read_text("utf-8").splitlines()]


def test_a_reviewed_case_arrives_in_the_next_mined_data_set_with_its_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_app(tmp_path / "data", unsure(tmp_path)) as app:
        case = a_case_in_review(app)
        with app.client() as client:
            item = f"/v1/reviews/case-{case}"
            client.post(item, json={"answer": "reject", "reason": "a slip"}).raise_for_status()
            client.delete(f"{item}/answer").raise_for_status()
            said = {"answer": "redraw", "class_name": "soil_heap", "box": [590, 410, 700, 480]}
            client.post(item, json=said).raise_for_status()
        (exported,) = export(app, tmp_path / "export", monkeypatch)
        assert run(["reviews", "export", "--out", str(tmp_path / "export")]) == 3, "a full folder is refused"
    assert exported["frame"]["model_version"] == "unsure 1"
    arguments = ["mine", str(tmp_path / "export"), "--out", str(tmp_path / "mined"), "--val", "0"]
    done = CliRunner().invoke(training, [*arguments, "--taxonomy", str(ROOT / "datasets/taxonomy.csv")])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["train"] == 1
    index = load_index([tmp_path / "mined"])
    assert check_folder(tmp_path / "mined") == []
    (picture,) = index.pictures
    taught = [name for name, known in zip(index.classes, index.class_mask(picture.source), strict=True) if known]
    assert taught == ["garbage", "soil_heap"]
    assert index.classes_in_state(picture.source, "absent") == ("garbage",)
    labels = read_labels(picture.labels, len(index.classes))
    assert index.classes[int(labels[0, 0])] == "soil_heap"
    assert to_corners(labels, picture.width_px, picture.height_px)[0] == pytest.approx([590, 410, 700, 480], abs=0.1)
    (line,) = (tmp_path / "mined/provenance.jsonl").read_text("utf-8").splitlines()
    (origin,) = json.loads(line)["reviews"]
    assert (origin["case"]["id"], origin["case"]["state"]) == (case, "filed")
    assert [move["to_state"] for move in origin["case"]["history"]] == ["review", "rejected", "review", "filed"]
    assert [(one["answer"], one["undone_at"] is None) for one in origin["answers"]] == [
        ("reject", False),
        ("redraw", True),
    ]
    assert picture.image.read_bytes() in [a_picture(number) for number in range(7)], "the vehicle's own bytes"


def test_an_unanswered_case_is_not_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_app(tmp_path / "data", unsure(tmp_path)) as app:
        a_case_in_review(app)
        assert export(app, tmp_path / "export", monkeypatch) == []


def test_the_drift_report_counts_the_week_of_the_drive_and_its_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_app(tmp_path / "data", unsure(tmp_path)) as app:
        case = a_case_in_review(app)
        with app.client() as client:
            client.post(f"/v1/reviews/case-{case}", json={"answer": "reject"}).raise_for_status()
        monkeypatch.setenv("XUNCHENG_DATA_FOLDER", str(app.settings.data_folder))
        capsys.readouterr()
        assert run(["drift-report", "--json"]) == 0
        rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert run(["drift-report", "--until", "2020-01-01"]) == 0
        assert "0 device weeks, 0 flagged" in capsys.readouterr().err
    assert sum(row["detections"] for row in rows) == 7
    assert sum(row["answers"] for row in rows) == 1
    assert {(row["device"], row["model_version"]) for row in rows} == {("zhe-A-1027", "unsure 1")}
    assert all(row["reference"] == "none" and row["score_psi"] is None and row["flags"] == [] for row in rows)
