"""Zones of the city from which no picture is stored, and parts of a camera's picture that are black before it is."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from support.app import OpenApp, open_app
from support.posting import CAMERA_JSON, DEVICE, a_meta, a_picture, message, post
from websockets.sync.client import connect

from detector.image import Limits, decode
from inference_server.settings import Settings

ZONE = "[[30.2740, 120.1550], [30.2742, 120.1550], [30.2742, 120.1552], [30.2740, 120.1552]]"


@pytest.fixture
def masked(tmp_path: Path, card: Path) -> Path:
    """A policy with one masked zone round the place of the tests."""
    path = tmp_path / "policy.toml"
    shipped = Settings.model_fields["policy"].default
    path.write_text(f'extends = "{shipped}"\n[gate]\nmasked_zones = [{ZONE}]\n')
    return path


def files_below(folder: Path) -> list[Path]:
    """All pictures on the disk, waiting or kept."""
    return [path for kept in ("spool", "evidence") for path in (folder / kept).rglob("*") if path.is_file()]


def report_of(client: httpx.Client, frame: str) -> dict[str, object]:
    """What became of a frame."""
    return dict(client.get(f"/v1/frames/{frame}").raise_for_status().json()["report"])


def test_a_frame_from_a_masked_zone_leaves_a_row_and_no_picture(tmp_path: Path, card: Path, masked: Path) -> None:
    with open_app(tmp_path / "data", card, policy=masked, workers=0) as app:  # nobody but the accept step looks at it
        meta = a_meta()
        with app.client("device") as device:
            answer = post(device, meta, a_picture())
            assert (answer.status_code, answer.json()["status"]) == (202, "accepted")
            report = report_of(device, answer.json()["frame"])
            assert (report["is_analysed"], report["drop"]["reason"]) == (False, "masked_zone")  # type: ignore[index]
            again = post(device, meta, a_picture())
            assert (again.status_code, again.json()["status"]) == (200, "duplicate")
            place = {"lat": 30.2751, "lon": 120.1551, "datum": "wgs84", "accuracy_m": 2.5}
            waiting = post(device, a_meta(camera="back", position=place), a_picture(1)).json()["frame"]
            behind_it = post(device, a_meta(camera="back"), a_picture(2))
            assert behind_it.status_code == 202
        record = app.application.record
        assert [path.name for path in files_below(tmp_path / "data")] == [waiting]
        assert record.store.counts() == {"frames.dropped.masked_zone": 2, "frames.queued": 1}


def test_the_stream_keeps_no_picture_of_it_either(tmp_path: Path, card: Path, masked: Path) -> None:
    with open_app(tmp_path / "data", card, policy=masked, workers=0) as app:
        with connect(app.stream_url, additional_headers=app.authorization("device")) as socket:
            socket.send(message(a_meta(), a_picture()))
            assert json.loads(socket.recv(timeout=10))["status"] == "accepted"
        assert files_below(tmp_path / "data") == []
        assert app.application.record.store.counts() == {"frames.dropped.masked_zone": 1}


def test_without_a_zone_the_same_frame_waits(tmp_path: Path, card: Path) -> None:
    def posted(app: OpenApp) -> int:
        with app.client("device") as device:
            return post(device, a_meta(), a_picture()).status_code

    with open_app(tmp_path / "data", card, workers=0) as app:
        assert posted(app) == 202
        assert len(files_below(tmp_path / "data")) == 1


BONNET = [[0.0, 0.75], [1.0, 0.75], [1.0, 1.0], [0.0, 1.0]]
AHEAD = [[0.4, 0.5], [0.6, 0.5], [0.6, 0.7], [0.4, 0.7]]  # where the model of these tests finds its thing


def set_masks(app: OpenApp, *masks: list[list[float]]) -> httpx.Response:
    """The answer to the masks of DEVICE's camera."""
    with app.client() as client:
        return client.put(f"/v1/devices/{DEVICE}/cameras/front", json={**CAMERA_JSON, "masks": list(masks)})


def test_nobody_ever_sees_what_a_camera_masks_not_even_in_originals(fresh_app: OpenApp) -> None:
    answer = set_masks(fresh_app, BONNET)
    assert answer.raise_for_status().json()["cameras"]["front"]["masks"] == [BONNET]
    case_id = fresh_app.file_a_case()
    registry = fresh_app.application.record.registry
    secret = registry.issue_token("seer", frozenset({"cases:read", "originals"}), None, None)[1]
    with httpx.Client(base_url=fresh_app.url, headers={"Authorization": f"Bearer {secret}"}) as seer:
        pictures = seer.get(f"/v1/cases/{case_id}").json()["evidence"]
        assert pictures
        for one in pictures:
            for query in ({}, {"original": "true"}):
                shown = decode(seer.get(one["href"], params=query).raise_for_status().content, Limits()).pixels
                assert shown[545:].max() < 16
                assert shown[:530].mean() > 60
    assert not any(a_picture(number) in path.read_bytes() for number in range(8) for path in stored(fresh_app))


def stored(app: OpenApp) -> list[Path]:
    return files_below(app.settings.data_folder)


def test_what_is_found_where_the_picture_is_black_is_dropped_and_says_so(fresh_app: OpenApp) -> None:
    set_masks(fresh_app, AHEAD).raise_for_status()
    meta = a_meta()
    with fresh_app.client("device") as device:
        answer = post(device, meta, a_picture(), wait=True)
        (found,) = answer.json()["report"]["detections"]
        assert (found["outcome"], found["drop"]["reason"]) == ("dropped", "masked_view")
        again = post(device, meta, a_picture())
        assert (again.status_code, again.json()["frame"]) == (200, answer.json()["frame"])


def test_a_damaged_picture_of_a_masked_camera_is_refused_at_the_door(fresh_app: OpenApp) -> None:
    set_masks(fresh_app, BONNET).raise_for_status()
    with fresh_app.client("device") as device:
        answer = post(device, a_meta(), a_picture()[:9000])
    assert (answer.status_code, answer.json()["code"]) == (422, "picture_unreadable")


@pytest.mark.parametrize(
    "mask",
    [
        [[0.0, 0.0], [1.0, 1.0]],
        [[0.0, 0.0], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0]],
        [[0.0, 0.0], [0.5, 0.5], [1.0, 1.0]],
        [[0.0, 0.0], [1.5, 0.0], [0.0, 1.0]],
        [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
    ],
    ids=["a line", "crosses itself", "no area", "outside", "three numbers"],
)
def test_a_mask_that_is_none_is_refused_by_its_place(fresh_app: OpenApp, mask: list[list[float]]) -> None:
    answer = set_masks(fresh_app, BONNET, mask)
    assert answer.status_code == 422
    assert answer.json()["field"].startswith("masks.1")
