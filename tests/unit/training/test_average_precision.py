"""Average precision, counted by one library, is that of a second one and of our own count for the intervals."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from support.findings import DARK, PALE, by_chance

from training.average_precision import average_precision
from training.findings import Finding, mark
from training.intervals import average_precision_at_50


def of_pycocotools(findings: list[Finding], class_id: int) -> tuple[float, float]:
    """(at IoU 0.5, mean over 0.50 ... 0.95), the boxes handed over in COCO's own words."""
    truth: dict[str, list[dict[str, Any]]] = {"images": [], "annotations": [], "categories": [{"id": 1}]}
    found: list[dict[str, Any]] = []
    for number, finding in enumerate(findings, start=1):
        truth["images"].append({"id": number})
        for box in finding.true_boxes[finding.true_classes == class_id].astype(float).tolist():
            entry = {"id": len(truth["annotations"]) + 1, "image_id": number, "category_id": 1, "iscrowd": 0}
            sides = [box[0], box[1], box[2] - box[0], box[3] - box[1]]
            truth["annotations"].append({**entry, "bbox": sides, "area": sides[2] * sides[3]})
        chosen = finding.classes == class_id
        for box, score in zip(finding.boxes[chosen].tolist(), finding.scores[chosen].tolist(), strict=True):
            sides = [box[0], box[1], box[2] - box[0], box[3] - box[1]]
            found.append({"image_id": number, "category_id": 1, "bbox": sides, "score": score})
    with contextlib.redirect_stdout(io.StringIO()):
        known = COCO()
        known.dataset = truth
        known.createIndex()
        counted = COCOeval(known, known.loadRes(found), "bbox")
        counted.evaluate()
        counted.accumulate()
        counted.summarize()
    return float(counted.stats[1]), float(counted.stats[0])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("class_id", [PALE, DARK])
def test_two_libraries_give_the_same_average_precision(seed: int, class_id: int) -> None:
    findings = by_chance(60, seed)
    ours = average_precision(findings, [PALE, DARK])[class_id]
    at_50, at_50_95 = of_pycocotools(findings, class_id)
    assert 0.1 < at_50 < 0.95
    assert ours.at_50 == pytest.approx(at_50, abs=1e-9)
    assert ours.at_50_95 == pytest.approx(at_50_95, abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_the_quick_count_of_the_intervals_is_that_of_the_library(seed: int) -> None:
    findings = by_chance(60, seed)
    marks = mark(findings, PALE)
    quick = average_precision_at_50(marks.scores, marks.hits, marks.truths, np.ones(len(marks.scores)))
    assert quick == pytest.approx(average_precision(findings, [PALE])[PALE].at_50, abs=1e-6)
