"""What a process and its children use: processor time and memory."""

from __future__ import annotations

import os
import re
from pathlib import Path

import psutil

_KB_IN_MB = 1000.0 / 1024.0 * 1000.0  # smaps counts in 1024 bytes, an MB is a million


def tree(pid: int) -> list[psutil.Process]:
    """A process and all its living children."""
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def cpu_s(pid: int) -> float:
    """Processor seconds of a process, of its living children and of those it has waited for."""
    used = 0.0
    for process in tree(pid):
        times = process.cpu_times()
        used += times.user + times.system + times.children_user + times.children_system
    return used


def memory_mb(pid: int, what: str = "Pss") -> float:
    """Memory of a process and its children; `Pss` counts a page that several processes share once, in parts."""
    found_kb = 0
    for process in tree(pid):
        text = Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="ascii")
        line = re.search(rf"^{what}: +(\d+) kB$", text, re.MULTILINE)
        found_kb += int(line.group(1)) if line else 0
    return found_kb / _KB_IN_MB


def keep_to(cores: int) -> None:
    """Nothing; this process and those that it starts run on so many cores, where the system lets one say so."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
