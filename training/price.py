"""What INT8 costs in average precision and saves in time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from detector.model_card import Precision
from detector.yolo import YoloDetector
from training.evaluate import Figure, mean_map50
from training.index import Picture
from training.served_input import served_input

FEWEST_BOXES = 100  # a pair of source and class with fewer true boxes proves no loss
TIMED_RUNS = 40
_BOTH: tuple[Precision, ...] = ("fp32", "int8")


def compare(fp32: Sequence[Figure], int8: Sequence[Figure], fewest_boxes: int = FEWEST_BOXES) -> dict[str, Any]:
    """Mean mAP50 of both over the pairs of source and class with enough boxes, the gap, and the most that one loses."""
    losses = {
        f"{a.source}/{a.class_name}": a.map50 - b.map50
        for a, b in zip(fp32, int8, strict=True)
        if a.map50 is not None and b.map50 is not None and a.boxes >= fewest_boxes
    }
    worst = max(losses, key=lambda name: losses[name], default="")
    means = {"mean_mAP50_fp32": mean_map50(fp32, fewest_boxes), "mean_mAP50_int8": mean_map50(int8, fewest_boxes)}
    gap = means["mean_mAP50_fp32"] - means["mean_mAP50_int8"]
    rounded = {name: round(value, 4) for name, value in {**means, "gap_mAP50": gap}.items()}
    most_lost = {"where": worst, "mAP50": round(losses.get(worst, 0.0), 4)}
    return {"fewest_boxes": fewest_boxes, "pairs": len(losses), **rounded, "most_lost": most_lost}


def time_ratio(card_path: Path, picture: Picture, runs: int = TIMED_RUNS) -> dict[str, float]:
    """Median processor milliseconds of `session.run`, one thread, for each file, and INT8 over float32.

    The two take turns on the same input, so that another load on the machine hits both alike.
    """
    detectors = {name: YoloDetector.load(card_path, name) for name in _BOTH}
    width_px, height_px = detectors["fp32"].frame_px
    tensor = served_input(picture.image, height_px, width_px)
    times: dict[Precision, list[float]] = {name: [] for name in detectors}
    for _ in range(runs):
        for name, detector in detectors.items():
            times[name].append(processor_ms(partial(detector.session.run, tensor)))
    medians = {f"cpu_ms_{name}": round(float(np.median(spent)), 2) for name, spent in times.items()}
    return {**medians, "time_ratio": round(medians["cpu_ms_int8"] / medians["cpu_ms_fp32"], 3)}


def processor_ms(work: Callable[[], object]) -> float:
    """Milliseconds of processor time that one call takes."""
    start = time.process_time()
    work()
    return 1000 * (time.process_time() - start)
