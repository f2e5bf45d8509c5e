"""Labels of other tools into a data folder, and out of one."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

import numpy as np

from training.formats import coco, cvat, label_studio, voc, yolo
from training.formats.labelled import DECIMALS, LabelledBox, LabelledPicture, LabelSet
from training.index import DataError, DataIndex, Picture
from training.labels import read_labels
from training.lookalikes import difference_hash, join_alike
from training.split import write_index

COLUMNS = ("source", "image", "split", "group", "width_px", "height_px", "boxes", "boxes_of_other_classes")


class Format(StrEnum):
    """The formats of other tools."""

    YOLO = "yolo"
    COCO = "coco"
    VOC = "voc"
    CVAT = "cvat"
    LABEL_STUDIO = "label-studio"


READERS: Mapping[Format, Callable[[Path], LabelSet]] = {
    Format.YOLO: yolo.read,
    Format.COCO: coco.read,
    Format.VOC: voc.read,
    Format.CVAT: cvat.read,
    Format.LABEL_STUDIO: label_studio.read,
}
WRITERS: Mapping[Format, Callable[[LabelSet, Path], Path]] = {
    Format.YOLO: yolo.write,
    Format.COCO: coco.write,
    Format.VOC: voc.write,
    Format.CVAT: cvat.write,
    Format.LABEL_STUDIO: label_studio.write,
}


@dataclass(frozen=True, kw_only=True)
class NewSource:
    """How labels of another tool become a source: `classes` maps their names to ours, None leaves a class out.

    `group_by`: a regular expression; pictures with the same match in their name are one group. Look-alikes always are.
    """

    name: str
    pictures: Path
    classes: Mapping[str, str | None] = field(default_factory=dict)
    group_by: str | None = None


def from_index(index: DataIndex, folder: Path, source: str | None = None, split: str | None = None) -> LabelSet:
    """The pictures of a data folder, of one source or split if named, as every format can take them."""
    chosen = [p for p in index.pictures if source in (None, p.source) and split in (None, p.split)]
    return LabelSet(index.classes, tuple(_from_picture(p, index, folder) for p in chosen))


def take_in(labels: LabelSet, new: NewSource, folder: Path) -> int:
    """How many pictures were copied into the data folder, all in split `train`; the folder is made where it is missing.

    Every class of the label set then counts as labelled in the new source. Raises DataError before anything is written.
    """
    classes = _known_classes(folder, labels, new)
    renamed = [_renamed(picture, labels, new) for picture in labels.pictures]
    for picture in renamed:
        _check_picture(picture, new)
    groups = _groups(renamed, new)
    rows = [_take_picture(p, group, new, classes, folder) for p, group in zip(renamed, groups, strict=True)]
    (folder / "classes.txt").write_text("".join(f"{name}\n" for name in classes), encoding="utf-8")
    taught = dict.fromkeys(_ours(name, new) for name in labels.classes)
    states = [{"source": new.name, "class": name, "state": "labelled"} for name in taught if name is not None]
    _append(folder / "sources.csv", ("source", "class", "state"), states)
    _append(folder / "index.csv", COLUMNS, rows)
    return len(rows)


def _from_picture(picture: Picture, index: DataIndex, folder: Path) -> LabelledPicture:
    rows = read_labels(picture.labels, len(index.classes)).astype(float).tolist()
    boxes = tuple(LabelledBox(index.classes[int(i)], *(round(s, DECIMALS) for s in shares)) for i, *shares in rows)
    image = picture.image.relative_to(folder / "images").as_posix()
    return LabelledPicture(image, picture.width_px, picture.height_px, boxes)


def _known_classes(folder: Path, labels: LabelSet, new: NewSource) -> tuple[str, ...]:
    """The classes of the data folder; of a new one, those that the labels bring."""
    for name in new.classes:
        if name not in labels.classes:
            raise DataError(folder, None, f"the labels have no class {name!r}; they have {', '.join(labels.classes)}")
    brought = [name for name in (_ours(theirs, new) for theirs in labels.classes) if name is not None]
    listed = folder / "classes.txt"
    if not listed.is_file():
        return tuple(dict.fromkeys(brought))
    classes = tuple(listed.read_text(encoding="utf-8").split("\n"))
    classes = tuple(name.strip() for name in classes if name.strip())
    for name in brought:
        if name not in classes:
            raise DataError(listed, None, f"{name!r} is not in it: map the class to one of ours or leave it out")
    with (folder / "sources.csv").open(encoding="utf-8", newline="") as stream:
        if new.name in {row["source"] for row in csv.DictReader(stream)}:
            raise DataError(folder / "sources.csv", None, f"source {new.name!r} is there already")
    return classes


def _ours(theirs: str, new: NewSource) -> str | None:
    return new.classes.get(theirs, theirs)


def _renamed(picture: LabelledPicture, labels: LabelSet, new: NewSource) -> LabelledPicture:
    ours = [(box, _ours(box.class_name, new)) for box in picture.boxes]
    return replace(picture, boxes=tuple(replace(box, class_name=name) for box, name in ours if name is not None))


def _check_picture(picture: LabelledPicture, new: NewSource) -> None:
    path = new.pictures / picture.image
    if ".." in Path(picture.image).parts or Path(picture.image).is_absolute():
        raise DataError(path, None, "must lie inside the folder of pictures")
    if not path.is_file():
        raise DataError(path, None, "no such picture")
    found = yolo.picture_size(path)
    if found != (picture.width_px, picture.height_px):
        told = f"{picture.width_px}x{picture.height_px}"
        raise DataError(path, None, f"is {found[0]}x{found[1]}, its labels say {told}")


def _groups(pictures: list[LabelledPicture], new: NewSource) -> list[str]:
    hashes = np.array([difference_hash(new.pictures / p.image) for p in pictures]).reshape(-1, 64)
    groups = []
    for picture in pictures:
        found = None if new.group_by is None else re.search(new.group_by, picture.image)
        groups.append(picture.image if found is None else found.group(0))
    names = join_alike(groups, hashes)
    numbers = {name: place for place, name in enumerate(dict.fromkeys(names))}
    return [f"{new.name}_{numbers[name]}" for name in names]


def _take_picture(
    picture: LabelledPicture, group: str, new: NewSource, classes: tuple[str, ...], folder: Path
) -> dict[str, str]:
    image = Path("images") / new.name / picture.image
    labels = (Path("labels") / new.name / picture.image).with_suffix(".txt")
    for path in (folder / image, folder / labels):
        path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(new.pictures / picture.image, folder / image)
    (folder / labels).write_text(yolo.label_text(picture.boxes, classes), encoding="utf-8")
    sides = (str(picture.width_px), str(picture.height_px), str(len(picture.boxes)), "0")
    return dict(zip(COLUMNS, (new.name, image.as_posix(), "train", group, *sides), strict=True))


def _append(path: Path, columns: tuple[str, ...], rows: list[dict[str, str]]) -> None:
    old: list[dict[str, str]] = []
    if path.is_file():
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            old, columns = list(reader), tuple(reader.fieldnames or columns)
    write_index(path, columns, [*old, *({name: row.get(name, "") for name in columns} for row in rows)])
