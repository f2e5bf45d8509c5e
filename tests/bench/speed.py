"""bench-speed: what a 1080p JPEG costs from the wire to its committed result, beside other ways in the same run.

Prints one JSON line a way, and a last one with the ratios and their targets. Ways take turns with the same frames:

* bare: decoding at reduced scale and the network in ONNX Runtime, in one process without any server
* ours: `xuncheng serve` over HTTP with SQLite (synchronous=FULL) and the spool; a frame is done when it is committed
* naive: FastAPI and ultralytics, YOLO26n with SiLU in fp32 at 640x640, random weights; done when it is answered
* litserve: LitServe with our network file, one worker a core; done when it is answered

Each frame is another drawn picture with at least one detection; the gate is open, so each is analysed.
`cpu_ms_per_frame` is the processor time of the way's processes, without the load. A way that cannot run is left out,
and its line says why.
Usage: python tests/bench/speed.py [--check] [--frames 240] [--stages]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from contextlib import ExitStack
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1])]

from speed_parts.bare import bare
from speed_parts.frames import CARS, RoadFrame, road_frames, take, the_drive
from speed_parts.litserve_way import litserve
from speed_parts.measure import Measured, measured
from speed_parts.naive import naive
from speed_parts.ours import ours
from speed_parts.stages import stage_figures
from speed_parts.usage import keep_to
from speed_parts.way import CARD, LeftOut, Place, Starts, Way, begin

from detector.yolo import YoloDetector

FRAMES_A_TURN = 3 * CARS
CORES = 2
NAIVE_OVER_OURS, OURS_OVER_BARE, MOST_PSS_MB = 2.3, 1.25, 300


def main() -> int:
    """0 after printing; with --check 1 where a target is missed or cannot be judged."""
    options = _options()
    begin()
    if options.stages:
        pictures = road_frames(the_drive(), YoloDetector.load(CARD, options.precision))
        print(json.dumps(stage_figures([one.jpeg for one in islice(pictures, options.frames)])))
        return 0
    keep_to(CORES)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        last = compare(Path(folder), options)
    print(json.dumps(last))
    return 1 if options.check and last["missed"] else 0


def compare(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The last line; those of the ways are printed."""
    drive = the_drive()
    frames = road_frames(drive, YoloDetector.load(CARD, options.precision))
    starts: dict[str, Starts] = {"bare": bare, "ours": partial(ours, drive=drive), "naive": naive, "litserve": litserve}
    place = Place(folder, options.precision, min(CORES, os.cpu_count() or CORES))
    warm = take(frames, CARS)
    with ExitStack() as stack:
        ways: dict[str, Way] = {}
        for name in options.ways:
            say(f"starting {name}")
            try:
                way = stack.enter_context(starts[name](place))
                way.run(warm)
            except LeftOut as reason:
                print(json.dumps({"way": name, "left_out": str(reason)}))
            else:
                ways[name] = way
        sent: list[RoadFrame] = []

        def next_frames() -> list[RoadFrame]:
            fresh = take(frames, min(FRAMES_A_TURN, options.frames))
            sent.extend(fresh)
            return fresh

        load = os.getloadavg()[0]
        turns = max(1, round(options.frames / FRAMES_A_TURN))
        found = measured(ways, turns, next_frames, say)
    for name, one in found.items():
        print(json.dumps({"way": name, **one.as_json()}))
    return judged(found) | about(sent, options) | {"load_before": round(load, 1)}


def judged(found: dict[str, Measured]) -> dict[str, Any]:
    """Ratios of the ways that ran, with the targets that they miss or that cannot be judged."""
    cost = {name: one.cpu_ms_per_frame for name, one in found.items()}
    figures: dict[str, float | None] = {
        "cpu_ratio_naive_over_ours": _ratio(cost, "naive", "ours"),
        "cpu_ratio_ours_over_bare": _ratio(cost, "ours", "bare"),
        "pss_mb_ours": round(found["ours"].pss_mb) if "ours" in found else None,
    }
    naive_over_ours, ours_over_bare, pss_mb = figures.values()
    met = {
        "cpu_ratio_naive_over_ours": naive_over_ours is not None and naive_over_ours >= NAIVE_OVER_OURS,
        "cpu_ratio_ours_over_bare": ours_over_bare is not None and ours_over_bare <= OURS_OVER_BARE,
        "pss_mb_ours": pss_mb is not None and pss_mb <= MOST_PSS_MB,
    }
    return {**figures, "cpu_ratio_litserve_over_ours": _ratio(cost, "litserve", "ours")} | {
        "missed": [name for name, is_met in met.items() if not is_met]
    }


def about(sent: list[RoadFrame], options: argparse.Namespace) -> dict[str, Any]:
    """What was sent to what."""
    return {
        "network": f"{options.precision} 384x640",
        "frame": "1920x1080 JPEG",
        "kb_a_frame": round(sum(len(one.jpeg) for one in sent) / len(sent) / 1000),
        "detections_a_frame": round(sum(one.detections for one in sent) / len(sent), 1),
        "cores": CORES,
    }


def say(text: str) -> None:
    """Talk is on stderr, the answer on stdout."""
    print(text, file=sys.stderr)


def _ratio(cost: dict[str, float], over: str, under: str) -> float | None:
    return round(cost[over] / cost[under], 3) if over in cost and under in cost else None


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--frames", type=int, default=240, help="frames through each way (default 240)")
    parser.add_argument("--precision", choices=("int8", "fp32"), default="int8", help="our network file")
    parser.add_argument("--ways", type=lambda text: text.split(","), default=["bare", "ours", "naive", "litserve"])
    parser.add_argument("--check", action="store_true", help="exit with 1 where a target is missed")
    parser.add_argument("--stages", action="store_true", help="only where the time goes within the detector")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
