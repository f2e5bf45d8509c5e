"""COCO: one JSON file with `images`, `annotations` (bbox: left, top, width, height in pixels) and `categories`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from training.formats.labelled import (
    LabelledBox,
    LabelledPicture,
    LabelSet,
    Place,
    box_of_corners,
    demand_once,
    number,
    size,
)
from training.formats.members import list_of, read_object


def read(path: Path) -> LabelSet:
    """The labels of a COCO file. A crowd region is no box of one thing and is refused."""
    content = read_object(path)
    categories = list_of(content, "categories", Place(path))
    names = {entry["id"]: entry["name"] for entry in categories}
    if len(set(names.values())) != len(categories):
        raise Place(path, item="categories").error("an id or a name is there twice")
    images = {entry["id"]: entry for entry in list_of(content, "images", Place(path))}
    demand_once((entry["file_name"] for entry in images.values()), path)
    sizes = {key: _size(entry, Place(path, item=f"image {key}")) for key, entry in images.items()}
    boxes: dict[Any, list[LabelledBox]] = {key: [] for key in images}
    for place, entry in enumerate(list_of(content, "annotations", Place(path))):
        at = Place(path, item=f"annotations[{place}]")
        if entry.get("image_id") not in images or entry.get("category_id") not in names:
            raise at.error("image_id or category_id names nothing in this file")
        if entry.get("iscrowd"):
            raise at.error("is a crowd region")
        box = _box(entry, names[entry["category_id"]], sizes[entry["image_id"]], at)
        boxes[entry["image_id"]].append(box)
    pictures = [LabelledPicture(e["file_name"], *sizes[key], tuple(boxes[key])) for key, e in images.items()]
    return LabelSet(tuple(names.values()), tuple(pictures))


def write(labels: LabelSet, path: Path) -> Path:
    """The path of the file; categories and pictures are numbered from 1 on."""
    ids = {name: place for place, name in enumerate(labels.classes, start=1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, picture in enumerate(labels.pictures, start=1):
        sides = {"width": picture.width_px, "height": picture.height_px}
        images.append({"id": image_id, "file_name": picture.image, **sides})
        for box in picture.boxes:
            x1, y1, x2, y2 = box.corners_px(picture.width_px, picture.height_px)
            entry = {"id": len(annotations) + 1, "image_id": image_id, "category_id": ids[box.class_name]}
            shape = {"bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1), "iscrowd": 0}
            annotations.append({**entry, **shape, "segmentation": []})
    categories = [{"id": number, "name": name, "supercategory": ""} for name, number in ids.items()]
    content = {"info": {}, "licenses": [], "images": images, "annotations": annotations, "categories": categories}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return path


def _size(entry: dict[str, Any], at: Place) -> tuple[int, int]:
    return size(entry.get("width"), at, "width"), size(entry.get("height"), at, "height")


def _box(entry: dict[str, Any], name: str, size_px: tuple[int, int], at: Place) -> LabelledBox:
    sides = entry.get("bbox")
    if not isinstance(sides, list) or len(sides) != 4:
        raise at.error("bbox must be four numbers")
    left, top, width, height = (number(side, at, "bbox") for side in sides)
    return box_of_corners(name, (left, top, left + width, top + height), size_px, at)
