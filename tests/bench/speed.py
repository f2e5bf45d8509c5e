"""CPU milliseconds of one 1080p JPEG frame through the detector, against naive ways in the same run.

`python tests/bench/speed.py` prints one JSON line. CPU time is of the whole process with all its threads: on a server
that is what limits the frames a second. Ratios say how many times as much the other way costs.

* ours: decode at reduced scale, letterbox, network on one thread, boxes
* naive_same_network: full decode, letterbox, plain ONNX Runtime with its default threads, the same file
* naive_640, ultralytics_640: the same weights at 640x640, plain or through ultralytics; only where the training
  environment (.venv-train) and the checkpoint are there
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime

from detector.heads import read_head
from detector.letterbox import Letterbox
from detector.model_card import Precision, read_card
from detector.yolo import YoloDetector

REPOSITORY = Path(__file__).resolve().parents[2]
CARD = REPOSITORY / "weights" / "xuncheng-n.json"
TRAINING_PYTHON = REPOSITORY / ".venv-train" / "bin" / "python"
FULL_HD = (1920, 1080)
PAD_GREY = 114
SETTLE_S = 0.05
Stage = Callable[[Any], Any]


def a_street_frame() -> bytes:
    """A drawn 1080p street of about 320 KB as JPEG: asphalt grain, a horizon, facades with windows."""
    width_px, height_px = FULL_HD
    random = np.random.default_rng(7)
    frame = np.zeros((height_px, width_px, 3), np.uint8)
    frame[:480] = (200, 170, 140)
    frame[480:] = (90, 92, 95)
    for left in range(0, width_px, 120):
        top = int(random.integers(120, 380))
        colour = tuple(int(c) for c in random.integers(60, 200, 3))
        cv2.rectangle(frame, (left, top), (left + 110, 520), colour, cv2.FILLED)
        for row in range(top + 15, 500, 40):
            cv2.rectangle(frame, (left + 15, row), (left + 45, row + 22), (60, 50, 40), cv2.FILLED)
    grain = cv2.GaussianBlur(random.normal(0, 26, frame.shape).astype(np.float32), (0, 0), 1.0)
    noisy = np.clip(frame + grain, 0, 255).astype(np.uint8)
    return cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()


def run_stages(stages: dict[str, Stage], start: Any) -> dict[str, float]:
    """CPU milliseconds of each stage, each fed with what the one before it gave.

    `after` is what idle threads of the runtime still burn, spinning, when the answer is there.
    """
    spent_ms, value = {}, start
    for name, stage in stages.items():
        started_s = time.process_time()
        value = stage(value)
        spent_ms[name] = (time.process_time() - started_s) * 1000
    started_s = time.process_time()
    time.sleep(SETTLE_S)
    spent_ms["after"] = (time.process_time() - started_s) * 1000
    return spent_ms


def our_stages(detector: YoloDetector) -> dict[str, Stage]:
    """The detector's own steps, as `YoloDetector.detect` takes them."""
    classes = len(detector.card.classes)

    def fitted(picture: Any) -> Any:
        height_px, width_px = picture.pixels.shape[:2]
        return Letterbox.fit((width_px, height_px), detector.frame_px).apply(picture)

    return {
        "decode": detector.open,
        "letterbox": fitted,
        "network": detector.session.run,
        "post": lambda output: read_head(detector.card.head, output, 0.05, classes),
    }


