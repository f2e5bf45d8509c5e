"""System calls say it: a frame is on the disk before the vehicle calls it taken."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_ADDING = """
import sys
from pathlib import Path
from patrol.buffer import Buffer
from support.captured import a_captured_frame
with Buffer(Path(sys.argv[1])) as buffer:
    print("ready", flush=True)
    for number in range(3):
        buffer.add(a_captured_frame(number))
        print("added", flush=True)
        buffer.mark_sent(number + 1, server_frame="f", duplicate=False)
        print("marked", flush=True)
"""


def test_each_step_is_synced_before_it_is_said_to_be_done(tmp_path: Path) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    path, log = tmp_path / "buffer.sqlite", tmp_path / "trace"
    command = [strace, "-f", "-y", "-e", "trace=fsync,fdatasync,write", "-o", str(log)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [*command, sys.executable, "-c", _ADDING, str(path)],
        capture_output=True, text=True, env=environment, check=False, timeout=60,
    )  # fmt: skip
    if "PTRACE" in done.stderr or "Operation not permitted" in done.stderr:
        pytest.skip(f"tracing is not allowed here: {done.stderr.splitlines()[0]}")
    assert done.returncode == 0, done.stderr
    said = re.compile(r'write\(1<[^>]*>, "(ready|added|marked)')
    synced = re.compile(rf"f(data)?sync\(\d+<{re.escape(str(path))}-wal>\) += 0")
    steps = [
        "synced" if synced.search(line) else match.group(1)
        for line in log.read_text().splitlines()
        if (match := said.search(line)) or synced.search(line)
    ]
    after_ready = steps[steps.index("ready") :]
    assert re.fullmatch(r"ready( (synced )+added (synced )+marked){3}( synced)*", " ".join(after_ready))
