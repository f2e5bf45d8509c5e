"""Models that may be promoted: a tiny network with a card that says all that promotion asks for."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from support.onnx_model import FixedModel, write_model

INT8 = {
    "fewest_boxes": 100,
    "pairs": 1,
    "mean_mAP50_fp32": 0.5,
    "mean_mAP50_int8": 0.5,
    "gap_mAP50": 0.0,
    "most_lost": {"where": "roads/pothole", "mAP50": 0.0},
    "cpu_ms_fp32": 30.0,
    "cpu_ms_int8": 20.0,
    "time_ratio": 0.667,
}
CHECK = {"pictures": 24, "boxes": 100, "max_box_px": 1e-4, "max_score": 1e-5}


def a_figure(class_name: str = "pothole", **changes: Any) -> dict[str, Any]:
    """A figure as a card holds it."""
    figure = {
        "file": "fp32",
        "source": "roads",
        "class": class_name,
        "state": "labelled",
        "pictures": 50,
        "boxes": 120,
        "mAP50": 0.5,
        "mAP50_95": 0.3,
        "threshold": 0.4,
        "recall_at_threshold": 0.6,
        "precision_at_threshold": 0.9,
        "false_alarms_per_100": 1.0,
        "intervals": {"recall_at_threshold": [0.5, 0.7]},
    }
    return {**figure, **changes}


def write_candidate(folder: Path, *, version: str = "1", **changes: Any) -> Path:
    """The card of a model with both files; `changes` replace members of the card."""
    figures = [a_figure(name, file=file) for file in ("fp32", "int8") for name in ("garbage", "pothole")]
    card = write_model(folder, FixedModel(detections=[(10, 10, 90, 90, 0.8, 0)], name="tiny"))
    content: dict[str, Any] = json.loads(card.read_text(encoding="utf-8"))
    int8 = card.with_name("tiny.int8.onnx")
    shutil.copyfile(card.with_name("tiny.fp32.onnx"), int8)
    content["files"]["int8"] = {"file": int8.name, "sha256": hashlib.sha256(int8.read_bytes()).hexdigest()}
    content |= {"version": version, "figures": figures, "export_check": CHECK, "int8": INT8, **changes}
    card.write_text(json.dumps(content), encoding="utf-8")
    return card
