"""Average precision after COCO, counted by faster-coco-eval."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.findings import Finding


@dataclass(frozen=True, slots=True)
class AveragePrecision:
    """`at_50` for IoU 0.5, `at_50_95` the mean over IoU 0.50, 0.55 ... 0.95."""

    at_50: float
    at_50_95: float


def average_precision(findings: Sequence[Finding], class_ids: Sequence[int]) -> dict[int, AveragePrecision]:
    """Average precision of each class that has a true box in these pictures; at most 100 boxes a picture count."""
    from faster_coco_eval import COCO, COCOeval_faster  # an image of the server has the registry commands, not this

    truth = _truth(findings, class_ids)
    if not truth["annotations"]:
        return {}
    found = _found(findings, class_ids)
    present = sorted({annotation["category_id"] for annotation in truth["annotations"]})
    if not len(found):
        return {class_id: AveragePrecision(0.0, 0.0) for class_id in present}
    with contextlib.redirect_stdout(io.StringIO()):
        known = COCO(truth)
        counted = COCOeval_faster(known, known.loadRes(found), "bbox", print_function=lambda *_: None)
        counted.params.catIds = present
        counted.evaluate()
        counted.accumulate()
    table = np.asarray(counted.eval["precision"])[:, :, :, 0, -1]  # (IoU, recall, class) over all areas
    return {
        class_id: AveragePrecision(float(table[0, :, place].mean()), float(table[:, :, place].mean()))
        for place, class_id in enumerate(present)
    }


def _truth(findings: Sequence[Finding], class_ids: Sequence[int]) -> dict[str, list[dict[str, Any]]]:
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, finding in enumerate(findings, start=1):
        size = {"width": finding.picture.width_px, "height": finding.picture.height_px}
        images.append({"id": number, "file_name": finding.picture.image.name, **size})
        for class_id, box in zip(finding.true_classes.tolist(), finding.true_boxes.tolist(), strict=True):
            if class_id in class_ids:
                sides = [box[0], box[1], box[2] - box[0], box[3] - box[1]]
                place = {"image_id": number, "category_id": class_id, "bbox": sides}
                area = sides[2] * sides[3]
                annotations.append({"id": len(annotations) + 1, "iscrowd": 0, "area": area, **place})
    categories = [{"id": class_id, "name": str(class_id)} for class_id in class_ids]
    return {"images": images, "annotations": annotations, "categories": categories}


def _found(findings: Sequence[Finding], class_ids: Sequence[int]) -> np.ndarray:
    """(n, 7): picture, x, y, width, height, score, class."""
    rows = [np.zeros((0, 7))]
    for number, finding in enumerate(findings, start=1):
        chosen = np.isin(finding.classes, class_ids)
        boxes, count = finding.boxes[chosen], int(chosen.sum())
        columns = [np.full((count, 1), number), boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]
        columns += [finding.scores[chosen, None], finding.classes[chosen, None]]
        rows.append(np.concatenate(columns, axis=1).astype(np.float64))
    return np.concatenate(rows)
