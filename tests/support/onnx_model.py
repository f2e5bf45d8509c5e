"""Tiny networks for tests: a fixed answer, given in either head, that still depends on the picture.

A wholly black picture gets scores of zero, any other one the detections asked for: so a test also notices when the
picture does not reach the network.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from detector.heads import Head
from detector.letterbox import Letterbox

FixedDetection = tuple[float, float, float, float, float, int]  # x1 y1 x2 y2 score class_id
_NMS_FREE_ROWS = 300
_OPSET, _IR_VERSION = 17, 9


@dataclass(frozen=True, kw_only=True)
class FixedModel:
    """What to write. picture_px: width and height of the pictures in whose pixels the detections are given; without it
    they are in pixels of the network's frame. card: members that replace those of the card."""

    detections: Sequence[FixedDetection] = ()
    classes: Sequence[str] = ("garbage", "pothole")
    picture_px: tuple[int, int] | None = None
    head: Head = "nms_free"
    frame_px: tuple[int, int] = (640, 384)
    name: str = "fixed"
    card: dict[str, Any] = field(default_factory=dict)


def write_fixed_model(
    folder: Path,
    detections: Sequence[FixedDetection] = (),
    classes: Sequence[str] = ("garbage", "pothole"),
    picture_px: tuple[int, int] | None = None,
    head: Head = "nms_free",
) -> Path:
    """The path of the card of a network, written with it into `folder`, that finds `detections` in any picture."""
    return write_model(folder, FixedModel(detections=detections, classes=classes, picture_px=picture_px, head=head))


def write_model(folder: Path, model: FixedModel) -> Path:
    """The path of the card; the network lies beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    network_path = folder / f"{model.name}.fp32.onnx"
    onnx.save(_network(model), network_path)
    sha256 = hashlib.sha256(network_path.read_bytes()).hexdigest()
    card = {**_card(model), "files": {"fp32": {"file": network_path.name, "sha256": sha256}}, **model.card}
    card_path = folder / f"{model.name}.json"
    card_path.write_text(json.dumps(card), encoding="utf-8")
    return card_path


def _card(model: FixedModel) -> dict[str, Any]:
    width_px, height_px = model.frame_px
    return {
        "name": model.name,
        "version": "1",
        "classes": list(model.classes),
        "codes": {},
        "input": {
            "name": "images",
            "shape": [1, 3, height_px, width_px],
            "layout": "NCHW",
            "color": "RGB",
            "scale": 1 / 255,
            "letterbox": {"pad_value": 114, "centred": True},
        },
        "head": model.head,
        "thresholds": {name: {"file": 0.6, "review": 0.3, "drop_below": 0.1} for name in model.classes},
    }


def _network(model: FixedModel) -> onnx.ModelProto:
    """output = fixed * gate; on scores the gate is 0 where every sample is black or padding, and 1 elsewhere."""
    fixed, is_score = _answer(model)
    nodes = [
        helper.make_node("Sub", ["images", "padding"], ["from_padding"]),
        helper.make_node("Mul", ["images", "from_padding"], ["signed_light"]),
        helper.make_node("Abs", ["signed_light"], ["light"]),
        helper.make_node("ReduceMax", ["light"], ["most_light"], keepdims=0),
        helper.make_node("Sub", ["most_light", "rounding"], ["over_rounding"]),
        helper.make_node("Mul", ["over_rounding", "many"], ["much"]),
        helper.make_node("Clip", ["much", "zero", "one"], ["lit"]),
        helper.make_node("Max", ["lit", "is_no_score"], ["gate"]),
        helper.make_node("Mul", ["fixed", "gate"], ["output0"]),
    ]
    constants = {
        "fixed": fixed,
        "is_no_score": np.where(is_score, 0, 1).astype(np.float32),
        "padding": np.float32(114 / 255),
        "rounding": np.float32(1e-3),
        "many": np.float32(1e6),
        "zero": np.float32(0),
        "one": np.float32(1),
    }
    width_px, height_px = model.frame_px
    graph = helper.make_graph(
        nodes,
        model.name,
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, height_px, width_px])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, list(fixed.shape))],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    onnx.checker.check_model(network)
    return network


def _answer(model: FixedModel) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The output for a picture with light, and which of its numbers are scores."""
    rows = np.array(model.detections, np.float32).reshape(-1, 6)
    if model.picture_px is not None:
        rows[:, :4] = Letterbox.fit(model.picture_px, model.frame_px).into_frame(rows[:, :4])
    if model.head == "nms_free":
        output = np.zeros((1, _NMS_FREE_ROWS, 6), np.float32)
        output[0, : len(rows)] = rows
        return output, np.broadcast_to(np.arange(6) == 4, output.shape)
    output = np.zeros((1, 4 + len(model.classes), max(1, len(rows))), np.float32)
    for column, (x1, y1, x2, y2, score, class_id) in enumerate(rows):
        output[0, :4, column] = (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1
        output[0, 4 + int(class_id), column] = score
    return output, np.broadcast_to((np.arange(output.shape[1]) >= 4)[:, None], output.shape)
