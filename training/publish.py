"""From a run's weights to the files of `weights/`: safetensors, float32 and INT8 ONNX, and a card without figures."""

from __future__ import annotations

import csv
import json
import random
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from training.card import new_card, write_card
from training.export import INPUT_HEIGHT_PX, INPUT_WIDTH_PX, compare_with_torch, export_onnx
from training.index import DataIndex
from training.quantise import quantise

CHECKED_PICTURES = 24
CALIBRATION_PICTURES = 96
CURVE_POINTS = 40


def publish(weights: Path, index: DataIndex, out: Path, datasets: Path, runs: list[Path]) -> Path:
    """The path of the new card. `out` is a folder and a name without ending, as in `weights/xuncheng-n`.

    `index` is the real data: its train pictures check the export and calibrate INT8. `runs`: the folders of the
    training runs that led to `weights`, first one first.
    """
    files = {kind: out.with_name(f"{out.name}.{kind}.onnx") for kind in ("fp32", "int8")}
    out.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(weights, out.with_name(f"{out.name}.safetensors"))
    export_onnx(weights, len(index.classes), files["fp32"])
    chosen = _some_train_pictures(index, max(CHECKED_PICTURES, CALIBRATION_PICTURES))
    check = compare_with_torch(weights, len(index.classes), files["fp32"], chosen[:CHECKED_PICTURES])
    quantised = quantise(files["fp32"], files["int8"], chosen[:CALIBRATION_PICTURES])
    card = new_card(out.name, index, files, (INPUT_WIDTH_PX, INPUT_HEIGHT_PX), datasets)
    card["export_check"] = asdict(check)
    card["quantisation"] = {"convolutions": quantised, "calibration_pictures": CALIBRATION_PICTURES, "head": "float"}
    card["training"] = [run_record(folder) for folder in runs]
    path = out.with_name(f"{out.name}.json")
    write_card(path, card)
    return path


def run_record(folder: Path) -> dict[str, Any]:
    """What the card tells of a run: recipe, hashes, pictures, hours, epochs and a thinned loss curve."""
    record: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    with (folder / "curve.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    kept = rows[:: max(1, len(rows) // CURVE_POINTS)] + rows[-1:]
    last = rows[-1]
    return {
        **{key: record[key] for key in ("recipe", "recipe_hash", "data_hash", "start", "started_at", "train_pictures")},
        "steps": int(last["step"]),
        "epochs": round(int(last["step"]) / record["steps_per_epoch"], 2),
        "hours": round(float(last["seconds"]) / 3600, 3),
        "curve": {name: [float(row[name]) for row in kept] for name in ("step", "height_px", "box", "class", "l1")},
    }


def _some_train_pictures(index: DataIndex, count: int) -> list[Path]:
    """Train pictures in a fixed random order, the sources in turn so that each has its share."""
    chooser = random.Random(0)  # noqa: S311 - a repeatable choice, no secret
    queues = []
    for source in index.sources:
        pictures = [picture.image for picture in index.of("train", source)]
        chooser.shuffle(pictures)
        queues.append(pictures)
    turns = [queue[place] for place in range(count) for queue in queues if place < len(queue)]
    return turns[:count]
