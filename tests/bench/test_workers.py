"""The measurement of workers, on few frames."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.own_server import binary

BENCH = Path(__file__).parent
CARD = BENCH.parents[1] / "weights" / "xuncheng-n.json"


def test_one_and_two_workers_are_measured_on_the_same_frames() -> None:
    if not CARD.is_file():
        pytest.skip("no weights yet: weights/xuncheng-n.json is missing")
    binary("postgres", "postgresql")
    binary("nats-server", "nats-server")
    command = [sys.executable, str(BENCH / "workers.py"), "--frames", "16", "--rounds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    one, two, ratio = (json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))
    assert [(turn["workers"], turn["frames"]) for turn in (one, two)] == [(1, 16), (2, 16)]
    assert ratio["two_over_one"] == pytest.approx(two["frames_a_second"] / one["frames_a_second"], abs=0.05)
