"""How long an answer takes over HTTP, and what the server needs: four callers at once on two cores."""

from __future__ import annotations

import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
from speed_parts.usage import keep_to
from support.server import RunningServer, ServerPlan, running_server

from inference_server.settings import find_weights
from verify_parts.figures import Figure
from verify_parts.pairs import Pair, closure_pairs
from verify_parts.work import Work, say

PART = "speed"
CALLERS = 4
CORES = 2
_ROUNDS = 3  # over all pairs, each time as another case
_SLOWEST_S = 2.0
_MOST_MB = 600


def run(work: Work) -> Iterator[Figure]:
    """The share of answers over 2.0 s, which must be 5 % at most, and the largest memory of the server."""
    pairs = work.few(closure_pairs())
    keep_to(CORES)
    with tempfile.TemporaryDirectory() as folder:
        plan = ServerPlan(data_folder=Path(folder), card=find_weights() / "xuncheng-n.json")
        with running_server(plan) as server, _Watched(server) as memory:
            _ask_all(server, pairs[:CALLERS], "warm")
            before_s = memory.cpu_s()
            answers = [one for turn in range(_ROUNDS) for one in _ask_all(server, pairs, f"turn{turn}")]
            cpu_s = memory.cpu_s() - before_s
    times = np.array([seconds for seconds, _ in answers])
    faults = sum(status >= 500 for _, status in answers)
    more = {name: round(float(np.percentile(times, at)), 2) for name, at in (("p50_s", 50), ("p95_s", 95))}
    more["cpu_s_an_answer"] = round(cpu_s / len(answers), 2)
    say(f"load of the machine: {os.getloadavg()}")
    where = f"{CALLERS} callers, {CORES} cores, load {os.getloadavg()[0]:.0f}"
    slow = int((times > _SLOWEST_S).sum())
    yield Figure(part=PART, name="answers over 2.0 s", count=slow, of=len(times), at_most=0.05, where=where, more=more)
    yield Figure(part=PART, name="answers of 5xx", count=faults, of=len(times), at_most=0)
    yield Figure(part=PART, name="largest memory, MB", count=round(memory.largest_mb), of=0, at_most=_MOST_MB)


class _Watched:
    """The largest memory of a server, looked at ten times a second."""

    def __init__(self, server: RunningServer) -> None:
        self._process = psutil.Process(server.process.pid)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.largest_mb = 0.0

    def cpu_s(self) -> float:
        """Processor seconds that the server has used so far."""
        used = self._process.cpu_times()
        return float(used.user + used.system)

    def __enter__(self) -> _Watched:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.1):
            self.largest_mb = max(self.largest_mb, self._process.memory_info().rss / 1e6)


def _ask_all(server: RunningServer, pairs: list[Pair], turn: str) -> list[tuple[float, int]]:
    with ThreadPoolExecutor(CALLERS) as callers:
        return list(callers.map(lambda numbered: _ask(server, numbered[1], f"{turn}-{numbered[0]}"), enumerate(pairs)))


def _ask(server: RunningServer, pair: Pair, key: str) -> tuple[float, int]:
    """Seconds and status of one question with one photograph of each side."""
    request: dict[str, Any] = {
        "key": key,
        "case": {"number": key, "code": "06010"},
        "before": [{"part": "before_1"}],
        "after": [{"part": "after_1"}],
    }
    form: dict[str, Any] = {
        "request": (None, json.dumps(request), "application/json"),
        "before_1": ("before.jpg", pair.before.read_bytes(), "image/jpeg"),
        "after_1": ("after.jpg", pair.after.read_bytes(), "image/jpeg"),
    }
    with server.client() as client:
        client.timeout = 300.0
        started_s = time.perf_counter()
        answer: httpx.Response = client.post("/v1/verifications", files=form)
        return time.perf_counter() - started_s, answer.status_code
