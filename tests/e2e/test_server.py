"""`xuncheng serve` as a process: starts, drains, survives, tells no secrets."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.app import write_model
from support.equal_posts import CLIENTS, post_together
from support.posting import CAMERA_JSON, DEVICE, a_meta, a_picture, around_a_thing, post
from support.rounds import rounds
from support.server import RunningServer, ServerPlan, run_xuncheng, running_server, start_server


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server for tests that leave it running."""
    folder = tmp_path_factory.mktemp("lasting")
    with running_server(ServerPlan(data_folder=folder / "data", card=write_model(folder / "model"))) as running:
        yield running


@pytest.fixture
def plan(tmp_path: Path) -> ServerPlan:
    """A server with the tiny model over an empty record."""
    return ServerPlan(data_folder=tmp_path / "data", card=write_model(tmp_path / "model"))


@pytest.fixture
def server(plan: ServerPlan) -> Iterator[RunningServer]:
    """A running server."""
    with running_server(plan) as running:
        yield running


def test_a_drive_becomes_a_case_that_the_command_line_lists(lasting: RunningServer) -> None:
    with lasting.client(lasting.device_token(DEVICE, {"front": CAMERA_JSON})) as device:
        for i, meta in enumerate(around_a_thing()):
            assert post(device, meta, a_picture(i)).status_code == 202
    lasting.wait_until_idle()
    (case,) = [json.loads(line) for line in run_xuncheng(lasting.plan, "cases", "list", "--json").splitlines()]
    assert (case["class_name"], case["code"], case["state"]) == ("garbage", "06010", "filed")


def test_sigterm_finishes_what_is_in_hand_and_ends_well(server: RunningServer) -> None:
    with server.client(server.device_token(DEVICE)) as device:
        frames = [post(device, a_meta(camera=f"c{i}"), a_picture(i)).json()["frame"] for i in range(10)]
        assert server.stop() == 0
    after = server.again()
    try:
        counts = after.wait_until_idle()
        assert counts["frames.analysed"] == 10
        with after.client() as client:
            assert all(client.get(f"/v1/frames/{frame}").json()["report"]["is_analysed"] for frame in frames)
    finally:
        assert after.stop() == 0


def test_frames_that_were_accepted_survive_kill_9_and_are_counted_once(server: RunningServer) -> None:
    with server.client(server.device_token(DEVICE)) as device:
        metas = [a_meta(camera=f"c{i}") for i in range(10)]
        accepted = [post(device, meta, a_picture(i)).json()["frame"] for i, meta in enumerate(metas)]
    server.kill()
    after = server.again()
    try:
        assert after.wait_until_idle()["frames.analysed"] == 10
        with after.client(after.device_token(DEVICE)) as device:
            again = [post(device, meta, a_picture(i)) for i, meta in enumerate(metas)]
        assert [(one.status_code, one.json()["frame"]) for one in again] == [(200, frame) for frame in accepted]
    finally:
        after.stop()


def test_a_waiting_request_is_answered_while_the_server_drains(plan: ServerPlan) -> None:
    slow = ServerPlan(data_folder=plan.data_folder, card=plan.card, workers=0, settings={"wait_s": "2"})
    server = start_server(slow)
    try:
        answers: list[httpx.Response] = []
        with server.client(server.device_token(DEVICE)) as device:
            waiting = threading.Thread(target=lambda: answers.append(post(device, a_meta(), a_picture(), wait=True)))
            waiting.start()
            while server.counts().get("frames.queued") != 1:
                time.sleep(0.05)
            assert server.stop() == 0
            waiting.join(10)
        assert [one.status_code for one in answers] == [202]
    finally:
        server.kill()


def test_another_process_may_analyse_what_this_one_accepts(plan: ServerPlan) -> None:
    with running_server(ServerPlan(data_folder=plan.data_folder, card=plan.card, workers=0)) as server:
        with server.client(server.device_token(DEVICE)) as device:
            post(device, a_meta(), a_picture()).raise_for_status()
        assert server.counts()["frames.queued"] == 1
        command = [sys.executable, "-m", "inference_server.cli", "work", "--workers", "1"]
        worker = subprocess.Popen(command, env=plan.environment(), stderr=subprocess.DEVNULL)
        try:
            assert server.wait_until_idle(150.0)["frames.analysed"] == 1
        finally:
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(60) == 0


def test_it_listens_on_this_machine_only_and_its_console_link_works_once(lasting: RunningServer) -> None:
    assert lasting.url.startswith("http://127.0.0.1:")
    if lasting.console_url is None:
        pytest.skip("the console's libraries are not built: see inference_server/console/vendor.py")
    with httpx.Client(follow_redirects=False) as browser:
        assert browser.get(lasting.console_url).status_code == 303
    with httpx.Client(follow_redirects=False) as stranger:
        assert stranger.get(lasting.console_url).status_code != 303


def test_the_log_has_one_json_line_per_frame_and_no_secret(server: RunningServer) -> None:
    secret = server.device_token(DEVICE)
    with server.client(secret) as device:
        frame = post(device, a_meta(), a_picture(), wait=True).json()["frame"]
    server.stop()
    lines = [line for line in server.log.read_text().splitlines() if line.startswith("{")]
    done = [json.loads(line) for line in lines if '"frame_done"' in line]
    assert [(line["frame"], line["camera"]) for line in done] == [(frame, f"{DEVICE}/front")]
    assert secret not in server.log.read_text()
    assert server.admin_token not in server.log.read_text()


def test_a_port_that_is_taken_is_told_in_one_line(lasting: RunningServer) -> None:
    command = [sys.executable, "-m", "inference_server.cli", "serve", "--port", lasting.url.rpartition(":")[2]]
    done = subprocess.run(
        command, env=lasting.plan.environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 4
    assert "outside: OSError" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.crash
def test_a_hundred_equal_posts_at_once_are_one_row_on_sqlite_too(plan: ServerPlan) -> None:
    frames = rounds(3, 200)
    with running_server(ServerPlan(data_folder=plan.data_folder, card=plan.card, workers=0)) as server:
        answers = post_together(server.url, server.device_token(DEVICE), DEVICE, frames)
        assert answers == [Counter({200: CLIENTS - 1, 202: 1})] * frames
        assert server.counts()["frames.queued"] == frames
