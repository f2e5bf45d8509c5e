"""Figures of an exported file, per source and class, counted only where the truth is known. Runs without torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from training.average_precision import AveragePrecision, average_precision
from training.blocks import blocks
from training.findings import Finding, Marks, mark_one, merged
from training.index import DataIndex
from training.intervals import Intervals, intervals
from training.thresholds import UNPROVEN, Thresholds


@dataclass(frozen=True, slots=True)
class Figure:
    """One class in one source. Recall, precision and false alarms are those at `threshold`; None = cannot be said.

    `intervals`: low and high end of the 95 % interval of a figure, by its JSON name.
    """

    source: str
    class_name: str
    state: str
    pictures: int
    boxes: int
    map50: float | None
    map50_95: float | None
    threshold: float
    recall_at_threshold: float | None
    precision_at_threshold: float | None
    false_alarms_per_100: float
    intervals: Intervals = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """The figure as the card and `--json` name it."""
        values = {key: round(v, 4) if isinstance(v, float) else v for key, v in asdict(self).items()}
        values["intervals"] = {name: [round(low, 4), round(high, 4)] for name, (low, high) in self.intervals.items()}
        renamed = {"class_name": "class", "map50": "mAP50", "map50_95": "mAP50_95"}
        return {renamed.get(key, key): value for key, value in values.items()}


def figures(index: DataIndex, findings: Sequence[Finding], thresholds: dict[str, Thresholds]) -> list[Figure]:
    """Figures of every source among the findings, for each class it labelled or is surely without."""
    made: list[Figure] = []
    for source in sorted({finding.picture.source for finding in findings}):
        of_source = [finding for finding in findings if finding.picture.source == source]
        labelled = [index.classes.index(name) for name in index.classes_in_state(source, "labelled")]
        precisions = average_precision(of_source, labelled)
        for state in ("labelled", "absent"):
            for name in index.classes_in_state(source, state):
                class_id = index.classes.index(name)
                score = thresholds.get(name, UNPROVEN).operating
                made.append(_figure(of_source, (name, class_id, state), precisions.get(class_id), score))
    return made


def mean_map50(made: Sequence[Figure], fewest_boxes: int = 10) -> float:
    """Mean of mAP50 over the pairs of source and class with at least `fewest_boxes` true boxes."""
    values = [f.map50 for f in made if f.map50 is not None and f.boxes >= fewest_boxes]
    return float(np.mean(values)) if values else 0.0


def _figure(
    findings: Sequence[Finding], of_class: tuple[str, int, str], precision: AveragePrecision | None, score: float
) -> Figure:
    name, class_id, state = of_class
    by_picture = [mark_one(finding, class_id) for finding in findings]
    marks = merged(by_picture)
    hits, kept = _counts(marks, score)
    known = state == "labelled" and marks.truths > 0
    return Figure(
        source=findings[0].picture.source,
        class_name=name,
        state=state,
        pictures=len(findings),
        boxes=marks.truths,
        map50=precision.at_50 if precision else None,
        map50_95=precision.at_50_95 if precision else None,
        threshold=score,
        recall_at_threshold=hits / marks.truths if known else None,
        precision_at_threshold=hits / kept if known and kept else None,
        false_alarms_per_100=100 * (kept - hits) / len(findings),
        intervals=intervals(by_picture, blocks(findings), score),
    )


def _counts(marks: Marks, score: float) -> tuple[int, int]:
    """(right boxes, all boxes) with at least `score`."""
    kept = marks.scores >= score
    return int(marks.hits[kept].sum()), int(kept.sum())
