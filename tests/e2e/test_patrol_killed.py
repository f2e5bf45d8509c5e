"""The uploading process or the server is killed; the server still gets every frame, and counts each once."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.captured import a_captured_frame
from support.onnx_model import write_fixed_model
from support.posting import a_picture
from support.receiver import Receiver, running
from support.server import ServerPlan, running_server

from patrol.buffer import Buffer
from patrol.buffer_state import counts
from patrol.link import UploadSettings
from patrol.upload import Uploader

FRAMES, CAMERAS = 40, ("front", "right")

_UPLOADING = """
import sys
from pathlib import Path
from patrol.buffer import Buffer
from patrol.link import UploadSettings
from patrol.upload import Uploader
with Buffer(Path(sys.argv[1])) as buffer, Uploader(buffer, UploadSettings(server=sys.argv[2], token="t")) as uploader:
    print("sending", flush=True)
    uploader.drain(patience_s=30)
"""


def upload_until_killed(path: Path, url: str, after_s: float) -> int:
    """The exit code of an upload that is killed after a while, if it is not done before."""
    command = [sys.executable, "-c", _UPLOADING, str(path), url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as uploading:
        assert uploading.stdout is not None
        uploading.stdout.readline()
        time.sleep(after_s)
        uploading.send_signal(signal.SIGKILL)
    return uploading.returncode


@pytest.mark.crash
def test_killing_the_upload_at_any_moment_loses_no_frame_and_counts_none_twice(tmp_path: Path) -> None:
    path, chance = tmp_path / "buffer.sqlite", random.Random(8)
    with Buffer(path) as buffer:
        for number in range(FRAMES):
            for camera in CAMERAS:
                buffer.add(a_captured_frame(number, camera=camera))
    receiver, kills = Receiver(delay_s=0.02), 0
    with running(receiver):
        for _ in range(12):
            kills += upload_until_killed(path, receiver.url, chance.uniform(0.0, 0.35)) == -signal.SIGKILL
        subprocess.run([sys.executable, "-c", _UPLOADING, str(path), receiver.url], check=True, timeout=60)
    with Buffer(path) as buffer:
        found = counts(buffer.file)
    assert kills >= 5
    assert (found.sent, found.waiting, found.parked) == (FRAMES * len(CAMERAS), 0, 0)
    assert receiver.times_new == FRAMES * len(CAMERAS)
    assert len(receiver.requests) >= receiver.times_new + found.duplicates
    for camera in CAMERAS:
        firsts = list(dict.fromkeys(taken.meta["seq"] for taken in receiver.requests if taken.meta["camera"] == camera))
        assert firsts == list(range(FRAMES)), "the order of the camera is kept across the kills"


@pytest.mark.crash
def test_a_kill_between_answer_and_mark_ends_as_a_duplicate(tmp_path: Path) -> None:
    path = tmp_path / "buffer.sqlite"
    with Buffer(path) as buffer:
        buffer.add(a_captured_frame())
    receiver = Receiver(delay_s=0.5)
    with running(receiver):
        command = [sys.executable, "-c", _UPLOADING, str(path), receiver.url]
        with subprocess.Popen(command) as uploading:
            while not receiver.requests:
                time.sleep(0.01)
            uploading.send_signal(signal.SIGKILL)
        time.sleep(0.8)  # the server goes on and stores what it has received
        assert receiver.times_new == 1
        receiver.delay_s = 0.0
        subprocess.run(command, check=True, timeout=60)
    with Buffer(path) as buffer:
        found = counts(buffer.file)
    assert (found.sent, found.duplicates, receiver.times_new) == (1, 1, 1)


@pytest.mark.crash
def test_a_killed_server_that_comes_back_has_every_frame_once(tmp_path: Path) -> None:
    plan = ServerPlan(data_folder=tmp_path / "data", card=write_fixed_model(tmp_path / "model"))
    with Buffer(tmp_path / "buffer.sqlite") as buffer, running_server(plan) as server:
        for number in range(FRAMES):
            buffer.add(a_captured_frame(number, picture=a_picture(number, 160, 96)))
        settings = UploadSettings(server=server.url, token=server.device_token("zhe-A-1027"), longest_wait_s=1.0)
        with Uploader(buffer, settings) as uploader:
            while uploader.tally["accepted"] < FRAMES // 4:
                uploader.check()
                time.sleep(0.01)
            server.kill()
            sent_before = counts(buffer.file).sent
            back = server.again()
            uploader.drain(patience_s=60)
        found, stored = counts(buffer.file), back.wait_until_idle()
        back.stop()
    assert FRAMES // 4 <= sent_before < FRAMES, "the kill came in the middle"
    assert (found.sent, found.parked, found.waiting) == (FRAMES, 0, 0)
    assert sum(count for name, count in stored.items() if name.startswith("frames.")) == FRAMES
