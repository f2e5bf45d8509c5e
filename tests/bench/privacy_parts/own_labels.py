"""Faces and plates that people labelled: `datasets/private`, with the rule in its README."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from inference_server.domain.bounds import lower_bound, upper_bound
from inference_server.domain.observation import Box
from privacy_parts.hiding import COVERED, Finders, Hidden, share, share_of_picture

LABELS: Final = Path(__file__).parents[3] / "datasets" / "private"
ANY: Final = "any"
TWO_SIDED: Final = 0.975  # of each one-sided bound: together they hold 95 %

Labels = dict[str, list[tuple[str, bool, list[float]]]]  # by picture: kind, readable, corners in shares of the picture


def count_labels(data: Path, finders: Finders) -> Iterator[dict[str, Any]]:
    """One line for each finder, sample, kind and readability: how many labelled things are hidden."""
    samples = _samples()
    counts: dict[tuple[str, str, str, bool], list[int]] = defaultdict(lambda: [0, 0])
    for image, labels in _labels().items():
        hidden = finders.hide((data / image).read_bytes())
        for finder, parts in hidden.parts.items():
            for kind, readable, corners in labels:
                is_hidden = share(_in_pixels(corners, hidden), parts) >= COVERED
                for sample in (samples[image], ANY):
                    count = counts[finder, sample, kind, readable]
                    count[0] += is_hidden
                    count[1] += 1
    for (finder, sample, kind, readable), (found, of) in sorted(counts.items()):
        yield {"finder": finder, "sample": sample, "kind": kind, "readable": readable, **_recall(found, of)}


def share_of_random(data: Path, finders: Finders) -> Iterator[dict[str, Any]]:
    """One line a finder: how much of the pictures that were drawn by chance is hidden."""
    shares: dict[str, list[float]] = defaultdict(list)
    for image, sample in _samples().items():
        if sample == "random":
            hidden = finders.hide((data / image).read_bytes())
            for finder, parts in hidden.parts.items():
                shares[finder].append(share_of_picture(hidden, parts))
    for finder, each in sorted(shares.items()):
        mean = round(float(np.mean(each)), 4)
        yield {"finder": finder, "sample": "random", "pictures": len(each), "hidden_share_of_picture": mean}


def _recall(hidden: int, of: int) -> dict[str, float | int]:
    return {
        "hidden": hidden,
        "of": of,
        "recall": round(hidden / of, 3),
        "lower": round(lower_bound(hidden, of, TWO_SIDED), 3),
        "upper": round(upper_bound(hidden, of, TWO_SIDED), 3),
    }


def _samples() -> dict[str, str]:
    with (LABELS / "pictures.csv").open(encoding="utf-8", newline="") as file:
        return {row["image"]: row["sample"] for row in csv.DictReader(file)}


def _labels() -> Labels:
    found: Labels = defaultdict(list)
    with (LABELS / "boxes.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            corners = [float(row[name]) for name in ("x1", "y1", "x2", "y2")]
            found[row["image"]].append((row["kind"], row["readable"] == "yes", corners))
    return found


def _in_pixels(corners: list[float], hidden: Hidden) -> Box:
    x1, y1, x2, y2 = corners
    wide, high = hidden.width_px, hidden.height_px
    return Box(x1=x1 * wide, y1=y1 * high, x2=x2 * wide, y2=y2 * high)
