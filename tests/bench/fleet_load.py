"""A fleet at one frame a second and car, against one real server: 100 cars, 30 % of them moving.

Cars send by the clock, whatever the server does: a slow server makes frames wait, not cars. Frames of standing cars are
posted like all others, and dropped by the gate as `not_moved`. Prints one JSON line: how many were answered 429, and
the seconds from before the upload to the commit of the result, over all frames and over analysed ones. Rules, gate and
model are those that ship. The load runs on the same two cores. `over_time` says of each tenth of the run what a frame
that was done in it cost, and how many waited at its end. `--stall 8` stops the server in the middle for so long, while
the cars drive on, and `recovered_after_s` is how long after that the results are no more than two seconds behind the
clock by which the frames are sent (none: they never were).
Usage: python tests/bench/fleet_load.py [--seconds 600] [--cars 100] [--moving 0.3] [--stall 0] [--check]
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path[:0] = [str(Path(__file__).parents[1])]

import numpy as np
from speed_parts.callers import post
from speed_parts.commits import Commits
from speed_parts.frames import FULL_HD, form_of
from speed_parts.usage import cpu_s, keep_to, memory_mb
from speed_parts.way import CARD, begin
from support.server import RunningServer, ServerPlan, running_server

from patrol.simulate.city import City, CityConfig
from patrol.simulate.drive import Drive, DriveConfig, SimCamera
from patrol.simulate.frames import SimFrame

CORES = 2
P95_S = 5.0
DRAIN_S = 900.0
PARTS = 10  # of the run that are told apart
LOOK_EVERY_S = 0.05  # of the load into the database: finer is nothing here, and costs the server's cores
RECOVERED_S = 2.0  # so many seconds' frames may be under way where the server keeps up
ROADS, PICTURES_A_ROAD, STEP_M = 4, 24, 8.0
APART_M = 3000.0  # between the roads of two cars: nobody meets another's cases
JITTER_M = 0.2  # of the fix of a car that stands
COMMENT = b"\xff\xfe"
M_A_DEGREE = 111_320.0


@dataclass(frozen=True, slots=True)
class Car:
    """One vehicle: its token, and its frames without end."""

    token: str
    frames: Iterator[tuple[dict[str, Any], bytes]]


@dataclass(slots=True)
class Sent:
    """What became of the frames."""

    began_s: dict[str, float] = field(default_factory=dict)  # accepted frame -> when its upload began
    statuses: Counter[int] = field(default_factory=Counter)
    late_s: float = 0.0  # how far the load itself fell behind


class Watch:
    """Looks at the server while the cars drive, and stops it in the middle where it is to stall. `parts`: of each part
    of the run `[its end in s, frames done, CPU ms each, waiting]`."""

    def __init__(self, process: subprocess.Popen[bytes], commits: Commits, options: argparse.Namespace) -> None:
        self._process, self._commits, self._options = process, commits, options
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._look, daemon=True)]
        if options.stall:
            self._threads.append(threading.Thread(target=self._stall, daemon=True))
        self.parts: list[list[float]] = []
        self.recovered_after_s: float | None = None

    def __enter__(self) -> Watch:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _look(self) -> None:
        begun_s, spent_s, done = time.monotonic(), cpu_s(self._process.pid), len(self._commits.done_s)
        for part in range(1, PARTS + 1):
            if self._over.wait(max(0.0, begun_s + part * self._options.seconds / PARTS - time.monotonic())):
                return
            now_s, now = cpu_s(self._process.pid), len(self._commits.done_s)
            each_ms = round(1000 * (now_s - spent_s) / max(1, now - done), 2)
            self.parts.append([round(time.monotonic() - begun_s, 1), now - done, each_ms, self._commits.waiting])
            spent_s, done = now_s, now

    def _stall(self) -> None:
        """The server stops, as one that the machine holds up for a while; only the cars go on."""
        begun_s, cars = time.monotonic(), self._options.cars
        if self._over.wait(self._options.seconds / 2):
            return
        self._process.send_signal(signal.SIGSTOP)
        try:
            self._over.wait(self._options.stall)
        finally:
            self._process.send_signal(signal.SIGCONT)
        goes_on_s = time.monotonic()
        while not self._over.wait(0.1):
            due_s = min(time.monotonic() - begun_s, self._options.seconds)
            if cars * due_s - len(self._commits.done_s) <= RECOVERED_S * cars:
                self.recovered_after_s = round(time.monotonic() - goes_on_s, 1)
                return


def main() -> int:
    """0 after printing; with --check 1 where there was a 429, a lost frame, or the p95 is over 5 s."""
    options = _options()
    begin()
    keep_to(CORES)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        plan = ServerPlan(data_folder=Path(folder), card=CARD, workers=CORES)
        database = plan.data_folder / "xuncheng.sqlite"
        with running_server(plan) as server, Commits(database, LOOK_EVERY_S) as commits:
            fleet = _fleet(server, options)
            before_s, own_s = cpu_s(server.process.pid), time.process_time()
            with Watch(server.process, commits, options) as watch:
                sent = _load(server, fleet, options.seconds, commits)
                drained_s = _drained_s(commits)
            spent_s, own_s = cpu_s(server.process.pid) - before_s, time.process_time() - own_s
            figures = _figures(sent, commits, database) | {
                "drained_after_s": round(drained_s, 1),
                "cpu_ms_a_frame": round(1000 * spent_s / max(1, len(sent.began_s)), 2),
                "load_cpu_ms_a_frame": round(1000 * own_s / max(1, len(sent.began_s)), 2),
                "pss_mb": round(memory_mb(server.process.pid)),
                "over_time": watch.parts,
                **({"recovered_after_s": watch.recovered_after_s} if options.stall else {}),
            }
    print(json.dumps({"cars": options.cars, "moving": options.moving, "seconds": options.seconds} | figures))
    is_good = not figures["answered_429"] and not figures["lost"] and figures["p95_s"] <= P95_S
    return 1 if options.check and not is_good else 0


def _fleet(server: RunningServer, options: argparse.Namespace) -> list[Car]:
    """The cars, registered; the first ones move. A few roads are drawn, and each car has one far from all others."""
    city = City(CityConfig(look="demo", seed=11, blocks=(3, 3), things=20, passes=1))
    cameras = (SimCamera(lens=FULL_HD),)
    drive = Drive(city, DriveConfig(vehicles=ROADS, passes=1, step_m=STEP_M, cameras=cameras, weather=("clear",)))
    roads = [list(itertools.islice(drive.frames_of(road, 0), PICTURES_A_ROAD)) for road in range(ROADS)]
    pictures = [[frame.jpeg() for frame in road] for road in roads]
    camera = next(iter(drive.mounts().values()))
    cars = []
    for car in range(options.cars):
        token = server.device_token(_device(car), {"front": camera})
        is_moving = car < round(options.cars * options.moving)
        cars.append(Car(token, _frames(car, roads[car % ROADS], pictures[car % ROADS], is_moving)))
    return cars


def _device(car: int) -> str:
    return f"fleet-{car:03d}"


def _load(server: RunningServer, fleet: Sequence[Car], seconds: int, commits: Commits) -> Sent:
    sent = Sent()
    with ThreadPoolExecutor(len(fleet)) as pool:
        for done in [pool.submit(_drive_on, server.url, car, seconds, commits, sent) for car in fleet]:
            done.result()
    return sent


def _drive_on(url: str, car: Car, seconds: int, commits: Commits, sent: Sent) -> None:
    """One car: a frame each second, counted from a moment of its own within the first second."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60.0)
    begun_s = time.monotonic() + random.random()
    for number in range(seconds):
        due_s = begun_s + number
        time.sleep(max(0.0, due_s - time.monotonic()))
        sent.late_s = max(sent.late_s, time.monotonic() - due_s)
        meta, jpeg = next(car.frames)
        body, headers = form_of(json.dumps(meta), jpeg)
        began_s = time.perf_counter()
        status, answer = post(connection, "/v1/frames", body, headers | {"Authorization": f"Bearer {car.token}"})
        sent.statuses[status] += 1
        if status == 202:
            frame_id = json.loads(answer)["frame"]
            sent.began_s[frame_id] = began_s
            commits.expect(frame_id)
    connection.close()


