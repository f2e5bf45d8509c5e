"""Two models side by side: figures of their released files, pair by pair of source and class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.gates import Pair, best_file, figures_of

COLUMNS = ("mAP50", "recall_at_threshold", "false_alarms_per_100")


@dataclass(frozen=True, slots=True)
class Row:
    """One pair: its true boxes, and each figure as (of A, of B); None where a card does not tell it."""

    pair: Pair
    boxes: int
    values: dict[str, tuple[float | None, float | None]]

    def as_json(self) -> dict[str, object]:
        """One line of `--json`."""
        told = {name: {"a": a, "b": b} for name, (a, b) in self.values.items()}
        return {"source": self.pair.source, "class": self.pair.class_name, "boxes": self.boxes, **told}


def side_by_side(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[Row]:
    """A row for every pair that either card has figures of."""
    of_one, of_other = figures_of(one, best_file(one)), figures_of(other, best_file(other))
    rows = []
    for pair in sorted({*of_one, *of_other}, key=str):
        a, b = of_one.get(pair, {}), of_other.get(pair, {})
        values = {name: (a.get(name), b.get(name)) for name in COLUMNS}
        rows.append(Row(pair, (b or a)["boxes"], values))
    return rows


def as_table(rows: Sequence[Row]) -> str:
    """The rows for people: A, B and what B gains."""
    head = f"{'source/class':34s} {'boxes':>5s}" + "".join(
        f"  {name:>26s}" for name in ("mAP50", "recall", "false/100")
    )
    lines = [head]
    for row in rows:
        cells = "".join(f"  {_cell(a, b):>26s}" for a, b in row.values.values())
        lines.append(f"{row.pair!s:34s} {row.boxes:5d}{cells}")
    return "\n".join(lines)


def _cell(a: float | None, b: float | None) -> str:
    if a is None or b is None:
        return " ".join("-" if value is None else f"{value:.3f}" for value in (a, b))
    return f"{a:.3f} {b:.3f} ({b - a:+.3f})"
