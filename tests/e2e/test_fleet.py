"""A fleet of real processes: a server that analyses nothing, two workers, PostgreSQL, NATS, pictures on S3."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from support.app import write_model
from support.equal_posts import CLIENTS, post_together
from support.fleet import Fleet, running_fleet
from support.own_server import binary, free_port
from support.posting import CAMERA_JSON, DEVICE, a_meta, a_picture, around_a_thing, post
from support.rounds import rounds
from support.waiting import until

from inference_server.adapters import tables
from inference_server.adapters.database import Database

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """One fleet for all tests of this file; none of them leaves frames behind."""
    folder = tmp_path_factory.mktemp("fleet")
    with running_fleet(folder, write_model(folder / "model")) as running:
        for worker in running.workers:
            worker.wait_until_ready()
        yield running


def ready(fleet: Fleet) -> dict[str, Any]:
    """What the health page says."""
    answer: dict[str, Any] = httpx.get(f"{fleet.server.url}/readyz", timeout=10.0).json()
    return answer


def sent(fleet: Fleet, count: int, cameras: tuple[str, ...]) -> None:
    """Frames of a device's cameras, one after the other, all accepted."""
    with fleet.server.client(fleet.server.device_token("car-9")) as device:
        for number in range(count):
            for camera in cameras:
                meta = a_meta(device="car-9", camera=camera, seq=number)
                assert post(device, meta, a_picture(number)).status_code in (200, 202)


def analysed_in_order(fleet: Fleet, camera: str) -> list[int]:
    """The numbers of a camera's frames, in the order in which they were done."""
    database = Database(fleet.postgres.url("postgres"))
    frames = tables.frames
    with database.reading() as connection:
        rows = connection.execute(
            select(frames.c.seq)
            .where(frames.c.camera == camera, frames.c.state != "queued")
            .order_by(frames.c.analysed_at)
        )
        numbers = [row.seq for row in rows]
    database.close()
    return numbers


def test_a_drive_becomes_a_case_with_its_evidence(fleet: Fleet) -> None:
    with fleet.server.client(fleet.server.device_token(DEVICE, {"front": CAMERA_JSON})) as device:
        for number, meta in enumerate(around_a_thing()):
            post(device, meta, a_picture(number)).raise_for_status()
    fleet.server.wait_until_idle()
    with fleet.server.client() as client:
        (case,) = client.get("/v1/cases").raise_for_status().json()["cases"]
        pictures = client.get(f"/v1/cases/{case['id']}").raise_for_status().json()["evidence"]
        assert pictures
        assert (
            client.get(f"/v1/cases/{case['id']}/evidence/{pictures[0]['sha256']}").raise_for_status().content[:2]
            == b"\xff\xd8"
        )
    assert not any((fleet.server.plan.data_folder / "spool").iterdir()), "pictures lie in the object store"


def test_frames_of_a_camera_stay_in_order_whoever_analyses_them(fleet: Fleet) -> None:
    cameras = ("a", "b", "c", "d", "e")
    sent(fleet, 8, cameras)
    fleet.server.wait_until_idle()
    for camera in cameras:
        assert analysed_in_order(fleet, f"car-9/{camera}") == list(range(8))


@pytest.mark.crash
def test_a_hundred_equal_posts_at_once_are_one_row(fleet: Fleet) -> None:
    frames = rounds(3, 200)
    answers = post_together(fleet.server.url, fleet.server.device_token("car-8"), "car-8", frames)
    assert answers == [Counter({200: CLIENTS - 1, 202: 1})] * frames
    fleet.server.wait_until_idle(300.0)
    assert len(analysed_in_order(fleet, "car-8/front")) == frames


def test_the_health_page_tells_of_the_workers(fleet: Fleet) -> None:
    until(lambda: ready(fleet)["status"] == "ready")
    assert ready(fleet)["checks"]["workers"] == "ok"
    assert ready(fleet)["checks"]["bus"] == "ok"


def test_a_hung_worker_is_replaced_within_ten_seconds_and_its_frames_go_on(fleet: Fleet) -> None:
    worker = fleet.workers[0]
    worker.wait_until_ready()
    before, starts = worker.child(), worker.log().count("worker_ready")
    assert before is not None
    before.send_signal(signal.SIGSTOP)
    hung_s = time.monotonic()
    until(lambda: "worker_hangs" in worker.log())
    found_s = time.monotonic() - hung_s
    until(lambda: worker.log().count("worker_ready") > starts)
    replaced_s = time.monotonic() - hung_s
    sent(fleet, 2, ("f", "g"))
    assert fleet.server.wait_until_idle()["frames.analysed"] > 0
    assert found_s < 5.0 + 5.0  # and what a busy machine may add
    assert replaced_s < 10.0 + 20.0
    after = worker.child()
    assert after is not None
    assert after.pid != before.pid


def test_a_worker_told_to_stop_finishes_what_it_has_in_hand_within_ten_seconds(fleet: Fleet) -> None:
    for worker in fleet.workers:
        worker.wait_until_ready()
    sent(fleet, 5, ("h", "i", "j"))
    for worker in fleet.workers:
        begun_s = time.monotonic()
        assert worker.stop() == 0
        assert time.monotonic() - begun_s < 10.0
    counts = fleet.server.counts()
    assert counts.get("frames.dropped.failed", 0) == 0
    until(lambda: "no worker process" in ready(fleet)["checks"]["workers"])
    assert ready(fleet)["status"] == "degraded"
    for worker in fleet.workers:
        worker.start()
    fleet.server.wait_until_idle(120.0)
    for camera in ("h", "i", "j"):
        assert analysed_in_order(fleet, f"car-9/{camera}") == list(range(5))


def test_the_script_without_containers_starts_the_same_fleet_and_stops_it(tmp_path: Path) -> None:
    for program, package in (("postgres", "postgresql"), ("nats-server", "nats-server")):
        binary(program, package)
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("XUNCHENG_")},
        "XUNCHENG_PORT": str(port),
        "XUNCHENG_WEIGHTS": str(write_model(tmp_path / "model")),
        "FLEET_POSTGRES_PORT": str(free_port()),
        "FLEET_NATS_PORT": str(free_port()),
        "FLEET_XUNCHENG": str(ROOT / ".venv" / "bin" / "xuncheng"),
    }
    tmp_path.chmod(0o755)
    folder = Path("/tmp") / f"xuncheng-fleet-{port}"  # PostgreSQL's user cannot enter pytest's folders
    process = subprocess.Popen([ROOT / "docker" / "fleet", folder, "1"], env=environment, stderr=subprocess.DEVNULL)
    try:
        until(lambda: _all_well(port), 120.0)
        with socket.create_connection(("127.0.0.1", port), timeout=5.0):
            pass
    finally:
        begun_s = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        shutil.rmtree(folder, ignore_errors=True)
    assert time.monotonic() - begun_s < 25.0
    for name in ("FLEET_POSTGRES_PORT", "FLEET_NATS_PORT", "XUNCHENG_PORT"):
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", int(environment[name])), timeout=1.0)


def _all_well(port: int) -> bool:
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5.0).json()
    except httpx.TransportError:
        return False
    return bool(answer["status"] == "ready" and answer["checks"]["workers"] == "ok")
