"""A disk that fails or is full: what was accepted is analysed once, what was not is refused in good form."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.app import write_model
from support.posting import CAMERA_JSON, a_meta, a_picture, post
from support.server import RunningServer, ServerPlan, running_server

DEVICE = "zhe-A-1027"
_BEGIN = datetime.now(UTC) - timedelta(minutes=1)
# not `write`, which also wakes threads; the full disk fails it
_CALLS = ("fsync", "fdatasync", "rename", "pwrite64", "unlink")
_MOST_OF_A_KIND = 60  # calls of one frame in one thread; 34 writes of the record were the most
_AS_ACCEPTED = re.compile(r"(fsync|rename)\(.*/spool.*\(INJECTED\)")  # before the answer, so it has to tell
_TRIES = 8
_PATIENCE_S = 60.0
_DISK_BYTES, _LEFT_BYTES = 24 << 20, 300_000


@contextmanager
def failing(server: RunningServer, call: str, number: int, log: Path) -> Iterator[None]:
    """For the length of a block the n-th call of this kind fails in each thread of the server."""
    command = ["strace", "-f", "-y", "-e", f"trace={call}", "-e", f"inject={call}:error=EIO:when={number}"]
    command += ["-o", str(log), "-p", str(server.process.pid)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        said = tracer.stderr.readline()
        if "attached" not in said:
            pytest.skip(f"tracing is not allowed here: {said}")
        try:
            yield
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.communicate(timeout=20)


def posted(client: httpx.Client, meta: dict[str, Any], picture: bytes) -> tuple[str, int]:
    """The id of a frame that was sent until it was accepted, as a vehicle does, and how often it was refused."""
    for refusals in range(_TRIES):
        answer = post(client, meta, picture)
        if answer.status_code in (200, 202):
            return str(answer.json()["frame"]), refusals
        assert answer.status_code in (429, 503), answer.text
        assert float(answer.headers["retry-after"]) > 0
        time.sleep(0.2)
    pytest.fail(f"not accepted in {_TRIES} tries: {answer.status_code} {answer.text}")


def reported(client: httpx.Client, frame: str) -> dict[str, Any]:
    """The report of a frame, as soon as it is there."""
    ends_at = time.monotonic() + _PATIENCE_S
    while time.monotonic() < ends_at:
        report = client.get(f"/v1/frames/{frame}").raise_for_status().json()["report"]
        if report is not None:
            return dict(report)
        time.sleep(0.05)
    pytest.fail(f"frame {frame} has no report after {_PATIENCE_S} s")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "none", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"mounting is not allowed here: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    """A server with one worker."""
    settings = {"min_free_bytes": "1000000"}
    plan = ServerPlan(data_folder=tmp_path / "data", card=write_model(tmp_path / "model"), workers=1, settings=settings)
    with running_server(plan) as running:
        yield running


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("call", _CALLS)
def test_whichever_call_of_a_frame_fails_the_frame_is_analysed_once(
    server: RunningServer, call: str, tmp_path: Path
) -> None:
    secret = server.device_token(DEVICE, {"front": CAMERA_JSON})
    frames: list[str] = []
    faults, refused = 0, 0
    with server.client(secret) as device:
        for number in range(1, _MOST_OF_A_KIND + 1):
            log = tmp_path / f"{call}-{number}"
            with failing(server, call, number, log):
                frame, refusals = posted(device, _meta(number), a_picture(number))
                reported(device, frame)
            frames.append(frame)
            injected = [line for line in log.read_text().splitlines() if "(INJECTED)" in line]
            if not injected:
                break
            faults += len(injected)
            refused += refusals
            assert refusals or not any(_AS_ACCEPTED.search(line) for line in injected), injected
        else:
            pytest.fail(f"a frame makes more than {_MOST_OF_A_KIND} calls of {call}")
        assert faults > 0
        assert (refused > 0) == (call != "unlink")  # a frame is removed after its answer
        reports = [reported(device, frame) for frame in frames]
    assert [report["drop"] for report in reports] == [None] * len(frames)
    counts = server.wait_until_idle()
    assert counts["frames.analysed"] == len(set(frames)) == len(frames)
    assert httpx.get(f"{server.url}/readyz").status_code == 200
    left = [path.name for path in (server.plan.data_folder / "spool").iterdir() if not path.name.startswith(".")]
    assert len(left) <= (faults if call == "unlink" else 0)


def test_a_full_disk_refuses_frames_in_good_form_and_goes_on_when_there_is_room_again(
    small_disk: Path, tmp_path: Path
) -> None:
    settings = {"min_free_bytes": "1"}  # so that the disk itself says no
    plan = ServerPlan(data_folder=small_disk, card=write_model(tmp_path / "model"), workers=1, settings=settings)
    with running_server(plan) as server:
        secret = server.device_token(DEVICE, {"front": CAMERA_JSON})
        with server.client(secret) as device:
            accepted = [posted(device, _meta(0), a_picture(0))[0]]
            filler = small_disk / "filler"
            filler.write_bytes(bytes(shutil.disk_usage(small_disk).free - _LEFT_BYTES))
            answers = [post(device, _meta(number), a_picture(number)) for number in range(1, 12)]
            accepted += [answer.json()["frame"] for answer in answers if answer.status_code == 202]
            refused = [answer for answer in answers if answer.status_code != 202]
            assert refused
            assert {answer.status_code for answer in refused} <= {429, 503}
            assert all(float(answer.headers["retry-after"]) > 0 for answer in refused)
            last = small_disk / "last"
            last.write_bytes(bytes(shutil.disk_usage(small_disk).free))
            with server.client() as admin:  # not a byte is left for the record itself
                told = [admin.post("/v1/devices", json={"id": f"car-{n}", "name": "x" * 200}) for n in range(40)]
            assert {answer.status_code for answer in told} - {200, 201} == {503}
            assert httpx.get(f"{server.url}/healthz").status_code == 200
            assert httpx.get(f"{server.url}/readyz").status_code == 503
            filler.unlink()
            last.unlink()
            accepted += [posted(device, _meta(number), a_picture(number))[0] for number in range(1, 12)]
            assert all(reported(device, frame)["drop"] is None for frame in accepted)
        assert server.wait_until_idle()["frames.analysed"] == len(set(accepted)) == 12
        assert httpx.get(f"{server.url}/readyz").status_code == 200
        assert "log_could_not_be_written" in server.log.read_text()


def _meta(number: int) -> dict[str, Any]:
    """The meta of a frame; the car has moved on by eleven metres since the one before."""
    position = {"lat": 30.2741 + 1e-4 * number, "lon": 120.1551, "datum": "wgs84", "accuracy_m": 2.5}
    taken_at = (_BEGIN + timedelta(seconds=number)).isoformat()
    return a_meta(position=position, seq=number, taken_at=taken_at)
