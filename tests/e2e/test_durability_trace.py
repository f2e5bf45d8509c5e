"""System calls say what is on disk: file, folder and database log are synced before a frame is acknowledged."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.queue_process import numbered

_TESTS = Path(__file__).parents[1]
_CALLS = "fsync,fdatasync,rename,renameat,renameat2,write"


def traced(folder: Path, log: Path, count: int) -> list[str]:
    """The system calls of a process that accepts frames and analyses none, in order, with the paths of the files."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    command = [strace, "-f", "-y", "-s", "64", "-e", f"trace={_CALLS}", "-o", str(log)]
    command += [sys.executable, "-m", "support.queue_process", str(folder), "0", str(count), "0"]
    environment = {**os.environ, "PYTHONPATH": str(_TESTS)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=120)
    if "PTRACE" in done.stderr or "Operation not permitted" in done.stderr:
        pytest.skip(f"tracing is not allowed here: {done.stderr.splitlines()[0]}")
    assert done.returncode == 0, done.stderr
    return log.read_text().splitlines()


def position(calls: Sequence[str], pattern: str, after: int, before: int) -> int:
    """Where a call stands between two others."""
    for index in range(after + 1, before):
        if re.search(pattern, calls[index]) and not calls[index].endswith("<unfinished ...>"):
            return index
    pytest.fail(f"no {pattern} between:\n" + "\n".join(calls[after : before + 1]))


def test_file_folder_and_log_are_synced_before_a_frame_is_acknowledged(tmp_path: Path) -> None:
    calls = traced(tmp_path / "data", tmp_path / "trace", 3)
    spool = re.escape(str(tmp_path / "data" / "spool"))
    begun = position(calls, r'write\(2<[^>]*>, "ready', -1, len(calls))
    for number in range(3):
        acknowledged = position(calls, rf'write\(2<[^>]*>, "{number}\\n"', begun, len(calls))
        name = numbered(number).id
        file = position(calls, rf"f(data)?sync\(\d+<{spool}/\.{name}\.[^>]*\.part>\) += 0", begun, acknowledged)
        renamed = position(calls, rf"rename\w*\(.*{name}\.[0-9a-f]*\.part\".*/{name}\"\) += 0", file, acknowledged)
        folder = position(calls, rf"f(data)?sync\(\d+<{spool}>\) += 0", renamed, acknowledged)
        position(calls, r"f(data)?sync\(\d+<[^>]*xuncheng\.sqlite-wal>\) += 0", folder, acknowledged)
        begun = acknowledged
