"""YOLO: `data.yaml` with the names, and beside it `images/` and `labels/`, a text file a picture.

A line of a text file is `class centre_x centre_y width height`, shares of the picture. Sizes of pictures are read from
the pictures themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from detector.image import Limits, probe
from detector.picture_errors import PictureError
from training.formats.labelled import DECIMALS, LabelledBox, LabelledPicture, LabelSet
from training.index import DataError
from training.labels import read_labels

NAMES_FILE = "data.yaml"
PICTURE_ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".webp"})


def read(folder: Path) -> LabelSet:
    """The labels of a folder with `data.yaml`; every picture needs its text file, be it empty."""
    classes = _read_names(folder / NAMES_FILE)
    pictures = []
    images = folder / "images"
    for path in sorted(images.rglob("*")):
        if path.suffix.lower() in PICTURE_ENDINGS:
            image = path.relative_to(images).as_posix()
            labels = (folder / "labels" / image).with_suffix(".txt")
            if not labels.is_file():
                raise DataError(path, None, f"no label file: {labels}")
            width_px, height_px = picture_size(path)
            pictures.append(LabelledPicture(image, width_px, height_px, _read_boxes(labels, classes)))
    return LabelSet(classes, tuple(pictures))


def write(labels: LabelSet, folder: Path) -> Path:
    """The path of `data.yaml`; the text files lie in `labels/`, the pictures are not copied."""
    for picture in labels.pictures:
        path = (folder / "labels" / picture.image).with_suffix(".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(label_text(picture.boxes, labels.classes), encoding="utf-8")
    names = {"path": ".", "train": "images", "val": "images", "names": dict(enumerate(labels.classes))}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NAMES_FILE).write_text(yaml.safe_dump(names, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return folder / NAMES_FILE


def label_text(boxes: Sequence[LabelledBox], classes: Sequence[str]) -> str:
    """The text file of one picture."""
    ids = {name: place for place, name in enumerate(classes)}
    lines = []
    for box in boxes:
        shares = " ".join(f"{share:.{DECIMALS}f}" for share in (box.x, box.y, box.width, box.height))
        lines.append(f"{ids[box.class_name]} {shares}\n")
    return "".join(lines)


def picture_size(path: Path) -> tuple[int, int]:
    """Upright width and height of a picture file in pixels; raises DataError where it cannot be read."""
    try:
        info = probe(path.read_bytes(), Limits())
    except PictureError as error:
        raise DataError(path, None, error.message) from None
    return info.width_px, info.height_px


def _read_names(path: Path) -> tuple[str, ...]:
    if not path.is_file():
        raise DataError(path, None, "the file is missing")
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise DataError(path, None, f"is not YAML ({error})") from None
    names = content.get("names") if isinstance(content, dict) else None
    if isinstance(names, dict) and sorted(names) == list(range(len(names))):
        names = [names[place] for place in range(len(names))]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataError(path, None, "names must be a list of texts, or texts by number from 0 on")
    return tuple(names)


def _read_boxes(path: Path, classes: tuple[str, ...]) -> tuple[LabelledBox, ...]:
    rows = read_labels(path, len(classes)).astype(float).tolist()
    return tuple(
        LabelledBox(classes[int(class_id)], *(round(share, DECIMALS) for share in shares)) for class_id, *shares in rows
    )
