"""The card of a model: read, or refused with the name of the field."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any

import pytest

from detector.model_card import Thresholds, read_card
from detector.model_errors import CardError

GOOD: dict[str, Any] = {
    "name": "xuncheng-n",
    "version": "1",
    "classes": ["garbage", "pothole", "bin"],
    "codes": {"garbage": "06010", "pothole": "06013", "bin": None},
    "input": {
        "name": "images",
        "shape": [1, 3, 384, 640],
        "layout": "NCHW",
        "color": "RGB",
        "scale": 0.00392157,
        "letterbox": {"pad_value": 114, "centred": True},
    },
    "head": "nms_free",
    "files": {
        "fp32": {"file": "xuncheng-n.fp32.onnx", "sha256": "AB" * 32},
        "int8": {"file": "xuncheng-n.int8.onnx", "sha256": "cd" * 32},
    },
    "thresholds": {"garbage": {"file": 0.6, "review": 0.3, "drop_below": 0.1}},
    "figures": {"map50": 0.4},
}
MISSING = object()


def write_card(folder: Path, content: object) -> Path:
    path = folder / "card.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def a_card_with(place: str, value: object) -> dict[str, Any]:
    """The good card with one member, given as `input.letterbox.centred`, replaced or taken out."""
    content = copy.deepcopy(GOOD)
    *way, last = place.split(".")
    inner = content
    for step in way:
        inner = inner[step]
    if value is MISSING:
        del inner[last]
    else:
        inner[last] = value
    return content


def test_a_good_card_is_read(tmp_path: Path) -> None:
    card = read_card(write_card(tmp_path, GOOD))
    assert (card.name, card.version, card.head) == ("xuncheng-n", "1", "nms_free")
    assert card.classes == ("garbage", "pothole", "bin")
    assert card.codes == {"garbage": "06010", "pothole": "06013"}
    assert card.input.shape == (1, 3, 384, 640)
    assert (card.input.name, card.input.pad_value) == ("images", 114)
    assert card.thresholds == {"garbage": Thresholds(file=0.6, review=0.3, drop_below=0.1)}
    assert card.file_path("int8") == tmp_path / "xuncheng-n.int8.onnx"
    assert card.file("fp32").sha256 == "ab" * 32
    assert card.content["figures"] == {"map50": 0.4}


def test_a_card_needs_no_codes_and_no_int8(tmp_path: Path) -> None:
    content = a_card_with("codes", MISSING)
    del content["files"]["int8"]
    card = read_card(write_card(tmp_path, content))
    assert card.codes == {}
    with pytest.raises(CardError, match=r"card\.json: files\.int8 is missing \(there is fp32\)"):
        card.file_path("int8")


def test_a_class_of_which_no_score_is_sure_is_never_filed_by_score_alone(tmp_path: Path) -> None:
    card = read_card(write_card(tmp_path, a_card_with("thresholds.garbage.file", None)))
    assert card.thresholds["garbage"] == Thresholds(file=math.inf, review=0.3, drop_below=0.1)


def test_a_raw_head_is_read(tmp_path: Path) -> None:
    assert read_card(write_card(tmp_path, a_card_with("head", "raw"))).head == "raw"


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        ("name", MISSING, "name is missing"),
        ("name", "", "name must be a text"),
        ("version", 1, "version must be a text"),
        ("classes", "garbage", "classes must be a list of texts"),
        ("classes", ["a", 1], "classes must be a list of texts"),
        ("classes", [], "classes must be names, one at least and none twice"),
        ("classes", ["a", "a"], "classes must be names, one at least and none twice"),
        ("codes", {"tree": "06010"}, "codes.tree is about a class that the card does not have"),
        ("codes.garbage", 6010, "codes.garbage must be a text"),
        ("input", None, "input must be an object"),
        ("input.shape", [1, 3, 384], "input.shape must be [1, 3, height, width]"),
        ("input.shape", [1, 1, 384, 640], "input.shape must be [1, 3, height, width]"),
        ("input.shape", [1, 3, 384.5, 640], "input.shape must be [1, 3, height, width]"),
        ("input.shape", [1, 3, 0, 640], "input.shape must be [1, 3, height, width]"),
        ("input.shape", [1, 3, True, 640], "input.shape must be a list of numbers"),
        ("input.layout", "NHWC", "input.layout must be NCHW, not 'NHWC'"),
        ("input.color", "BGR", "input.color must be RGB, not 'BGR'"),
        ("input.scale", 1, "input.scale must be 1/255"),
        ("input.scale", "1/255", "input.scale must be a number"),
        ("input.scale", float("nan"), "input.scale must be a number"),
        ("input.letterbox.pad_value", 256, "input.letterbox.pad_value must be a whole number in 0..255"),
        ("input.letterbox.pad_value", 0.5, "input.letterbox.pad_value must be a whole number in 0..255"),
        ("input.letterbox.centred", False, "input.letterbox.centred must be true"),
        ("head", "yolo", "head must be nms_free or raw, not 'yolo'"),
        ("files", {}, "files.fp32 is missing, and so is int8"),
        ("files.fp32.file", "../model.onnx", "files.fp32.file must be a file name without a folder"),
        ("files.fp32.sha256", "abc", "files.fp32.sha256 must be 64 hexadecimal digits"),
        ("files.fp32.sha256", "g" * 64, "files.fp32.sha256 must be 64 hexadecimal digits"),
        ("thresholds", MISSING, "thresholds is missing"),
        ("thresholds.tree", {}, "thresholds.tree is about a class that the card does not have"),
        ("thresholds.garbage.review", MISSING, "thresholds.garbage.review is missing"),
        ("thresholds.garbage.review", 0.7, "thresholds.garbage.file must be at least review"),
        ("thresholds.garbage.file", 1.5, "thresholds.garbage.file must be at least review"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, place: str, value: object, problem: str) -> None:
    with pytest.raises(CardError) as caught:
        read_card(write_card(tmp_path, a_card_with(place, value)))
    assert str(caught.value).startswith(f"card.json: {problem}")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"{", "is not JSON", id="half a card"),
        pytest.param(b"\xff\xfe\x00", "is not JSON", id="no text"),
        pytest.param(b"[]", "must hold one JSON object", id="a list"),
    ],
)
def test_a_file_that_is_no_card_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "card.json"
    path.write_bytes(content)
    with pytest.raises(CardError, match=problem):
        read_card(path)


def test_a_missing_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CardError, match=r"gone\.json: cannot be read"):
        read_card(tmp_path / "gone.json")
