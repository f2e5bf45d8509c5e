"""Pascal VOC: one XML file a picture with corners in pixels, and `classes.txt`, for VOC itself has no list of classes.

Corners are counted from 0 and not rounded, as today's tools write them; the files of the challenge count from 1.
"""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

from training.formats.labelled import LabelledBox, LabelledPicture, LabelSet, box_of_corners, demand_once, number, size
from training.formats.xml_nodes import Node, read_xml
from training.index import DataError

CLASSES_FILE = "classes.txt"
_CORNERS = ("xmin", "ymin", "xmax", "ymax")


def read(folder: Path) -> LabelSet:
    """The labels of a folder of XML files; without `classes.txt` the classes are those found, in alphabetical order."""
    files = sorted(folder.rglob("*.xml"))
    if not files:
        raise DataError(folder, None, "no XML file is in it")
    pictures = tuple(_read_picture(read_xml(path)) for path in files)
    demand_once((picture.image for picture in pictures), folder)
    found = {box.class_name: path for path, picture in zip(files, pictures, strict=True) for box in picture.boxes}
    listed = folder / CLASSES_FILE
    if not listed.is_file():
        return LabelSet(tuple(sorted(found)), pictures)
    classes = tuple(listed.read_text(encoding="utf-8").splitlines())
    for name, path in found.items():
        if name not in classes:
            raise DataError(path, None, f"class {name!r} is not in {CLASSES_FILE}")
    return LabelSet(classes, pictures)


def write(labels: LabelSet, folder: Path) -> Path:
    """The folder, with an XML file for each picture, in folders as the pictures are."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CLASSES_FILE).write_text("".join(f"{name}\n" for name in labels.classes), encoding="utf-8")
    for picture in labels.pictures:
        path = folder / f"{picture.image}.xml"  # a.jpg and a.png may both be there
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_as_xml(picture), encoding="utf-8")
    return folder


def _read_picture(root: Node) -> LabelledPicture:
    if root.tag != "annotation":
        raise root.place.error("must be <annotation>")
    sides = root.one("size")
    size_px = tuple(size(sides.one(side).text, sides.one(side).place, side) for side in ("width", "height"))
    folder, name = root.all("folder"), root.one("filename").text
    image = f"{folder[0].text}/{name}" if folder and folder[0].text else name
    boxes = tuple(_read_box(node, (size_px[0], size_px[1])) for node in root.all("object"))
    return LabelledPicture(image, size_px[0], size_px[1], boxes)


def _read_box(node: Node, size_px: tuple[int, int]) -> LabelledBox:
    box = node.one("bndbox")
    x1, y1, x2, y2 = (number(box.one(side).text, box.one(side).place, side) for side in _CORNERS)
    return box_of_corners(node.one("name").text, (x1, y1, x2, y2), size_px, box.place)


def _as_xml(picture: LabelledPicture) -> str:
    folder, _, name = picture.image.rpartition("/")
    lines = ["<annotation>", f" <folder>{escape(folder)}</folder>", f" <filename>{escape(name)}</filename>"]
    lines.append(f" <size><width>{picture.width_px}</width><height>{picture.height_px}</height><depth>3</depth></size>")
    for box in picture.boxes:
        corners = box.corners_px(picture.width_px, picture.height_px)
        sides = "".join(f"<{side}>{value!r}</{side}>" for side, value in zip(_CORNERS, corners, strict=True))
        lines.append(f" <object><name>{escape(box.class_name)}</name><bndbox>{sides}</bndbox></object>")
    return "\n".join([*lines, "</annotation>", ""])