def _frames(
    car: int, road: list[SimFrame], pictures: list[bytes], is_moving: bool
) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Frames of one car without end: along its road and back, or standing. No two have the same bytes."""
    there = range(len(road)) if is_moving else (0,)
    back = range(len(road) - 2, 0, -1) if is_moving else ()
    for seq, place in enumerate(itertools.cycle((*there, *back))):
        now = datetime.now(UTC).isoformat()
        meta = road[place].meta | {"device": _device(car), "seq": seq, "taken_at": now, "sent_at": now}
        lat = road[place].fix.lat + (car * APART_M + random.gauss(0.0, JITTER_M)) / M_A_DEGREE
        meta["position"] = {"lat": round(lat, 7), "lon": road[place].fix.lon, "datum": "wgs84", "accuracy_m": 3.0}
        yield meta, _marked(pictures[place], f"{car} {seq}".encode())


def _marked(jpeg: bytes, text: bytes) -> bytes:
    """The picture with a comment: other bytes, the same pixels."""
    return jpeg[:2] + COMMENT + (len(text) + 2).to_bytes(2, "big") + text + jpeg[2:]


def _drained_s(commits: Commits) -> float:
    """Seconds until nothing waits any more."""
    begun_s = time.monotonic()
    while commits.waiting and time.monotonic() - begun_s < DRAIN_S:
        time.sleep(0.1)
    return time.monotonic() - begun_s


def _figures(sent: Sent, commits: Commits, database: Path) -> dict[str, Any]:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as reader:
        became = dict(reader.execute("SELECT id, coalesce(drop_reason, 'analysed') FROM frames"))
    took = {key: commits.done_s[key] - began_s for key, began_s in sent.began_s.items() if key in commits.done_s}
    return {
        "frames": sum(sent.statuses.values()),
        "answered_429": sent.statuses[429],
        "other_answers": {str(status): n for status, n in sent.statuses.items() if status not in (202, 429)},
        "became": dict(Counter(became[key] for key in took)),
        "lost": len(sent.began_s) - len(took),
        **_percentiles("", list(took.values())),
        **_percentiles("analysed_", [one for key, one in took.items() if became[key] == "analysed"]),
        "load_behind_s": round(sent.late_s, 2),
    }


def _percentiles(of: str, seconds: list[float]) -> dict[str, float]:
    return {f"{of}p{at}_s": round(float(np.percentile(seconds, at)), 3) for at in (50, 95) if seconds}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=600, help="how long the fleet drives (default 600)")
    parser.add_argument("--cars", type=int, default=100, help="vehicles, one frame a second each (default 100)")
    parser.add_argument("--moving", type=float, default=0.3, help="share of them that moves (default 0.3)")
    parser.add_argument("--stall", type=float, default=0.0, help="seconds that the server stops in the middle")
    parser.add_argument("--check", action="store_true", help="exit with 1 where a target is missed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
