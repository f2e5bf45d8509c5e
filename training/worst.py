"""The worst misses and the worst false alarms of an evaluation, as a page with pictures to look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from detector.image import Limits, decode
from training.findings import SAME_THING_IOU, Finding, mark_one, overlap
from training.index import DataIndex
from training.page import render
from training.thresholds import UNPROVEN, Thresholds

MOST_EXAMPLES = 48
MOST_A_PAIR = 6  # of one class in one source: a page of one kind of mistake teaches only that one
PICTURE_WIDTH_PX = 640
_GREEN, _RED = (60, 180, 60), (40, 40, 220)


@dataclass(frozen=True, slots=True)
class Example:
    """One mistake: a true box (4,) that was not found, or a found box that is wrong; the largest `weight` is worst."""

    finding: Finding
    class_id: int
    box: np.ndarray
    threshold: float
    weight: float
    text: str


def worst_misses(index: DataIndex, findings: Sequence[Finding], limits: dict[str, Thresholds]) -> list[Example]:
    """True boxes that no box of the operating score hits, the largest first: those there is least excuse for."""
    return _chosen(e for f in findings for e in _misses(index, f, limits))


def worst_alarms(index: DataIndex, findings: Sequence[Finding], limits: dict[str, Thresholds]) -> list[Example]:
    """Wrong boxes of the operating score, the surest first, where the class is labelled or surely absent."""
    return _chosen(e for f in findings for e in _alarms(index, f, limits))


def write_page(folder: Path, title: str, sections: Mapping[str, Sequence[Example]]) -> Path:
    """The path of the page; it and its pictures are written into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = []
    for number, (heading, examples) in enumerate(sections.items()):
        rows = []
        for place, example in enumerate(examples):
            name = f"{number}-{place:03d}.jpg"
            cv2.imwrite(str(folder / name), draw(example), [cv2.IMWRITE_JPEG_QUALITY, 85])
            rows.append({"file": name, "text": example.text})
        shown.append((heading, rows))
    path = folder / "index.html"
    path.write_text(render("worst.html", title=title, sections=shown), encoding="utf-8")
    return path


def draw(example: Example) -> np.ndarray:
    """The picture, 640 px wide, uint8 (H, W, 3) BGR, with the boxes of the class."""
    finding = example.finding
    pixels = decode(finding.picture.image.read_bytes(), Limits()).pixels
    scale = PICTURE_WIDTH_PX / pixels.shape[1]
    drawn = cv2.resize(
        pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    )
    ratio = PICTURE_WIDTH_PX / finding.picture.width_px
    found = finding.boxes[(finding.classes == example.class_id) & (finding.scores >= example.threshold)]
    true_boxes = finding.true_boxes[finding.true_classes == example.class_id]
    for boxes, colour in ((true_boxes, _GREEN), (found, _RED)):
        for box in boxes:
            is_asked = bool(np.array_equal(box, example.box))
            left, top, right, bottom = (round(float(side) * ratio) for side in box)
            cv2.rectangle(drawn, (left, top), (right, bottom), colour, 4 if is_asked else 1)
    return np.asarray(drawn)


def _misses(index: DataIndex, finding: Finding, limits: dict[str, Thresholds]) -> Iterator[Example]:
    for name in index.classes_in_state(finding.picture.source, "labelled"):
        class_id, threshold = index.classes.index(name), limits.get(name, UNPROVEN).operating
        of_class = finding.classes == class_id
        boxes, scores = finding.boxes[of_class], finding.scores[of_class]
        true_boxes = finding.true_boxes[finding.true_classes == class_id]
        close = overlap(true_boxes, boxes) >= SAME_THING_IOU
        best = np.where(close, scores[None], 0.0).max(axis=1, initial=0.0)
        for box, score in zip(true_boxes, best.tolist(), strict=True):
            if score < threshold:
                share = _area_share(finding, box)
                text = (
                    f"{_place(finding)}: {name} of {share:.1%} of the picture; best score {score:.2f} under {threshold}"
                )
                yield Example(finding, class_id, box, threshold, share, text)


def _alarms(index: DataIndex, finding: Finding, limits: dict[str, Thresholds]) -> Iterator[Example]:
    for name, state in index.states.get(finding.picture.source, {}).items():
        class_id, threshold = index.classes.index(name), limits.get(name, UNPROVEN).operating
        marks = mark_one(finding, class_id)
        of_class = np.flatnonzero(finding.classes == class_id)
        ordered = of_class[np.argsort(-finding.scores[of_class], kind="stable")]
        for place, is_hit, score in zip(ordered, marks.hits, marks.scores.tolist(), strict=True):
            if score >= threshold and not is_hit:
                text = f"{_place(finding)}: {name} ({state} there) with score {score:.2f}, threshold {threshold}"
                yield Example(finding, class_id, finding.boxes[place], threshold, score, text)


def _chosen(examples: Iterable[Example]) -> list[Example]:
    taken: Counter[tuple[str, int]] = Counter()
    kept: list[Example] = []
    for example in sorted(examples, key=lambda e: -e.weight):
        pair = (example.finding.picture.source, example.class_id)
        if taken[pair] < MOST_A_PAIR and len(kept) < MOST_EXAMPLES:
            taken[pair] += 1
            kept.append(example)
    return kept


def _place(finding: Finding) -> str:
    return f"{finding.picture.source}/{finding.picture.image.name}"


def _area_share(finding: Finding, box: np.ndarray) -> float:
    area = float((box[2] - box[0]) * (box[3] - box[1]))
    return area / (finding.picture.width_px * finding.picture.height_px)
