"""Labels go out to every format and come back without a difference; what cannot be read is named with its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.training_data import plan, write_data

from training.exchange import READERS, WRITERS, Format, from_index
from training.formats.labelled import LabelledBox, LabelledPicture, LabelSet
from training.index import DataError, load_index

FILES = {Format.COCO: "labels.json", Format.CVAT: "labels.xml", Format.LABEL_STUDIO: "labels.json"}
WRITTEN_LABELS = LabelSet(
    ("garbage", "垃圾 & <bin>", 'a "cone"'),
    (
        LabelledPicture(
            "street/a b.png",
            640,
            427,
            (
                LabelledBox("垃圾 & <bin>", 0.50966, 0.50241, 0.55073, 0.96618),
                LabelledBox("garbage", 0.333333, 0.142857, 0.1, 0.076923),
                LabelledBox('a "cone"', 0.5, 0.5, 1.0, 1.0),
            ),
        ),
        LabelledPicture("street/empty.png", 320, 240, ()),
        LabelledPicture("甲&乙.png", 832, 1, (LabelledBox("garbage", 0.002001, 0.5, 0.004001, 1.0),)),
    ),
)


def write_pictures(labels: LabelSet, folder: Path) -> None:
    for picture in labels.pictures:
        path = folder / "images" / picture.image
        path.parent.mkdir(parents=True, exist_ok=True)
        encoded = cv2.imencode(".png", np.zeros((picture.height_px, picture.width_px, 3), np.uint8))[1]
        path.write_bytes(encoded.tobytes())


def there_and_back(kind: Format, labels: LabelSet, folder: Path) -> LabelSet:
    place = folder / FILES.get(kind, "labels")
    if kind is Format.YOLO:
        place = folder
        write_pictures(labels, folder)
    WRITERS[kind](labels, place)
    return READERS[kind](place)


def in_order(labels: LabelSet) -> LabelSet:
    return LabelSet(labels.classes, tuple(sorted(labels.pictures, key=lambda p: p.image)))


@pytest.mark.parametrize("kind", list(Format))
def test_labels_come_back_without_a_difference(kind: Format, tmp_path: Path) -> None:
    back = there_and_back(kind, WRITTEN_LABELS, tmp_path)
    assert in_order(back) == in_order(WRITTEN_LABELS)


@pytest.mark.parametrize("kind", list(Format))
def test_a_data_folder_goes_through_every_format_without_a_difference(kind: Format, tmp_path: Path) -> None:
    data = write_data(tmp_path / "data", plan(train=4, val=2))
    labels = from_index(load_index([data]), data)
    assert len(labels.pictures) == 6
    assert in_order(there_and_back(kind, labels, tmp_path / "out")) == in_order(labels)


@pytest.mark.parametrize("kind", [kind for kind in Format if kind is not Format.YOLO])
def test_real_labels_go_through_every_format_without_a_difference(kind: Format, shared: Path, tmp_path: Path) -> None:
    labels = from_index(load_index([shared / "data"]), shared / "data", split="val")
    assert len(labels.pictures) > 1000
    assert in_order(there_and_back(kind, labels, tmp_path)) == in_order(labels)


SHARES = st.floats(0.002, 0.998)


@settings(max_examples=60, deadline=None)
@given(x=SHARES, y=SHARES, width=SHARES, height=SHARES, wide_px=st.integers(1, 8000), high_px=st.integers(1, 8000))
def test_any_box_in_any_picture_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    x: float,
    y: float,
    width: float,
    height: float,
    wide_px: int,
    high_px: int,
) -> None:
    width, height = min(width, 2 * x, 2 - 2 * x), min(height, 2 * y, 2 - 2 * y)
    box = LabelledBox("bin", *(round(share, 6) for share in (x, y, width, height)))
    labels = LabelSet(("bin",), (LabelledPicture("a.png", wide_px, high_px, (box,)),))
    for kind in (Format.COCO, Format.VOC, Format.CVAT, Format.LABEL_STUDIO):
        assert there_and_back(kind, labels, tmp_path_factory.mktemp("labels")) == labels


def changed_json(kind: Format, folder: Path, change: Callable[[object], None]) -> Path:
    path = folder / FILES[kind]
    WRITERS[kind](WRITTEN_LABELS, path)
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def put(*keys: object) -> Callable[[object], None]:
    """Puts the last of the keys at the place that the others name."""

    def change(content: object) -> None:
        for key in keys[:-2]:
            content = content[key]  # type: ignore[index]
        content[keys[-2]] = keys[-1]  # type: ignore[index]

    return change


RESULT = (0, "annotations", 0, "result", 1)


@pytest.mark.parametrize(
    ("kind", "change", "problem"),
    [
        (
            Format.COCO,
            put("annotations", 1, "category_id", 9),
            r"annotations\[1\]: image_id or category_id names nothing",
        ),
        (Format.COCO, put("annotations", 0, "bbox", [1, 2, 3]), r"annotations\[0\]: bbox must be four numbers"),
        (Format.COCO, put("annotations", 0, "bbox", [1, 2, 0, 3]), r"annotations\[0\]: a box without area"),
        (Format.COCO, put("annotations", 0, "bbox", [600, 2, 90, 3]), r"leaves the picture of 640x427"),
        (Format.COCO, put("annotations", 0, "iscrowd", 1), r"annotations\[0\]: is a crowd region"),
        (Format.COCO, put("images", 1, "file_name", "street/a b.png"), r"street/a b.png is listed twice"),
        (Format.COCO, put("images", 1, "width", "wide"), r"image 2: width must be a number, not 'wide'"),
        (Format.COCO, put("categories", {}), r"categories must be a list"),
        (Format.LABEL_STUDIO, put(0, "annotations", []), r"task 1: has no annotation"),
        (Format.LABEL_STUDIO, put(*RESULT, "type", "polygonlabels"), r"task 1: result 1-1 is not an upright"),
        (Format.LABEL_STUDIO, put(*RESULT, "value", "rotation", 30), r"task 1: result 1-1 is not an upright"),
        (Format.LABEL_STUDIO, put(*RESULT, "value", "width", 0), r"task 1: result 1-1 is a box without area"),
        (Format.LABEL_STUDIO, put(1, "meta", {}), r"task 2: original_width must be a number"),
    ],
)
def test_what_is_wrong_in_json_is_named_with_its_item(
    kind: Format, change: Callable[[object], None], problem: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=problem):
        READERS[kind](changed_json(kind, tmp_path, change))


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ('label="garbage"', 'label="dragon"', 7, "'dragon' is not among the labels"),
        ('occluded="0"', 'occluded="0" rotation="12.5"', 6, "a turned box"),
        ("<box label", "<polygon label", None, "is not XML"),
        (' width="640"', "", 5, "the attribute width is missing"),
        ("<annotations>", "<!DOCTYPE x [<!ENTITY a 'b'>]><annotations>", 2, "a DOCTYPE is not allowed"),
        (" <version>1.1</version>", " <version>1.1", None, "is not XML"),
    ],
)
def test_what_is_wrong_in_xml_is_named_with_its_line(
    old: str, new: str, line: int | None, problem: str, tmp_path: Path
) -> None:
    path = WRITERS[Format.CVAT](WRITTEN_LABELS, tmp_path / "labels.xml")
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(DataError, match=problem) as refusal:
        READERS[Format.CVAT](path)
    if line is not None:
        assert refusal.value.line == line


def test_a_voc_file_without_its_size_is_named(tmp_path: Path) -> None:
    folder = WRITERS[Format.VOC](WRITTEN_LABELS, tmp_path)
    path = folder / "street" / "a b.png.xml"
    path.write_text(path.read_text(encoding="utf-8").replace("<width>640</width>", ""), encoding="utf-8")
    with pytest.raises(DataError, match=r"a b\.png\.xml:4: <size>: must hold one <width>, not 0"):
        READERS[Format.VOC](folder)


def test_a_yolo_line_that_is_wrong_is_named(tmp_path: Path) -> None:
    write_pictures(WRITTEN_LABELS, tmp_path)
    WRITERS[Format.YOLO](WRITTEN_LABELS, tmp_path)
    path = tmp_path / "labels" / "street" / "a b.txt"
    path.write_text("0 0.5 0.5 0.1 0.1\n7 0.5 0.5 0.1 0.1\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"a b\.txt:2: unknown class id 7"):
        READERS[Format.YOLO](tmp_path)
    path.unlink()
    with pytest.raises(DataError, match="no label file"):
        READERS[Format.YOLO](tmp_path)