def naive_stages(network: Path) -> dict[str, Stage]:
    """What one writes first: full decode, resize and pad, a session with default options."""
    session = onnxruntime.InferenceSession(str(network), providers=["CPUExecutionProvider"])
    name, (_, _, high_px, wide_px) = session.get_inputs()[0].name, session.get_inputs()[0].shape

    def fitted(pixels: Any) -> Any:
        ratio = min(wide_px / pixels.shape[1], high_px / pixels.shape[0])
        small = cv2.resize(pixels, (round(pixels.shape[1] * ratio), round(pixels.shape[0] * ratio)))
        above, left = (high_px - small.shape[0]) // 2, (wide_px - small.shape[1]) // 2
        below, right = high_px - small.shape[0] - above, wide_px - small.shape[1] - left
        grey = (PAD_GREY, PAD_GREY, PAD_GREY)
        padded = cv2.copyMakeBorder(small, above, below, left, right, cv2.BORDER_CONSTANT, value=grey)
        return np.ascontiguousarray(padded[:, :, ::-1].transpose(2, 0, 1)[None]).astype(np.float32) / 255

    return {
        "decode": lambda data: cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR),
        "letterbox": fitted,
        "network": lambda tensor: session.run(None, {name: tensor})[0],
        "post": lambda output: output[0][output[0][:, 4] >= 0.05],
    }


def measure(ways: dict[str, dict[str, Stage]], data: bytes, rounds: int) -> dict[str, dict[str, float]]:
    """Median CPU milliseconds of each stage of each way; the ways take turns, so that a busy moment hits all."""
    spent: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    for number in range(rounds + 2):
        for name, stages in ways.items():
            one = run_stages(stages, data)
            if number >= 2:  # the first two warm up
                spent[name].append({**one, "total": sum(one.values())})
    return {
        name: {stage: round(statistics.median(one[stage] for one in many), 2) for stage in many[0]}
        for name, many in spent.items()
    }


def ultralytics_at_640(folder: Path, data: bytes, rounds: int) -> dict[str, Any]:
    """What the training environment exports and measures at 640x640; empty where there is none."""
    checkpoint = CARD.with_name(f"{read_card(CARD).name}.safetensors")
    if not (TRAINING_PYTHON.exists() and checkpoint.exists()):
        return {}
    frame = folder / "frame.jpg"
    frame.write_bytes(data)
    script = Path(__file__).with_name("speed_ultralytics.py")
    arguments = [TRAINING_PYTHON, script, checkpoint, CARD, frame, folder / "at640.onnx", rounds]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([str(a) for a in arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"no 640x640 baseline: {done.stderr.strip()[-300:]}", file=sys.stderr)
        return {}
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def compare(rounds: int, with_ultralytics: bool) -> dict[str, Any]:
    """The figures that are printed."""
    data = a_street_frame()
    precisions: tuple[Precision, ...] = ("fp32", "int8")
    card = read_card(CARD)
    detectors = {precision: YoloDetector.load(CARD, precision) for precision in precisions if precision in card.files}
    ways = {f"ours_{precision}": our_stages(detector) for precision, detector in detectors.items()}
    ways["naive_same_network"] = naive_stages(card.file_path("fp32"))
    with tempfile.TemporaryDirectory() as folder:
        theirs = ultralytics_at_640(Path(folder), data, rounds) if with_ultralytics else {}
        if theirs:
            ways["naive_640"] = naive_stages(Path(folder) / "at640.onnx")
        spent = measure(ways, data, rounds)
    if theirs:
        spent["ultralytics_640"] = theirs
    ratios = {
        f"{other}/{ours}": round(spent[other]["total"] / spent[ours]["total"], 2)
        for other in spent
        if not other.startswith("ours")
        for ours in spent
        if ours.startswith("ours")
    }
    return {"frame": "1920x1080 JPEG", "jpeg_bytes": len(data), "rounds": rounds, "cpu_ms": spent, "ratios": ratios}


def main() -> int:
    """0 after printing one JSON line; 1 where there is no model."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30, help="frames through each way (default 30)")
    parser.add_argument("--without-ultralytics", action="store_true", help="leave the 640x640 baselines out")
    options = parser.parse_args()
    if not CARD.is_file():
        print(f"no model: {CARD.relative_to(REPOSITORY)} is missing", file=sys.stderr)
        return 1
    print(json.dumps(compare(options.rounds, not options.without_ultralytics)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
