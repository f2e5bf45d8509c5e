"""The speed comparison runs, and the detector costs no more than the naive way in the same run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("speed.py")
WEIGHTS = SCRIPT.parents[2] / "weights" / "xuncheng-n.json"


def test_a_frame_costs_no_more_than_the_naive_way() -> None:
    if not WEIGHTS.is_file():
        pytest.skip("no weights yet: weights/xuncheng-n.json is missing")
    command = [sys.executable, str(SCRIPT), "--rounds", "5", "--without-ultralytics"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (line,) = done.stdout.splitlines()
    figures = json.loads(line)
    assert figures["cpu_ms"]["ours_fp32"]["total"] > 0
    assert (
        figures["ratios"]["naive_same_network/ours_fp32"] > 0.85
    )  # 1.05 on one core, 1.7 on two; a busy machine sways
    assert figures["ratios"]["naive_same_network/ours_int8"] > 1
