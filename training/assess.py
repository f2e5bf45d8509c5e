"""A model's card filled in: both files run over the validation pictures, thresholds, figures, the price of INT8."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from detector.model_card import Precision
from detector.yolo import YoloDetector, load_onnx
from training.card import DRAWN_SOURCES, figures_json, thresholds_json, write_card
from training.evaluate import Figure, figures, mean_map50
from training.findings import FindsBoxes, FoundBoxes, find_all
from training.index import DataIndex, Picture, Split
from training.thresholds import Thresholds, choose_thresholds

LOWEST_SCORE = 0.002  # average precision needs the long tail; below this nothing moves it
TIMED_RUNS = 30
_BOTH: tuple[Precision, ...] = ("fp32", "int8")


@dataclass(frozen=True)
class LowThreshold:
    """The served detector asked for every box, as average precision needs it."""

    detector: YoloDetector

    def detect(self, picture: bytes, /) -> FoundBoxes:
        """Boxes with a score of at least 0.002, in pixels of the full picture."""
        return self.detector.detect(picture, LOWEST_SCORE)


def assess_file(
    detector: FindsBoxes, index: DataIndex, split: Split, thresholds: dict[str, Thresholds] | None = None
) -> tuple[list[Figure], dict[str, Thresholds]]:
    """Figures of one file over a split, and the thresholds they were taken at (chosen here if none are given)."""
    findings = find_all(detector, index.of(split), len(index.classes))
    used = choose_thresholds(index, findings) if thresholds is None else thresholds
    return figures(index, findings, used), used


def evaluate_file(weights: Path, index: DataIndex, split: Split) -> list[Figure]:
    """Figures of an ONNX file over a split, at the thresholds of the card that lies beside it."""
    detector = load_onnx(weights)
    card = json.loads(detector.card.path.read_text(encoding="utf-8"))
    thresholds = {name: Thresholds(**values) for name, values in card["thresholds"].items()}
    return assess_file(LowThreshold(detector), index, split, thresholds)[0]


def fill_card(card_path: Path, index: DataIndex) -> dict[str, Any]:
    """The card with thresholds and figures of its files; written back to `card_path`. Drawn sources are left out."""
    index = index.without(DRAWN_SOURCES)
    card: dict[str, Any] = json.loads(card_path.read_text(encoding="utf-8"))
    made: dict[str, list[Figure]] = {}
    thresholds: dict[str, Thresholds] | None = None
    for precision in _precisions(card):
        detector = LowThreshold(YoloDetector.load(card_path, precision))
        made[precision], thresholds = assess_file(detector, index, "val", thresholds)
    if thresholds is None:
        raise ValueError(f"{card_path}: the card names no file")
    card["thresholds"] = thresholds_json(thresholds)
    card["figures"] = [entry for precision, of_file in made.items() for entry in figures_json(of_file, precision)]
    if set(made) == {"fp32", "int8"}:
        card["int8"] = {**compare(made["fp32"], made["int8"]), **time_ratio(card_path, index.of("val")[0])}
    write_card(card_path, card)
    return card


def compare(fp32: Sequence[Figure], int8: Sequence[Figure]) -> dict[str, Any]:
    """What INT8 costs: mean mAP50 of both, the gap, and the pair of source and class that loses most."""
    losses = {
        f"{a.source}/{a.class_name}": a.map50 - b.map50
        for a, b in zip(fp32, int8, strict=True)
        if a.map50 is not None and b.map50 is not None
    }
    worst = max(losses, key=lambda name: losses[name], default="")
    means = {"mean_mAP50_fp32": mean_map50(fp32), "mean_mAP50_int8": mean_map50(int8)}
    gap = means["mean_mAP50_fp32"] - means["mean_mAP50_int8"]
    rounded = {name: round(value, 4) for name, value in {**means, "gap_mAP50": gap}.items()}
    return {**rounded, "most_lost": {"where": worst, "mAP50": round(losses.get(worst, 0.0), 4)}}


def time_ratio(card_path: Path, picture: Picture, runs: int = TIMED_RUNS) -> dict[str, float]:
    """Median processor milliseconds of one network run, one thread, for each file, and INT8 over float32.

    The two take turns, so that another load on the machine hits both alike.
    """
    detectors = {name: YoloDetector.load(card_path, name) for name in _BOTH}
    opened = detectors["fp32"].open(picture.image.read_bytes())
    times: dict[Precision, list[float]] = {name: [] for name in detectors}
    for _ in range(runs):
        for name, detector in detectors.items():
            times[name].append(_processor_ms(partial(detector.detect_picture, opened)))
    medians = {f"cpu_ms_{name}": round(float(np.median(spent)), 2) for name, spent in times.items()}
    return {**medians, "time_ratio": round(medians["cpu_ms_int8"] / medians["cpu_ms_fp32"], 3)}


def _processor_ms(work: partial[Any]) -> float:
    start = time.process_time()
    work()
    return 1000 * (time.process_time() - start)


def _precisions(card: dict[str, Any]) -> list[Precision]:
    return [precision for precision in _BOTH if precision in card["files"]]
