"""Labels of a model for classes that a source does not label: positives only, with where they come from.

A file holds a row a box: source, image (name of its file), class, x, y, width, height (shares of the picture), score,
probability, model, keep. People look at the page and write `no` under `keep` where the model was wrong. In a picture
with such a label the class is taught where the labels are and nowhere else: what the model did not find may be there.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.findings import Finding, overlap
from training.index import DataError, DataIndex, Picture, read_rows

COLUMNS = ("source", "image", "class", "x", "y", "width", "height", "score", "probability", "model", "keep")
SAME_PLACE_IOU = 0.5  # where a labelled thing is, a pseudo-label of another class is an argument, not a label

PseudoLabels = dict[tuple[str, str], np.ndarray]


@dataclass(frozen=True, slots=True)
class Proposal:
    """One box that a model proposes in a picture, (4,) x1, y1, x2, y2 pixels."""

    finding: Finding
    class_id: int
    box: np.ndarray
    score: float
    probability: float


def propose(
    index: DataIndex, findings: Sequence[Finding], chances: Sequence[np.ndarray], above: float
) -> list[Proposal]:
    """The boxes with a probability of at least `above`, of classes unknown in the picture's source, surest first.

    `chances`: the probability of each found box, picture by picture.
    """
    made = [p for f, chance in zip(findings, chances, strict=True) for p in _of_picture(index, f, chance, above)]
    return sorted(made, key=lambda p: -p.probability)


def write_pseudo(path: Path, index: DataIndex, proposals: Sequence[Proposal], model: str) -> None:
    """None; `path` then holds a row for each proposal, in their order, all of them to be kept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for p in proposals:
            picture = p.finding.picture
            shares = [f"{share:.6f}" for share in _shares(p.box, picture)]
            rates = [f"{p.score:.4f}", f"{p.probability:.4f}"]
            name = index.classes[p.class_id]
            writer.writerow([picture.source, picture.image.name, name, *shares, *rates, model, "yes"])


def read_pseudo(path: Path, index: DataIndex) -> PseudoLabels:
    """Label rows (n, 5) by source and file name, of the rows to be kept. Raises DataError naming file and line."""
    rows: dict[tuple[str, str], list[list[float]]] = {}
    known = {(p.source, p.image.name) for p in index.pictures if p.split == "train"}
    for line, row in read_rows(path, set(COLUMNS)):
        if row["keep"] not in ("yes", "no"):
            raise DataError(path, line, f"keep must be yes or no, not {row['keep']!r}")
        key = (row["source"], row["image"])
        if key not in known:
            raise DataError(path, line, f"no picture {row['image']!r} of {row['source']!r} is in split train")
        if row["class"] not in index.classes or row["class"] in index.states[row["source"]]:
            raise DataError(path, line, f"class {row['class']!r} is none, or no unknown one in {row['source']}")
        if row["keep"] == "yes":
            shares = [_share(path, line, row[name]) for name in ("x", "y", "width", "height")]
            rows.setdefault(key, []).append([float(index.classes.index(row["class"])), *shares])
    return {key: np.array(of_picture, dtype=np.float32) for key, of_picture in rows.items()}


def _of_picture(index: DataIndex, finding: Finding, chances: np.ndarray, above: float) -> Iterator[Proposal]:
    known = index.class_mask(finding.picture.source)
    chosen = np.flatnonzero((chances >= above) & (known[finding.classes] == 0))
    taken = finding.true_boxes
    for row in chosen[np.argsort(-chances[chosen], kind="stable")].tolist():
        box = finding.boxes[row]
        if overlap(box[None], taken).max(initial=0.0) < SAME_PLACE_IOU:
            taken = np.concatenate([taken, box[None]])
            score = float(finding.scores[row])
            yield Proposal(finding, int(finding.classes[row]), box, score, float(chances[row]))


def _shares(box: np.ndarray, picture: Picture) -> list[float]:
    x1, y1, x2, y2 = (float(side) for side in box)
    wide, high = picture.width_px, picture.height_px
    return [(x1 + x2) / 2 / wide, (y1 + y2) / 2 / high, (x2 - x1) / wide, (y2 - y1) / high]


def _share(path: Path, line: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise DataError(path, line, f"not a number: {text!r}") from None
    if not 0 <= value <= 1:
        raise DataError(path, line, f"{text} is no share of a picture")
    return value
