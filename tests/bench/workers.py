"""How much faster two workers are than one: the topology of a fleet in real processes on this machine.

PostgreSQL, NATS, an S3 store and a server that analyses nothing take all frames of eight cars; only then the workers of
one thread each begin. Their pace is that of the middle of the commits, when all of them are at work. One and two take
turns. Prints a JSON line for each turn and one with the ratio of the medians. PostgreSQL, NATS, the store (moto, in
Python) and the workers share the cores.
Usage: python tests/bench/workers.py [--frames 240] [--rounds 3] [--check]
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

sys.path[:0] = [str(Path(__file__).parents[1])]

import psycopg
from speed_parts.callers import post
from speed_parts.frames import RoadFrame, form_of, road_frames, take, the_drive
from speed_parts.ours import POLICY
from speed_parts.usage import keep_to
from speed_parts.way import CARD, begin
from support.fleet import Fleet, running_fleet

from detector.yolo import YoloDetector
from patrol.simulate.drive import Drive

CORES = 2
RATIO = 1.5
DRAIN_S = 300.0
MIDDLE = (0.3, 0.9)  # of the commits: before, workers start; after, cameras run dry one by one


def main() -> int:
    """0 after printing; with --check 1 where two workers are not 1.5 times as fast as one."""
    options = _options()
    begin()
    keep_to(CORES)
    drive = the_drive()
    frames = take(road_frames(drive, YoloDetector.load(CARD)), options.frames)
    paces: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(options.rounds):
        for count, of_count in paces.items():
            of_count.append(_pace(count, drive, frames))
            print(json.dumps({"workers": count, "frames": len(frames), "frames_a_second": round(of_count[-1], 2)}))
    ratio = median(paces[2]) / median(paces[1])
    print(json.dumps({"two_over_one": round(ratio, 3), "target": RATIO, "rounds": options.rounds}))
    return 1 if options.check and ratio < RATIO else 0


def _pace(workers: int, drive: Drive, frames: Sequence[RoadFrame]) -> float:
    """Frames a second of so many workers."""
    settings = {"policy": str(POLICY)}
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        running_fleet(Path(folder), CARD, workers=0, settings=settings) as fleet,
    ):
        _send(fleet, drive, frames)
        fleet.hire(workers)
        return _middle_pace(_commits(fleet, len(frames)))


def _send(fleet: Fleet, drive: Drive, frames: Sequence[RoadFrame]) -> None:
    tokens = {
        device: fleet.server.device_token(device, {camera: settings})
        for (device, camera), settings in drive.mounts().items()
    }
    connection = http.client.HTTPConnection(urlsplit(fleet.server.url).netloc, timeout=60.0)
    for frame in frames:
        body, headers = form_of(json.dumps(frame.meta_now()), frame.jpeg)
        headers["Authorization"] = f"Bearer {tokens[frame.device]}"
        status, answer = post(connection, "/v1/frames", body, headers)
        if status != 202:
            raise RuntimeError(f"a frame was answered {status}: {answer[:300]!r}")
    connection.close()


def _commits(fleet: Fleet, count: int) -> list[datetime]:
    """When each frame was analysed, the first one first; raises TimeoutError where they take too long."""
    ends_at = time.monotonic() + DRAIN_S
    with psycopg.connect(fleet.postgres.url("postgres"), autocommit=True) as connection:
        while time.monotonic() < ends_at:
            rows = connection.execute("SELECT state, analysed_at FROM frames ORDER BY analysed_at").fetchall()
            states = {state for state, _ in rows}
            if len(rows) == count and "queued" not in states:
                break
            time.sleep(0.5)
        else:
            raise TimeoutError(f"frames still wait after {DRAIN_S:g} s")
    if states != {"analysed"}:
        raise RuntimeError(f"frames that were not analysed make no fair comparison: {states}")
    return [analysed_at for _, analysed_at in rows]


def _middle_pace(commits: Sequence[datetime]) -> float:
    first, last = (round(share * (len(commits) - 1)) for share in MIDDLE)
    return (last - first) / (commits[last] - commits[first]).total_seconds()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--frames", type=int, default=240, help="of eight cars together (default 240)")
    parser.add_argument("--rounds", type=int, default=3, help="of one and two workers in turn (default 3)")
    parser.add_argument("--check", action="store_true", help="exit with 1 where the target is missed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
