"""Devices, cameras and tokens; health; and what is our own fault."""

from __future__ import annotations

import doctest
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.app import OpenApp, open_app
from support.posting import CAMERA_JSON, DEVICE, a_meta, a_picture, post

from inference_server import journal
from inference_server.domain.case import CaseId
from inference_server.web import case_query, messages


def test_a_device_is_registered_renamed_and_listed_with_its_cameras(fresh_app: OpenApp) -> None:
    with fresh_app.client() as client:
        first = client.post("/v1/devices", json={"id": "car-2", "name": "Second"})
        again = client.post("/v1/devices", json={"id": "car-2", "name": "The second"})
        camera = client.put("/v1/devices/car-2/cameras/rear", json=CAMERA_JSON)
        found = {device["id"]: device for device in client.get("/v1/devices").json()}
    assert (first.status_code, first.headers["location"]) == (201, "/v1/devices/car-2")
    assert again.json()["created_at"] == first.json()["created_at"]
    assert found["car-2"] == camera.json()
    assert found["car-2"]["name"] == "The second"
    assert found["car-2"]["cameras"]["rear"]["lens"] == CAMERA_JSON["lens"] | {"k1": 0.0, "k2": 0.0}


@pytest.mark.parametrize(
    ("camera", "field"),
    [
        ({"mount": {"height_m": 0}}, "mount.height_m"),
        ({"mount": {}}, "mount.height_m"),
        ({"mount": {"height_m": "2"}}, "mount.height_m"),
        ({"mount": {"height_m": 2, "tilt_deg": 3}}, "mount.tilt_deg"),
        ({"lens": {**CAMERA_JSON["lens"], "focal_px": -1}}, "lens.focal_px"),
        ({"lens": {**CAMERA_JSON["lens"], "width_px": 10.5}}, "lens.width_px"),
        ({"lag_s": 1e9}, "lag_s"),
        ({"height_m": 2}, "height_m"),
    ],
)
def test_a_wrong_camera_is_refused_by_field(shared_app: OpenApp, camera: dict[str, Any], field: str) -> None:
    with shared_app.client() as client:
        answer = client.put(f"/v1/devices/{DEVICE}/cameras/side", json=camera)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_a_camera_needs_a_device_and_a_name_that_is_one(shared_app: OpenApp) -> None:
    with shared_app.client() as client:
        assert client.put("/v1/devices/nobody/cameras/front", json=CAMERA_JSON).status_code == 404
        assert client.put(f"/v1/devices/{DEVICE}/cameras/a%20b", json=CAMERA_JSON).status_code == 422
        assert client.get("/v1/devices/nobody").status_code == 404


def test_a_camera_without_a_mount_gives_bearing_only_observations(fresh_app: OpenApp) -> None:
    with fresh_app.client("device") as client:
        report = post(client, a_meta(camera="unknown"), a_picture(), wait=True).json()["report"]
    assert [(one["outcome"], one["position"]) for one in report["detections"]] == [("kept", None)]


def test_a_token_shows_its_secret_once(shared_app: OpenApp) -> None:
    with shared_app.client() as client:
        issued = client.post("/v1/tokens", json={"name": "reader", "scopes": ["cases:read"]}).json()
        listed = client.get("/v1/tokens")
        assert client.get("/v1/cases", headers={"Authorization": f"Bearer {issued['secret']}"}).status_code == 200
    assert issued["id"] in listed.text
    assert issued["secret"] not in listed.text


def test_a_token_may_be_given_an_end(shared_app: OpenApp) -> None:
    ends_at = datetime.now(UTC) + timedelta(hours=1)
    body = {"name": "short", "scopes": ["admin"], "expires_at": ends_at.isoformat()}
    with shared_app.client() as client:
        issued = client.post("/v1/tokens", json=body).json()
    assert datetime.fromisoformat(issued["expires_at"]) == ends_at


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"name": "x", "scopes": []}, 422, "scopes"),
        ({"name": "x", "scopes": ["root"]}, 422, "scopes.0"),
        ({"name": "", "scopes": ["admin"]}, 422, "name"),
        ({"name": "a\nb", "scopes": ["admin"]}, 422, "name"),
        ({"name": "x", "scopes": ["device"]}, 422, "device"),
        ({"name": "x", "scopes": ["admin"], "device": DEVICE}, 422, "device"),
        ({"name": "x", "scopes": ["device", "admin"], "device": DEVICE}, 422, "scopes"),
        ({"name": "x", "scopes": ["device"], "device": "nobody"}, 404, "device"),
        ({"name": "x", "scopes": ["admin"], "expires_at": "2030-01-01"}, 422, "expires_at"),
    ],
)
def test_a_token_that_makes_no_sense_is_refused(
    shared_app: OpenApp, body: dict[str, Any], status: int, field: str
) -> None:
    with shared_app.client() as client:
        answer = client.post("/v1/tokens", json=body)
    assert (answer.status_code, answer.json()["field"]) == (status, field)


