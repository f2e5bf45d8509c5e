"""Findings made by hand and by chance, for the figures that are counted from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from training.findings import Finding
from training.index import DataIndex, Picture

PALE, DARK = 0, 1
CLASSES = ("pale", "dark")
HERE = [10.0, 10.0, 30.0, 30.0]
WIDTH_PX, HEIGHT_PX = 100, 50


def a_finding(
    truth: list[tuple[int, list[float]]],
    found: list[tuple[int, list[float], float]],
    *,
    source: str = "walls",
    group: str = "g",
) -> Finding:
    """One picture: true boxes as (class, box), found ones as (class, box, score)."""
    picture = Picture(source, Path(f"{group}.png"), Path(f"{group}.txt"), "val", group, WIDTH_PX, HEIGHT_PX)
    return Finding(
        picture,
        np.array([class_id for class_id, _ in truth], dtype=np.int64),
        np.array([box for _, box in truth], dtype=np.float32).reshape(-1, 4),
        np.array([class_id for class_id, _, _ in found], dtype=np.int64),
        np.array([box for _, box, _ in found], dtype=np.float32).reshape(-1, 4),
        np.array([score for _, _, score in found], dtype=np.float32),
    )


def an_index(findings: list[Finding], states: dict[str, dict[str, str]]) -> DataIndex:
    """The index of these pictures."""
    return DataIndex(CLASSES, states, tuple(f.picture for f in findings))


def by_chance(pictures: int, seed: int = 0, *, source: str = "walls") -> list[Finding]:
    """Pictures, each a group, with true boxes of both classes and found ones that are shifted, missing or too many."""
    rng = np.random.default_rng(seed)
    return [_one_by_chance(rng, f"{source}_{number}", source) for number in range(pictures)]


def _one_by_chance(rng: np.random.Generator, group: str, source: str) -> Finding:
    truth: list[tuple[int, list[float]]] = []
    found: list[tuple[int, list[float], float]] = []
    for _ in range(rng.integers(0, 5)):
        class_id, box = int(rng.integers(2)), _box(rng)
        truth.append((class_id, box))
        for _ in range(rng.integers(0, 3)):
            shifted = [side + float(shift) for side, shift in zip(box, rng.normal(0, 1.5, 4), strict=True)]
            found.append((class_id, shifted, float(rng.beta(3, 2))))
    found += [(int(rng.integers(2)), _box(rng), float(rng.beta(2, 3))) for _ in range(rng.integers(0, 4))]
    return a_finding(truth, found, source=source, group=group)


def _box(rng: np.random.Generator) -> list[float]:
    left, top = float(rng.uniform(0, 70)), float(rng.uniform(0, 30))
    return [left, top, left + float(rng.uniform(8, 30)), top + float(rng.uniform(8, 20))]
