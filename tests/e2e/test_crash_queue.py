"""The process that accepts and analyses is killed again and again: no frame is lost, none counts twice."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import select
from support.queue_process import CAMERAS, numbered, work_on
from support.rounds import rounds

from inference_server.adapters import tables
from inference_server.adapters.opening import open_adapters
from inference_server.worker import work_once

KILLS, MOST_FRAMES = rounds(8, 100), 400
_TESTS = Path(__file__).parents[1]


def run_until_killed(folder: Path, first: int, after_s: float) -> tuple[int, bool]:
    """The first number that was not acknowledged, and whether the process was killed at its work."""
    command = [sys.executable, "-m", "support.queue_process", str(folder), str(first), str(MOST_FRAMES), "2"]
    environment = {**os.environ, "PYTHONPATH": str(_TESTS)}
    acknowledged = first
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "ready\n"
        killing = threading.Timer(after_s, process.send_signal, [signal.SIGKILL])
        killing.start()
        for line in process.stderr:
            if line.endswith("\n"):
                acknowledged = int(line) + 1
        killing.cancel()
    return acknowledged, process.returncode == -signal.SIGKILL


@pytest.mark.crash
def test_killing_the_queue_at_any_moment_loses_no_frame_and_counts_none_twice(tmp_path: Path) -> None:
    folder, chance, first, kills = tmp_path / "data", random.Random(20261122), 0, 0
    for _ in range(KILLS):
        acknowledged, was_killed = run_until_killed(folder, first, chance.uniform(0.02, 0.7))
        kills += was_killed
        # As a device would: the frame without an answer is sent again, after the restart.
        first = acknowledged
    record = open_adapters(None, folder)
    assert kills >= KILLS // 2
    assert first > KILLS
    until_s = time.monotonic() + 60.0
    while record.queue.depth():
        assert time.monotonic() < until_s
        work_once(work_on(record), wait_s=0.2)
    with record.database.reading() as connection:
        told = connection.execute(select(tables.events).order_by(tables.events.c.sequence)).all()
        stored = connection.execute(select(tables.frames.c.id)).scalars().all()
    # The last number may have been stored without an answer.
    assert {numbered(number).id for number in range(first)} <= set(stored) <= {numbered(n).id for n in range(first + 1)}
    assert sorted(event.id for event in told) == sorted(stored)
    for camera in CAMERAS:
        numbers = [event.data["seq"] for event in told if event.subject.endswith(camera)]
        assert numbers == sorted(numbers)
    assert record.store.counts() == {"frames.analysed": len(stored), "events.pending": len(stored)}
    record.close()
