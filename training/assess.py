"""A model's card filled in by running its files over the validation pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detector.model_card import Precision
from detector.yolo import YoloDetector, load_onnx
from training.calibration import calibrate
from training.card import calibration_json, figures_json, read_thresholds, thresholds_json, write_card
from training.evaluate import Figure, figures
from training.findings import Finding, find_all
from training.index import DRAWN_SOURCES, DataIndex, Split
from training.price import compare, time_ratio
from training.served import LowThreshold
from training.thresholds import Thresholds, choose_thresholds

_SERVED_FIRST: tuple[Precision, ...] = ("int8", "fp32")  # thresholds are those of the file that is released


class NoPictures(ValueError):
    """A split in which nothing can be evaluated."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """One file over one split: what it found, the thresholds used, and the figures at them."""

    findings: list[Finding]
    thresholds: dict[str, Thresholds]
    figures: list[Figure]


def evaluate_file(weights: Path, index: DataIndex, split: Split) -> Evaluated:
    """An ONNX file over a split, at the thresholds of the card that lies beside it. Raises NoPictures."""
    detector = load_onnx(weights)
    findings = _find(detector, index, split)
    thresholds = read_thresholds(detector.card.content)
    return Evaluated(findings, thresholds, figures(index, findings, thresholds))


def fill_card(card_path: Path, index: DataIndex) -> dict[str, Any]:
    """The card with thresholds, calibration and figures of its files; written back to `card_path`.

    Thresholds and calibration are those of the INT8 file where there is one. Drawn sources are left out.
    """
    index = index.without(DRAWN_SOURCES)
    card: dict[str, Any] = json.loads(card_path.read_text(encoding="utf-8"))
    found = {
        one: _find(YoloDetector.load(card_path, one), index, "val") for one in _SERVED_FIRST if one in card["files"]
    }
    if not found:
        raise NoPictures(f"{card_path}: the card names no file")
    released = next(iter(found.values()))
    thresholds = choose_thresholds(index, released)
    card["thresholds"] = thresholds_json(thresholds)
    card["calibration"] = calibration_json(calibrate(index, released))
    made = {precision: figures(index, findings, thresholds) for precision, findings in found.items()}
    card["figures"] = [entry for precision, of_file in made.items() for entry in figures_json(of_file, precision)]
    if set(made) == {"fp32", "int8"}:
        card["int8"] = {**compare(made["fp32"], made["int8"]), **time_ratio(card_path, index.of("val")[0])}
    write_card(card_path, card)
    return card


def _find(detector: YoloDetector, index: DataIndex, split: Split) -> list[Finding]:
    pictures: Sequence[Any] = index.of(split)
    if not pictures:
        raise NoPictures(f"no picture is in split {split!r}; there are: {', '.join(index.splits) or 'none'}")
    return find_all(LowThreshold(detector, index.classes), pictures, len(index.classes))
