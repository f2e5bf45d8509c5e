"""Label Studio: a JSON list of tasks; a box is a result of type `rectanglelabels` in per cent of the picture.

Label Studio keeps the classes and the size of a picture without boxes elsewhere; `meta` of a task takes both here.
"""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from training.formats.labelled import DECIMALS, LabelledBox, LabelledPicture, LabelSet, Place, demand_once, number, size
from training.formats.members import list_of, read_json
from training.index import DataError

_TYPE = "rectanglelabels"
_LOCAL_FILES = "/data/local-files/"


def read(path: Path) -> LabelSet:
    """The labels of an export. Of each task the latest annotation counts that was not cancelled; none is an error."""
    tasks = read_json(path)
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise DataError(path, None, "must hold a list of tasks")
    read_tasks = [
        _read_task(task, Place(path, item=f"task {task.get('id', place)}")) for place, task in enumerate(tasks)
    ]
    demand_once((picture.image for picture in read_tasks), path)
    told = tasks[0].get("meta", {}).get("classes") if tasks else None
    found = sorted({box.class_name for picture in read_tasks for box in picture.boxes})
    return LabelSet(tuple(found if told is None else told), tuple(read_tasks))


def write(labels: LabelSet, path: Path) -> Path:
    """The path of the file."""
    tasks = []
    for task_id, picture in enumerate(labels.pictures, start=1):
        sides = {"original_width": picture.width_px, "original_height": picture.height_px}
        result = [
            {
                "id": f"{task_id}-{place}",
                "type": _TYPE,
                "from_name": "label",
                "to_name": "image",
                "image_rotation": 0,
                **sides,
                "value": {**_as_percent(box), "rotation": 0, _TYPE: [box.class_name]},
            }
            for place, box in enumerate(picture.boxes)
        ]
        meta = {"classes": list(labels.classes), **sides}
        annotation = {"id": task_id, "was_cancelled": False, "result": result}
        tasks.append({"id": task_id, "data": {"image": picture.image}, "meta": meta, "annotations": [annotation]})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(tasks, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return path


def _read_task(task: dict[str, Any], at: Place) -> LabelledPicture:
    image = task.get("data", {}).get("image")
    if not isinstance(image, str) or not image:
        raise at.error("data.image must be a text")
    done = [one for one in list_of(task, "annotations", at) if not one.get("was_cancelled")]
    if not done:
        raise at.error("has no annotation: finish it or leave it out of the export")
    result = list_of(done[-1], "result", at)
    sides = result[0] if result else task.get("meta", {})
    width_px, height_px = (size(sides.get(f"original_{side}"), at, f"original_{side}") for side in ("width", "height"))
    return LabelledPicture(_plain_name(image), width_px, height_px, tuple(_read_box(one, at) for one in result))


def _read_box(result: dict[str, Any], at: Place) -> LabelledBox:
    value = result.get("value", {})
    if result.get("type") != _TYPE or value.get("rotation") or result.get("image_rotation"):
        raise at.error(f"result {result.get('id')} is not an upright {_TYPE}")
    names = value.get(_TYPE)
    if not isinstance(names, list) or len(names) != 1:
        raise at.error(f"result {result.get('id')} must have one label")
    left, top, width, height = (number(value.get(side), at, side) / 100 for side in ("x", "y", "width", "height"))
    if width <= 0 or height <= 0:
        raise at.error(f"result {result.get('id')} is a box without area")
    shares = (left + width / 2, top + height / 2, width, height)
    return LabelledBox(names[0], *(round(share, DECIMALS) for share in shares))


def _as_percent(box: LabelledBox) -> dict[str, float]:
    left, top = box.x - box.width / 2, box.y - box.height / 2
    return {"x": 100 * left, "y": 100 * top, "width": 100 * box.width, "height": 100 * box.height}


def _plain_name(image: str) -> str:
    """The path of a picture as it was given: Label Studio turns it into an address.

    >>> _plain_name("/data/local-files/?d=street/a%20b.jpg")
    'street/a b.jpg'
    >>> _plain_name("/data/upload/3/0a1b2c3d-a.jpg")
    '0a1b2c3d-a.jpg'
    """
    parts = urlsplit(image)
    if parts.path == _LOCAL_FILES:
        return unquote(parse_qs(parts.query).get("d", [""])[0])
    return PurePosixPath(unquote(parts.path)).name if parts.path.startswith("/") or parts.scheme else image
