"""Posting frames and reading them back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.app import OpenApp, open_app
from support.pictures import encoded
from support.posting import DEVICE, a_meta, a_picture, post, without


def _minutes(count: float) -> str:
    return (datetime.now(UTC) + timedelta(minutes=count)).isoformat()


def test_a_frame_is_accepted_and_its_report_can_be_read(fresh_app: OpenApp) -> None:
    with fresh_app.client("device") as client:
        answer = post(client, a_meta(), a_picture(), wait=True)
        assert answer.status_code == 200
        assert answer.json()["status"] == "accepted"
        found = client.get(answer.headers["location"]).json()
    assert found["frame"] == answer.json()["frame"]
    assert found["report"]["is_analysed"]
    assert [one["class_name"] for one in found["report"]["detections"]] == ["garbage"]
    assert (found["device"], found["camera"]) == (DEVICE, "front")


def test_without_waiting_the_answer_is_202(shared_app: OpenApp) -> None:
    with shared_app.client("device") as client:
        answer = post(client, a_meta(camera="no-wait"), a_picture())
    assert answer.status_code == 202
    assert answer.json() == {"frame": answer.json()["frame"], "status": "accepted", "report": None}


def test_the_same_frame_again_is_a_duplicate_with_the_first_id_and_report(fresh_app: OpenApp) -> None:
    meta = a_meta()
    with fresh_app.client("device") as client:
        first = post(client, meta, a_picture(), wait=True)
        again = post(client, meta | {"seq": 5, "sent_at": _minutes(0)}, a_picture())
    assert again.status_code == 200
    assert again.json() == {**first.json(), "status": "duplicate"}


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        pytest.param({"camera": "rear"}, a_picture(), id="another camera"),
        pytest.param({"taken_at": "2026-11-22T02:03:04.251Z"}, a_picture(), id="another moment"),
        pytest.param({}, a_picture(1), id="another picture"),
    ],
)
def test_what_differs_in_the_key_is_another_frame(shared_app: OpenApp, changed: dict[str, Any], what: bytes) -> None:
    meta = a_meta(taken_at="2026-11-22T02:03:04.250Z", camera="keys")
    with shared_app.client("device") as client:
        first, other = post(client, meta, a_picture()), post(client, meta | changed, what)
    assert first.json()["frame"] != other.json()["frame"]


@pytest.mark.parametrize(
    "path",
    ["device", "camera", "seq", "taken_at", "sent_at", "position", "position.lat", "position.lon", "position.datum"],
)
def test_a_missing_field_is_named(shared_app: OpenApp, path: str) -> None:
    with shared_app.client("device") as client:
        answer = post(client, without(a_meta(), path), a_picture())
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "bad_input", f"meta.{path}")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        pytest.param({"device": "../etc"}, "device", id="a device with slashes"),
        pytest.param({"device": "a" * 65}, "device", id="a device too long"),
        pytest.param({"camera": "vorn e"}, "camera", id="a camera with a blank"),
        pytest.param({"camera": ""}, "camera", id="a camera without a name"),
        pytest.param({"seq": -1}, "seq", id="a negative number"),
        pytest.param({"seq": 2**63}, "seq", id="a number no database holds"),
        pytest.param({"seq": "5"}, "seq", id="a number as text"),
        pytest.param({"seq": True}, "seq", id="a truth value for a number"),
        pytest.param({"taken_at": "2026-11-22T02:03:04"}, "taken_at", id="a time without a zone"),
        pytest.param({"taken_at": 1763777000}, "taken_at", id="a time as a number"),
        pytest.param({"taken_at": "yesterday"}, "taken_at", id="no time at all"),
        pytest.param({"taken_at": "0001-01-01T00:00:00+14:00"}, "taken_at", id="a time before the first year"),
        pytest.param({"taken_at": "9999-12-31T23:59:59-14:00"}, "taken_at", id="a time after the last year"),
        pytest.param({"taken_at": "1970-01-01T00:00:00Z"}, "taken_at", id="a clock that was never set"),
        pytest.param({"sent_at": "2300-01-01T00:00:00Z"}, "sent_at", id="sent in another century"),
        pytest.param({"heading_deg": 361}, "heading_deg", id="a heading over 360"),
        pytest.param({"heading_deg": -0.5}, "heading_deg", id="a negative heading"),
        pytest.param({"speed_kmh": -1}, "speed_kmh", id="a negative speed"),
        pytest.param({"speed_kmh": 1e9}, "speed_kmh", id="faster than any car"),
        pytest.param({"campaign": ""}, "campaign", id="a campaign without a name"),
        pytest.param({"campaign": "a\u0000b"}, "campaign", id="a campaign with a zero byte"),
        pytest.param({"campaign": 7}, "campaign", id="a campaign that is a number"),
        pytest.param({"heading": 90}, "heading", id="a field that does not exist"),
        pytest.param({"position": "here"}, "position", id="a position as text"),
        pytest.param({"position": []}, "position", id="a position as a list"),
        pytest.param({"position": {"lat": 0, "lon": 0, "datum": "wgs84"}}, "position", id="0, 0 for want of a fix"),
    ],
)
def test_a_wrong_field_is_named(shared_app: OpenApp, changed: dict[str, Any], field: str) -> None:
    with shared_app.client("device") as client:
        answer = post(client, a_meta(**changed), a_picture())
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "bad_input", f"meta.{field}")


@pytest.mark.parametrize(
    ("lat", "lon", "accuracy", "field"),
    [
        pytest.param("91", "120", "1", "lat", id="north of the pole"),
        pytest.param("-90.1", "120", "1", "lat", id="south of the pole"),
        pytest.param("30", "180.1", "1", "lon", id="beyond the date line"),
        pytest.param("NaN", "120", "1", "lat", id="not a number"),
        pytest.param("30", "Infinity", "1", "lon", id="infinite"),
        pytest.param("30", "1e400", "1", "lon", id="more than a double holds"),
        pytest.param("30", "120", "-1", "accuracy_m", id="a negative accuracy"),
        pytest.param('"30"', "120", "1", "lat", id="a number as text"),
        pytest.param("null", "120", "1", "lat", id="no latitude"),
    ],
)
def test_an_impossible_position_is_refused(shared_app: OpenApp, lat: str, lon: str, accuracy: str, field: str) -> None:
    position = f'{{"lat": {lat}, "lon": {lon}, "datum": "wgs84", "accuracy_m": {accuracy}}}'
    meta = json.dumps(a_meta(position="HERE")).replace('"HERE"', position)
    with shared_app.client("device") as client:
        answer = post(client, meta, a_picture())
    assert answer.status_code in (400, 422)
    assert answer.json()["code"] in ("bad_input", "malformed")
    if answer.status_code == 422:
        assert answer.json()["field"] == f"meta.position.{field}"


@pytest.mark.parametrize("datum", ["WGS84", "gcj-02", "", "tokyo97"])
def test_an_unknown_datum_is_refused_never_guessed(shared_app: OpenApp, datum: str) -> None:
    position = {"lat": 30.27, "lon": 120.15, "datum": datum}
    with shared_app.client("device") as client:
        answer = post(client, a_meta(position=position), a_picture())
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_datum")
    assert answer.json()["field"] == "meta.position.datum"


def test_a_position_is_converted_once_when_it_enters(shared_app: OpenApp) -> None:
    position = {"lat": 30.27, "lon": 120.15, "datum": "gcj02"}
    with shared_app.client("device") as client:
        answer = post(client, a_meta(position=position, camera="datum"), a_picture())
        found = client.get(answer.headers["location"]).json()["position"]
    assert found["datum"] == "wgs84"
    assert 0.001 < abs(found["lat"] - 30.27) < 0.01  # in Hangzhou GCJ-02 lies 300 to 600 m beside WGS84
    assert 0.001 < abs(found["lon"] - 120.15) < 0.01


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("", "malformed", id="empty"),
        pytest.param("{", "malformed", id="cut off"),
        pytest.param("[]", "bad_input", id="a list"),
        pytest.param("null", "bad_input", id="null"),
        pytest.param("[" * 5000, "malformed", id="very deep"),
        pytest.param('{"device": "\\ud800"}', "malformed", id="half a character"),
        pytest.param("{'device': 1}", "malformed", id="not JSON but Python"),
    ],
)
def test_meta_that_is_no_frame_is_refused(shared_app: OpenApp, text: str, code: str) -> None:
    with shared_app.client("device") as client:
        answer = post(client, text, a_picture())
    assert answer.status_code in (400, 422)
    assert answer.json()["code"] == code


def test_a_token_speaks_for_its_own_device_only(shared_app: OpenApp) -> None:
    with shared_app.client("device") as client:
        answer = post(client, a_meta(device="zhe-A-1028"), a_picture())
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (403, "not_allowed", "meta.device")


def test_a_frame_more_than_a_day_ahead_of_its_sending_is_refused(shared_app: OpenApp) -> None:
    with shared_app.client("device") as client:
        answer = post(client, a_meta(taken_at=_minutes(25 * 60)), a_picture())
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "clock_ahead", "meta.taken_at")


def test_a_clock_that_is_wrong_by_years_is_corrected_by_what_it_said_on_sending(shared_app: OpenApp) -> None:
    wrong = datetime(2007, 4, 7, tzinfo=UTC)
    times = {"taken_at": (wrong - timedelta(seconds=90)).isoformat(), "sent_at": wrong.isoformat()}
    with shared_app.client("device") as client:
        answer = post(client, a_meta(**times, camera="years"), a_picture())
        found = client.get(answer.headers["location"]).json()
    taken_at = datetime.fromisoformat(found["taken_at"])
    assert abs((datetime.now(UTC) - timedelta(seconds=90) - taken_at).total_seconds()) < 5
    assert datetime.fromisoformat(found["claimed_at"]) == wrong - timedelta(seconds=90)


def test_the_delay_of_the_network_is_not_taken_for_a_wrong_clock(shared_app: OpenApp) -> None:
    with shared_app.client("device") as client:
        answer = post(client, a_meta(sent_at=_minutes(-4 / 60), camera="delay"), a_picture())
        assert client.get(answer.headers["location"]).json()["clock_skew_s"] == 0.0


@pytest.mark.parametrize(
    ("picture", "status", "code"),
    [
        pytest.param(b"", 415, "picture_format_refused", id="nothing"),
        pytest.param(b"GIF89a" + b"\0" * 100, 415, "picture_format_refused", id="a GIF that says it is a JPEG"),
        pytest.param(b"<svg onload='x'/>", 415, "picture_format_refused", id="an SVG"),
        pytest.param(a_picture()[:300], 422, "picture_unreadable", id="a JPEG cut off in its header"),
        pytest.param(
            encoded(np.zeros((6000, 9000, 3), np.uint8), "PNG", "L"), 413, "picture_too_large", id="too many pixels"
        ),
    ],
)
def test_a_fault_in_the_header_of_a_picture_is_refused_at_once(
    shared_app: OpenApp, picture: bytes, status: int, code: str
) -> None:
    with shared_app.client("device") as client:
        answer = post(client, a_meta(), picture)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_fault_that_shows_on_decoding_is_a_drop_and_a_422_for_those_who_wait(shared_app: OpenApp) -> None:
    whole = a_picture()
    damaged = whole[:20_000] + b"\xff\xd9" * 500 + whole[21_000:]
    meta = a_meta(camera="damaged")
    with shared_app.client("device") as client:
        waited = post(client, meta, damaged, wait=True)
        again = post(client, meta, damaged)
    assert (waited.status_code, waited.json()["code"]) == (422, "picture_unreadable")
    assert (again.status_code, again.json()["report"]["drop"]["reason"]) == (200, "picture_unreadable")


def test_a_device_reads_its_own_frames_only(shared_app: OpenApp) -> None:
    registry = shared_app.application.record.registry
    registry.save_device("other", "Other car")
    _, secret = registry.issue_token("other", frozenset({"device"}), "other", None)
    with shared_app.client("device") as client, shared_app.client("cases:read") as reader:
        address = post(client, a_meta(camera="own"), a_picture()).headers["location"]
        client.headers["Authorization"] = f"Bearer {secret}"
        assert client.get(address).status_code == 403
        assert reader.get(address).status_code == 200
        assert reader.get("/v1/frames/" + "0" * 32).status_code == 404


def test_a_full_queue_says_when_to_come_again(tmp_path: Path, card: Path) -> None:
    with open_app(tmp_path / "data", card, workers=0, queue_max_frames=1) as opened, opened.client("device") as client:
        assert post(client, a_meta(seq=1, camera="a"), a_picture()).status_code == 202
        answer = post(client, a_meta(seq=2, camera="b"), a_picture())
    assert (answer.status_code, answer.json()["code"]) == (429, "queue_full")
    assert int(answer.headers["retry-after"]) >= 1


def test_a_draining_server_sends_frames_away_for_a_moment(tmp_path: Path, card: Path) -> None:
    with open_app(tmp_path / "data", card, workers=0) as opened, opened.client("device") as client:
        opened.application.drain()
        answer = post(client, a_meta(), a_picture())
        assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
        assert int(answer.headers["retry-after"]) >= 1
        assert client.get("/readyz").status_code == 503


def test_who_waits_longer_than_the_limit_gets_202(tmp_path: Path, card: Path) -> None:
    with open_app(tmp_path / "data", card, workers=0, wait_s=0.3) as opened, opened.client("device") as client:
        answer = post(client, a_meta(), a_picture(), wait=True)
    assert (answer.status_code, answer.json()["report"]) == (202, None)
