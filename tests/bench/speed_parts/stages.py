"""Where the CPU time of one frame goes within the detector, beside the same network in plain ONNX Runtime."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime

from detector.heads import read_head
from detector.letterbox import Letterbox
from detector.model_card import read_card
from detector.yolo import DEFAULT_MIN_SCORE, YoloDetector
from speed_parts.way import CARD

PAD_GREY = 114
SETTLE_S = 0.05
WARM_UP = 2
Stage = Callable[[Any], Any]


def stage_figures(pictures: list[bytes]) -> dict[str, Any]:
    """Median CPU milliseconds of each stage of each way, and how many times as much the plain way costs."""
    card = read_card(CARD)
    ways = {f"ours_{precision}": our_stages(YoloDetector.load(CARD, precision)) for precision in card.files}
    ways["naive_same_network"] = naive_stages(card.file_path("fp32"))
    spent = _measure(ways, pictures)
    plain_ms = spent["naive_same_network"]["total"]
    ratios = {f"naive_same_network/{name}": round(plain_ms / spent[name]["total"], 2) for name in spent}
    return {"pictures": len(pictures), "cpu_ms": spent, "ratios": ratios}


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
        "post": lambda output: read_head(detector.card.head, output, DEFAULT_MIN_SCORE, classes),
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
        "post": lambda output: output[0][output[0][:, 4] >= DEFAULT_MIN_SCORE],
    }


def _measure(ways: dict[str, dict[str, Stage]], pictures: list[bytes]) -> dict[str, dict[str, float]]:
    """The ways take turns, so that a busy moment hits all."""
    spent: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    for number, picture in enumerate([*pictures[:WARM_UP], *pictures]):
        for name, stages in ways.items():
            one = _run_stages(stages, picture)
            if number >= WARM_UP:
                spent[name].append({**one, "total": sum(one.values())})
    return {
        name: {stage: round(statistics.median(one[stage] for one in many), 2) for stage in many[0]}
        for name, many in spent.items()
    }


def _run_stages(stages: dict[str, Stage], start: Any) -> dict[str, float]:
    """CPU milliseconds of each stage, of the whole process with all its threads; each is fed with what the one before
    it gave. `after` is what idle threads of the runtime still burn, spinning, when the answer is there."""
    spent_ms, value = {}, start
    for name, stage in stages.items():
        started_s = time.process_time()
        value = stage(value)
        spent_ms[name] = (time.process_time() - started_s) * 1000
    started_s = time.process_time()
    time.sleep(SETTLE_S)
    spent_ms["after"] = (time.process_time() - started_s) * 1000
    return spent_ms
