"""The model card: what the two network files take, give and are worth, as one JSON file beside them."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from detector.letterbox import PAD_VALUE
from training.calibration import FittedCalibration
from training.evaluate import Figure
from training.index import DataIndex
from training.thresholds import UNPROVEN, Thresholds

INPUT_NAME = "images"


def sha256(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def new_card(
    name: str, index: DataIndex, files: dict[str, Path], input_px: tuple[int, int], datasets: Path
) -> dict[str, Any]:
    """A card without figures: input, files, classes and sources; thresholds are those of an unproven class.

    `input_px` is width, height; `datasets` the folder with `sources.csv`, `taxonomy.csv` and `limits.txt`.
    """
    width_px, height_px = input_px
    return {
        "name": name,
        "version": datetime.now(UTC).strftime("%Y.%m.%d"),
        "classes": list(index.classes),
        "codes": _codes(datasets / "taxonomy.csv", index),
        "input": {
            "name": INPUT_NAME,
            "shape": [1, 3, height_px, width_px],
            "layout": "NCHW",
            "color": "RGB",
            "scale": 1 / 255,
            "letterbox": {"pad_value": PAD_VALUE, "centred": True},
        },
        "head": "nms_free",
        "files": {kind: {"file": path.name, "sha256": sha256(path)} for kind, path in files.items()},
        "thresholds": thresholds_json({name: UNPROVEN for name in index.classes}),
        "figures": [],
        "data": _sources(datasets / "sources.csv", index),
        "limits": _limits(datasets / "limits.txt"),
    }


def thresholds_json(thresholds: dict[str, Thresholds]) -> dict[str, dict[str, Any]]:
    """Thresholds as the card holds them, with what they rest on."""
    return {name: asdict(of_class) for name, of_class in thresholds.items()}


def read_thresholds(card: Mapping[str, Any]) -> dict[str, Thresholds]:
    """The thresholds of a card, by class name; what an older card does not tell of them is left at its default."""
    told = {f.name for f in fields(Thresholds)}
    return {
        name: Thresholds(**{key: value for key, value in of_class.items() if key in told})
        for name, of_class in card["thresholds"].items()
    }


def calibration_json(calibration: dict[str, FittedCalibration]) -> dict[str, dict[str, object]]:
    """Calibration as the card holds it, with what it rests on and its error."""
    return {name: of_class.as_json() for name, of_class in calibration.items()}


def figures_json(made: Sequence[Figure], file: str) -> list[dict[str, object]]:
    """Figures as the card holds them; `file` is fp32 or int8."""
    return [{"file": file, **figure.as_json()} for figure in made]


def write_card(path: Path, card: dict[str, Any]) -> None:
    """None; `path` holds the card, or still the old one if writing broke off."""
    part = path.with_suffix(".json.part")
    part.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path)


def _codes(taxonomy: Path, index: DataIndex) -> dict[str, str]:
    with taxonomy.open(encoding="utf-8", newline="") as stream:
        rows = {row["class"]: row["code"] for row in csv.DictReader(stream)}
    return {name: rows[name] for name in index.classes if rows.get(name)}


def _limits(path: Path) -> list[str]:
    """What the model cannot do, a line each; empty where nobody wrote it down."""
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def _sources(path: Path, index: DataIndex) -> list[dict[str, object]]:
    with path.open(encoding="utf-8", newline="") as stream:
        described = {row["source"]: row for row in csv.DictReader(stream)}
    sources: list[dict[str, object]] = []
    for source in index.sources:
        row = described.get(source, {"licence": "not described", "origin": "not described"})
        counts = {f"{split}_pictures": len(index.of(split, source)) for split in ("train", "val")}
        labelled = list(index.classes_in_state(source, "labelled"))
        sources.append(
            {"source": source, "licence": row["licence"], "origin": row["origin"], **counts, "labelled": labelled}
        )
    return sources
