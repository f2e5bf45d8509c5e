"""CVAT for images 1.1: one XML file with `<image>` elements that hold `<box>` elements, corners in pixels."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from training.formats.labelled import LabelledBox, LabelledPicture, LabelSet, box_of_corners, demand_once, number, size
from training.formats.xml_nodes import Node, read_xml

_CORNERS = ("xtl", "ytl", "xbr", "ybr")


def read(path: Path) -> LabelSet:
    """The labels of a CVAT file. Shapes other than upright boxes are refused: they say something else."""
    root = read_xml(path)
    if root.tag != "annotations":
        raise root.place.error("must be <annotations>")
    classes = tuple(label.one("name").text for label in _labels(root))
    pictures = tuple(_read_picture(node, classes) for node in root.all("image"))
    demand_once((picture.image for picture in pictures), path)
    return LabelSet(classes, pictures)


def write(labels: LabelSet, path: Path) -> Path:
    """The path of the file."""
    names = "".join(f"<label><name>{escape(name)}</name><attributes></attributes></label>" for name in labels.classes)
    meta = f" <meta><task><size>{len(labels.pictures)}</size><labels>{names}</labels></task></meta>"
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<annotations>", " <version>1.1</version>", meta]
    for number_of, picture in enumerate(labels.pictures):
        name = quoteattr(picture.image)
        lines.append(f' <image id="{number_of}" name={name} width="{picture.width_px}" height="{picture.height_px}">')
        lines += [_box_as_xml(box, picture) for box in picture.boxes]
        lines.append(" </image>")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*lines, "</annotations>", ""]), encoding="utf-8")
    return path


def _labels(root: Node) -> list[Node]:
    """The labels of a task, or of the project it belongs to."""
    meta = root.one("meta")
    holders = meta.all("task") + meta.all("job") + meta.all("project")
    if len(holders) != 1:
        raise meta.place.error("must hold one <task>, <job> or <project>")
    return holders[0].one("labels").all("label")


def _read_picture(node: Node, classes: tuple[str, ...]) -> LabelledPicture:
    width_px, height_px = (size(node.attribute(side), node.place, side) for side in ("width", "height"))
    for child in node.children:
        if child.tag not in ("box", "tag"):
            raise child.place.error("only boxes can be read")
    boxes = tuple(_read_box(child, classes, (width_px, height_px)) for child in node.all("box"))
    return LabelledPicture(node.attribute("name"), width_px, height_px, boxes)


def _read_box(node: Node, classes: tuple[str, ...], size_px: tuple[int, int]) -> LabelledBox:
    name = node.attribute("label")
    if name not in classes:
        raise node.place.error(f"label {name!r} is not among the labels of the task")
    if number(node.attributes.get("rotation", "0"), node.place, "rotation"):
        raise node.place.error("a turned box cannot be read")
    x1, y1, x2, y2 = (number(node.attribute(side), node.place, side) for side in _CORNERS)
    return box_of_corners(name, (x1, y1, x2, y2), size_px, node.place)


def _box_as_xml(box: LabelledBox, picture: LabelledPicture) -> str:
    corners = box.corners_px(picture.width_px, picture.height_px)
    sides = " ".join(f'{side}="{value!r}"' for side, value in zip(_CORNERS, corners, strict=True))
    return f'  <box label={quoteattr(box.class_name)} source="manual" occluded="0" {sides} z_order="0"></box>'
