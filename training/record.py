"""What a run leaves behind for people: its settings and data in `run.json`, its losses in `curve.csv`."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from training.index import DataIndex
from training.recipe import Recipe
from training.schedule import Leg, Progress

CURVE_COLUMNS = ("step", "epoch", "height_px", "width_px", "learning_rate", "box", "class", "l1", "seconds")


def write_record(folder: Path, recipe: Recipe, index: DataIndex, details: dict[str, Any]) -> None:
    """None; writes `run.json` unless an earlier part of the run has written it."""
    path = folder / "run.json"
    if path.exists():
        return
    record = {
        **details,
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "recipe": dataclasses.asdict(recipe),
        "train_pictures": {source: len(index.of("train", source)) for source in index.sources},
    }
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def log_step(folder: Path, leg: Leg, progress: Progress, rate: float, losses: Sequence[float]) -> None:
    """None; adds a line to `curve.csv`: where the run stands, its rate, its box, class and L1 loss."""
    path = folder / "curve.csv"
    fresh = not path.exists()
    place = [progress.step, leg.epoch + 1, leg.stage.height_px, leg.stage.width_px, f"{rate:.3e}"]
    with path.open("a", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        if fresh:
            writer.writerow(CURVE_COLUMNS)
        writer.writerow([*place, *(f"{value:.4f}" for value in losses), f"{progress.seconds:.1f}"])
