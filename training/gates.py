"""What a model must show before it may be served. Every refusal has a name and says the numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from detector.model_card import read_card
from detector.model_errors import ModelError
from detector.yolo import YoloDetector
from training.price import FEWEST_BOXES

MOST_MEAN_LOSS = 0.010  # of mAP50, INT8 against float32, mean over the pairs with enough boxes
MOST_PAIR_LOSS = 0.020
MOST_TIME_RATIO = 0.85  # of `session.run`, INT8 over float32: what makes the loss worth it
MOST_BOX_PX, MOST_SCORE = 1.0, 0.01  # the exported file against torch
SAFETY_CLASSES = ("open_manhole", "pothole")  # what is not found of these hurts somebody


class Reason(StrEnum):
    """Why a model is not promoted."""

    NOT_RUNNABLE = "not_runnable"
    NOT_COMPARED_WITH_TORCH = "not_compared_with_torch"
    FIGURES_MISSING = "figures_missing"
    INT8_MEAN = "int8_mean"
    INT8_CLASS = "int8_class"
    INT8_TIME = "int8_time"
    SAFETY_RECALL = "safety_recall"
    NOT_COMPARABLE = "not_comparable"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason against a model, and its numbers in words."""

    reason: Reason
    text: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A class in a source that labelled it, as a card's figures name it."""

    source: str
    class_name: str

    def __str__(self) -> str:
        return f"{self.source}/{self.class_name}"


def refusals(candidate: Path, champion: Path | None, fewest_boxes: int = FEWEST_BOXES) -> list[Refusal]:
    """All that speaks against serving the model of a card in place of the champion's; empty where nothing does.

    `fewest_boxes`: pairs of source and class with fewer true boxes prove nothing about INT8.
    """
    found = [*_run_faults(candidate)]
    card = read_card(candidate).content
    found += _export_faults(card)
    found += _figure_faults(card)
    found += _time_faults(card)
    if not any(one.reason is Reason.FIGURES_MISSING for one in found):
        found += _int8_faults(card, fewest_boxes)
        if champion is not None:
            found += _safety_faults(card, read_card(champion).content)
    return found


def figures_of(card: Mapping[str, Any], file: str) -> dict[Pair, dict[str, Any]]:
    """The figures of one file of a card, of the pairs whose source labelled the class."""
    return {
        Pair(figure["source"], figure["class"]): figure
        for figure in card.get("figures", [])
        if figure["file"] == file and figure["state"] == "labelled"
    }


def best_file(card: Mapping[str, Any]) -> str:
    """The file that is released: int8 where there is one."""
    return "int8" if "int8" in card["files"] else "fp32"


def _run_faults(path: Path) -> Iterator[Refusal]:
    """Each network loads, has the hash and the shape its card says, and gives finite numbers for a grey frame."""
    for precision in read_card(path).files:
        try:
            detector = YoloDetector.load(path, precision)
        except ModelError as error:
            yield Refusal(Reason.NOT_RUNNABLE, str(error))
            continue
        output = detector.session.run(np.full(detector.session.input_shape, 0.5, np.float32))
        if not np.isfinite(output).all():
            yield Refusal(Reason.NOT_RUNNABLE, f"{precision}: puts out numbers that are not finite")


def _export_faults(card: Mapping[str, Any]) -> Iterator[Refusal]:
    check = card.get("export_check")
    if not check:
        yield Refusal(Reason.NOT_COMPARED_WITH_TORCH, "the card has no export_check")
    elif check["max_box_px"] > MOST_BOX_PX or check["max_score"] > MOST_SCORE or not check["boxes"]:
        numbers = (
            f"{check['boxes']} boxes, {check['max_box_px']:.3g} px and {check['max_score']:.3g} of score off torch"
        )
        yield Refusal(Reason.NOT_COMPARED_WITH_TORCH, numbers)


def _figure_faults(card: Mapping[str, Any]) -> Iterator[Refusal]:
    for file in card["files"]:
        if not any(figure["mAP50"] is not None for figure in figures_of(card, file).values()):
            yield Refusal(Reason.FIGURES_MISSING, f"the card has no figures of {file}: run xuncheng-train card")


def _time_faults(card: Mapping[str, Any]) -> Iterator[Refusal]:
    if "int8" not in card["files"]:
        return
    ratio = card.get("int8", {}).get("time_ratio")
    if ratio is None:
        yield Refusal(Reason.INT8_TIME, "the card does not tell what INT8 costs: run xuncheng-train card")
    elif ratio > MOST_TIME_RATIO:
        numbers = f"INT8 took {ratio:.2f} of the time of float32 where the card was made (at most {MOST_TIME_RATIO})"
        yield Refusal(Reason.INT8_TIME, numbers)


def _int8_faults(card: Mapping[str, Any], fewest_boxes: int) -> Iterator[Refusal]:
    if set(card["files"]) != {"fp32", "int8"}:
        return
    fp32, int8 = figures_of(card, "fp32"), figures_of(card, "int8")
    losses = {
        pair: figure["mAP50"] - int8[pair]["mAP50"]
        for pair, figure in fp32.items()
        if pair in int8 and figure["mAP50"] is not None and figure["boxes"] >= fewest_boxes
    }
    if not losses:
        yield Refusal(Reason.INT8_MEAN, f"no pair of source and class has {fewest_boxes} boxes to prove INT8 on")
        return
    mean = float(np.mean(list(losses.values())))
    if mean > MOST_MEAN_LOSS:
        yield Refusal(Reason.INT8_MEAN, f"INT8 loses {mean:.4f} mAP50 on the mean of {len(losses)} pairs")
    for pair, loss in losses.items():
        if loss > MOST_PAIR_LOSS:
            yield Refusal(Reason.INT8_CLASS, f"INT8 loses {loss:.4f} mAP50 on {pair}")


def _safety_faults(card: Mapping[str, Any], champion: Mapping[str, Any]) -> Iterator[Refusal]:
    """A safety class must not find less at its operating score than the champion does, beyond its own interval."""
    ours, theirs = figures_of(card, best_file(card)), figures_of(champion, best_file(champion))
    for pair, before in theirs.items():
        if pair.class_name not in SAFETY_CLASSES or before["recall_at_threshold"] is None:
            continue
        after = ours.get(pair)
        if after is None or (after["pictures"], after["boxes"]) != (before["pictures"], before["boxes"]):
            yield Refusal(Reason.NOT_COMPARABLE, f"{pair}: the figures are not of the champion's pictures")
            continue
        _, high = after.get("intervals", {}).get("recall_at_threshold", [0.0, after["recall_at_threshold"]])
        if before["recall_at_threshold"] > high:
            numbers = (
                f"{after['recall_at_threshold']:.3f} (at most {high:.3f}) after {before['recall_at_threshold']:.3f}"
            )
            yield Refusal(Reason.SAFETY_RECALL, f"{pair}: recall {numbers}")
