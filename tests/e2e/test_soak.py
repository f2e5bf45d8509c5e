"""Ordinary work for a long time: every frame is analysed, no answer is a 5xx, and memory stays where it was."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import pytest
from support.app import write_model
from support.posting import CAMERA_JSON, a_picture, around_a_thing, post
from support.reported import a_request, ask, before, cleared, remaining
from support.rounds import is_long, rounds
from support.server import RunningServer, ServerPlan, running_server

pytestmark = [pytest.mark.crash, pytest.mark.timeout(2400 if is_long() else 300)]

WARM_S, WORK_S = rounds(15, 180), rounds(30, 900)
MOST_GROWTH = 1.05
CARS, PAUSE_S, THINK_S = 3, 0.15, 1.0
THINGS_APART_M = 60.0
PLACES = 4  # of the photographs that are asked about
PICTURES = 60


class Traffic:
    """Cars that find one thing after the other, a case system that asks about photographs, people who look."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self.answers: Counter[tuple[str, int]] = Counter()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._drive, args=(car,)) for car in range(CARS)]
        self._threads += [threading.Thread(target=self._ask), threading.Thread(target=self._look)]

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _drive(self, car: int) -> None:
        device = f"car-{car}"
        token = self.server.device_token(device, {"front": CAMERA_JSON})
        with self.server.client(token) as client:
            for number, meta in enumerate(_without_end(device, car)):
                # answered when it is analysed: a slow machine is not given more than it can do
                self._count("frame", post(client, meta, a_picture(number % PICTURES, 640, 360), wait=True))
                if self._stop.wait(PAUSE_S):
                    return

    def _ask(self) -> None:
        with self.server.client() as client:
            for number in itertools.count():
                after = (cleared if number % 2 else remaining)(number % PLACES)
                answer = ask(client, a_request(f"soak-{number}"), before_1=before(number % PLACES), after_1=after)
                self._count("verification", answer)
                if self._stop.wait(THINK_S):
                    return

    def _look(self) -> None:
        with self.server.client() as client:
            while not self._stop.wait(THINK_S):
                listed = client.get("/v1/cases", params={"limit": 50})
                self._count("list", listed)
                for case in listed.json()["cases"][-3:]:
                    self._count("case", client.get(f"/v1/cases/{case['id']}"))
                self._count("metrics", client.get("/metrics"))

    def _count(self, what: str, answer: httpx.Response) -> None:
        with self._lock:
            self.answers[what, answer.status_code] += 1


def _without_end(device: str, car: int) -> Iterator[dict[str, Any]]:
    """Things along a street of the car's own, each seen all around; moments rise and have all passed already."""
    begun_at = datetime.now(UTC) - timedelta(hours=20)
    for thing in itertools.count():
        north_m = THINGS_APART_M * (thing % 200) + 20_000.0 * car
        yield from around_a_thing(device=device, north_m=north_m, starts_at=begun_at + timedelta(seconds=20 * thing))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    plan = ServerPlan(data_folder=tmp_path / "data", card=write_model(tmp_path / "model"))
    with running_server(plan) as running:
        yield running


def test_ordinary_work_for_long_leaves_memory_where_it_was(
    server: RunningServer, record_property: pytest.RecordProperty
) -> None:
    with Traffic(server) as traffic:
        time.sleep(WARM_S)
        samples = _samples(server, WORK_S)
    counts = server.wait_until_idle()
    quarter = len(samples) // 4
    early, late = median(samples[:quarter]), median(samples[-quarter:])
    record_property("memory_mb", f"{early / 1e6:.0f} to {late / 1e6:.0f}")
    record_property("answers", dict(traffic.answers))
    accepted = traffic.answers["frame", 200]
    assert late <= early * MOST_GROWTH, f"{early / 1e6:.1f} MB became {late / 1e6:.1f} MB in {WORK_S} s"
    assert {status for _, status in traffic.answers} == {200}, traffic.answers
    assert {what for what, _ in traffic.answers} == {"frame", "verification", "list", "case", "metrics"}
    assert sum(n for what, n in counts.items() if what.startswith("frames.")) == accepted
    assert counts["frames.analysed"] > 0.9 * accepted


def _samples(server: RunningServer, seconds: float) -> list[int]:
    """The resident memory twice a second."""
    found = []
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        found.append(server.memory_bytes())
        time.sleep(0.5)
    return found
