"""Models change places under load: no frame is lost, and none is judged by two models."""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.model_registry import write_registry
from support.onnx_model import FixedModel, write_model
from support.posting import BOX, CAMERA_JSON, a_picture, around_a_thing, post
from support.server import RunningServer, ServerPlan, running_server

CLASSES = ("garbage", "pothole")
DEVICES = ("car-1", "car-2", "car-3")
_WITHIN_S = 30.0


def a_model(folder: Path, name: str, score: float, drop_below: float) -> Path:
    """A model whose score and whose limit both tell that it was this one."""
    limits = {"file": 0.95, "review": 0.94, "drop_below": drop_below}
    model = FixedModel(
        name=name,
        detections=[(*BOX, score, 0)],
        classes=CLASSES,
        picture_px=(1280, 720),
        card={"thresholds": {one: limits for one in CLASSES}},
    )
    return write_model(folder / "models" / name, model)


# what the score of a model must say, and the limit that its drop must name: a mixture of two shows in one of them
EXPECTED = {"one 1": (0.30, 0.50), "two 1": (0.20, 0.60)}


@dataclass
class Load:
    """Cars that send frames without a pause, until they are told to stop."""

    server: RunningServer
    tokens: dict[str, str]
    frames: dict[str, int] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)

    def drive(self, device: str) -> None:
        with self.server.client(self.tokens[device]) as client:
            for number, meta in enumerate(around_a_thing(device=device, frames=4000)):
                if self.stopping.is_set():
                    return
                answer = post(client, meta, a_picture(number % 20))
                assert answer.status_code in (200, 202), answer.text
                self.frames[answer.json()["frame"]] = answer.status_code


@contextmanager
def under_load(server: RunningServer) -> Iterator[Load]:
    load = Load(server, {device: server.device_token(device, {"front": CAMERA_JSON}) for device in DEVICES})
    threads = [threading.Thread(target=load.drive, args=(device,)) for device in DEVICES]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.stopping.set()
        for thread in threads:
            thread.join(30)


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    folder = tmp_path / "registry"
    a_model(folder, "two", *EXPECTED["two 1"])
    return write_registry(folder, champion=a_model(folder, "one", *EXPECTED["one 1"]))


@pytest.fixture
def server(tmp_path: Path, shelf: Path) -> Iterator[RunningServer]:
    settings = {"models_every_s": "0.1"}
    with running_server(ServerPlan(data_folder=tmp_path / "data", card=shelf, settings=settings)) as running:
        yield running


def until(server: RunningServer, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The champion's place once something holds of it."""
    ends_at = time.monotonic() + _WITHIN_S
    while time.monotonic() < ends_at:
        ready = httpx.get(f"{server.url}/readyz", timeout=10.0)
        place: dict[str, Any] = ready.json()["models"]["champion"]
        if holds(place):
            assert ready.status_code == 200
            return place
        time.sleep(0.02)
    raise TimeoutError(f"still {place}")


def swap(server: RunningServer, shelf: Path, name: str, revision: int) -> None:
    write_registry(shelf, champion=shelf / f"models/{name}/{name}.json", revision=revision)
    until(server, lambda place: place["version"] == f"{name} 1")


def analysed_more(server: RunningServer, frames: int) -> None:
    """Nothing, once so many more frames have been analysed."""
    ends_at, enough = time.monotonic() + _WITHIN_S, server.counts().get("frames.analysed", 0) + frames
    while server.counts().get("frames.analysed", 0) < enough:
        assert time.monotonic() < ends_at, "frames are not analysed any more"
        time.sleep(0.02)


def test_swaps_under_load_lose_no_frame_and_mix_no_two_models(server: RunningServer, shelf: Path) -> None:
    with under_load(server) as load:
        for revision, name in zip(range(2, 8), itertools.cycle(("two", "one")), strict=False):
            swap(server, shelf, name, revision)
            analysed_more(server, 8)  # by count, not by time: how fast frames go depends on the machine
    server.wait_until_idle()
    assert len(load.frames) >= 6 * 8
    versions: Counter[str] = Counter()
    with server.client(load.tokens["car-1"]) as client:
        client.headers["Authorization"] = f"Bearer {server.admin_token}"
        for frame in load.frames:
            report = client.get(f"/v1/frames/{frame}").raise_for_status().json()["report"]
            assert report is not None, "an accepted frame was lost"
            assert report["drop"] is None, report
            score, limit = EXPECTED[report["model_version"]]
            (found,) = report["detections"]
            assert found["score"] == pytest.approx(score, abs=1e-3)
            assert found["drop"]["numbers"]["drop_below"] == limit
            versions[report["model_version"]] += 1
    assert set(versions) == set(EXPECTED)
    assert min(versions.values()) >= 8
    assert sum(versions.values()) == len(load.frames) == server.counts()["frames.analysed"]


def test_a_corrupt_model_never_replaces_the_running_one_and_the_server_says_why(
    server: RunningServer, shelf: Path
) -> None:
    network = shelf / "models/two/two.fp32.onnx"
    whole = network.read_bytes()
    network.write_bytes(whole[:-200])
    with under_load(server) as load:
        write_registry(shelf, champion=shelf / "models/two/two.json", revision=2)
        place = until(server, lambda place: place["fault"] is not None)
        assert place["version"] == "one 1"
        assert "two.fp32.onnx: sha256 is" in place["fault"]
        time.sleep(1.0)  # ten looks at the registry
    server.wait_until_idle()
    text = httpx.get(f"{server.url}/metrics").text
    assert 'xuncheng_model{alias="champion",version="one 1"} 1.0' in text
    assert 'xuncheng_model_fault{alias="champion"} 1.0' in text
    assert server.counts()["frames.analysed"] == len(load.frames) > 10
    assert len(re.findall('"event": "model_refused"', server.log.read_text("utf-8"))) == 1
    network.write_bytes(whole)
    with server.client() as admin:
        answer = admin.post("/v1/models/reload").raise_for_status().json()
    assert (answer["champion"]["version"], answer["champion"]["fault"]) == ("two 1", None)
    assert answer["candidate"]["version"] is None