@pytest.mark.parametrize("text", ["", "{", "[1, 2", "nul", "\ufeff{}", "[" * 30_000])
def test_json_that_is_none_is_refused_as_malformed(shared_app: OpenApp, text: str) -> None:
    with shared_app.client() as client:
        answer = client.post("/v1/devices", content=text, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.json()["code"] in ("malformed", "bad_input")


def test_what_does_not_exist_is_a_problem_too(shared_app: OpenApp) -> None:
    with shared_app.client() as client:
        assert client.get("/v2/frames").json()["code"] == "not_found"
        wrong = client.delete("/v1/cases")
    assert (wrong.status_code, wrong.json()["code"], wrong.headers["allow"]) == (405, "method_not_allowed", "GET")


def test_health_needs_no_token_and_metrics_count_by_route(fresh_app: OpenApp) -> None:
    with fresh_app.client("device") as device:
        post(device, a_meta(), a_picture(), wait=True)
    with fresh_app.client(None) as client:
        client.get("/v1/cases/whatever")
        assert client.get("/healthz").json() == {"status": "ok"}
        ready = client.get("/readyz").json()
        text = client.get("/metrics").text
    assert ready["status"] == "ready"
    assert set(ready["checks"]) == {"phase", "database", "workers", "disk", "model_watch"}
    assert 'xuncheng_http_requests_total{method="GET",route="/v1/cases/{case_id}",status="401"} 1.0' in text
    assert 'xuncheng_frames_total{outcome="analysed"} 1.0' in text
    assert 'xuncheng_record{what="frames.analysed"} 1.0' in text
    for stage in ("decode", "detect", "place", "evidence", "lock", "match", "commit"):
        assert f'xuncheng_frame_stage_seconds_count{{stage="{stage}"}} 1.0' in text
    assert "xuncheng_frame_result_seconds_count 1.0" in text
    assert "whatever" not in text


def test_a_server_whose_disk_is_nearly_full_is_not_ready_and_takes_no_frames(tmp_path: Path, card: Path) -> None:
    with open_app(tmp_path / "data", card, min_free_bytes=10**18) as opened, opened.client("device") as client:
        ready = client.get("/readyz")
        answer = post(client, a_meta(), a_picture())
    assert ready.status_code == 503
    assert "10" in ready.json()["checks"]["disk"]
    assert (answer.status_code, answer.json()["code"]) == (429, "queue_full")


def test_a_server_whose_workers_have_stopped_is_not_ready(fresh_app: OpenApp) -> None:
    assert fresh_app.application.threads[0].stop(10.0)
    with fresh_app.client(None) as client:
        ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["checks"]["workers"]) == (503, "0 of 1 workers run")


def test_our_own_fault_is_a_500_that_tells_nothing_of_our_insides(fresh_app: OpenApp) -> None:
    case_id = fresh_app.file_a_case()
    (sha256, *_) = {item.sha256 for item in fresh_app.application.record.store.evidence(CaseId(case_id))}
    (path,) = fresh_app.settings.data_folder.glob(f"evidence/**/{sha256}")
    path.write_bytes(b"somebody was here")
    with fresh_app.client() as client:
        answer = client.get(f"/v1/cases/{case_id}/evidence/{sha256}")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert not re.search("Traceback|Damaged|\\.py", answer.text)


def test_pages_of_documentation_from_elsewhere_are_not_served(shared_app: OpenApp) -> None:
    with httpx.Client(base_url=shared_app.url) as client:
        assert [client.get(path).status_code for path in ("/docs", "/redoc", "/openapi.json")] == [404, 404, 200]


@pytest.mark.parametrize("module", [case_query, messages, journal], ids=lambda module: module.__name__)
def test_examples_in_docstrings_are_true(module: Any) -> None:
    tried = doctest.testmod(module)
    assert tried.attempted > 0
    assert tried.failed == 0
