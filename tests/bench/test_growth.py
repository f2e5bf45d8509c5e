"""The measurement of growth, on few cases."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parent


def test_a_drive_is_measured_among_as_many_past_cases_as_were_asked_for() -> None:
    command = [sys.executable, str(BENCH / "growth.py"), "--past", "20", "2000", "--area-km2", "2", "--rounds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    *sizes, ratio = (json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))
    assert [one["past_cases"] for one in sizes] == [20, 2000]
    assert all(one["cpu_ms_a_frame"] > 0 for one in sizes)
    assert all(0 < one["kept_bytes_a_frame"] < one["record_bytes_a_frame"] for one in sizes)
    assert (ratio["over"], ratio["of"]) == (20, 2000)
    few, many = (int(near) for near in re.findall(r"(\d+) within reach", done.stderr))
    assert few <= 12
    assert 120 <= many <= 280  # 2,000 over two square kilometres, of which the drive reaches a tenth
