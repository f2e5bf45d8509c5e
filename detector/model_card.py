"""The card of a model: the JSON file beside its networks that says what they take, give and are worth.

Read here is what running the model needs. Everything else in the file (figures, data, licences) stays in `content`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from detector.calibration import Calibration, read_calibration
from detector.card_fields import Fields, read_card_file
from detector.heads import Head
from detector.model_errors import CardError

Precision = Literal["fp32", "int8"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInput:
    """What the network takes: one RGB picture in 0..1, NCHW, letterboxed and centred.

    name: the input's name in the network. pad_value: the grey, 0..255, of what the picture does not fill.
    """

    name: str
    width_px: int
    height_px: int
    pad_value: int

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(1, 3, height, width)."""
        return (1, 3, self.height_px, self.width_px)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """One network file: its name, beside the card, and its SHA-256 in hexadecimal."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Scores of one class: `file` and more is very sure, below `drop_below` is nothing, `review` lies between.

    `file` is infinite where the card says null: no score of this class was ever sure enough to do without people.
    """

    file: float
    review: float
    drop_below: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """A model as its card describes it.

    classes: names, in the order of the network's class ids. codes: class name to code of the standard, for those that
    have one. thresholds, calibration: by class name (a card may have no calibration). content: the whole card as read.
    """

    path: Path
    name: str
    version: str
    classes: tuple[str, ...]
    codes: Mapping[str, str]
    input: ModelInput
    head: Head
    files: Mapping[Precision, ModelFile]
    thresholds: Mapping[str, Thresholds]
    calibration: Mapping[str, Calibration]
    content: Mapping[str, Any]

    @property
    def served(self) -> Precision:
        """The file that is served unless another is asked for: thresholds and figures of the card are of this one."""
        return "int8" if "int8" in self.files else "fp32"

    def file_path(self, precision: Precision) -> Path:
        """Where the network of this precision lies; raises CardError where the card names none."""
        return self.path.parent / self.file(precision).name

    def file(self, precision: Precision) -> ModelFile:
        """The network file of this precision; raises CardError where the card names none."""
        if precision not in self.files:
            raise CardError(f"{self.path.name}: files.{precision} is missing (there is {', '.join(self.files)})")
        return self.files[precision]


def read_card(path: Path) -> ModelCard:
    """The card in a JSON file; raises CardError naming the file and the field that is wrong."""
    card = read_card_file(path)
    classes = card.texts("classes")
    if not classes or len(set(classes)) != len(classes):
        raise card.error("classes", "must be names, one at least and none twice")
    head = card.one_of("head", get_args(Head))
    return ModelCard(
        path=path,
        name=card.text("name"),
        version=card.text("version"),
        classes=classes,
        codes=_read_codes(card, classes),
        input=_read_input(card.inner("input")),
        head="raw" if head == "raw" else "nms_free",
        files=_read_files(card.inner("files")),
        thresholds=_read_thresholds(card, classes),
        calibration=read_calibration(card, classes),
        content=card.content,
    )


def _read_input(fields: Fields) -> ModelInput:
    shape = fields.numbers("shape")
    if len(shape) != 4 or shape[:2] != (1, 3) or any(side != int(side) or side < 1 for side in shape):
        raise fields.error("shape", "must be [1, 3, height, width]")
    fields.one_of("layout", ("NCHW",))
    fields.one_of("color", ("RGB",))
    if abs(fields.number("scale") * 255 - 1) > 1e-3:
        raise fields.error("scale", "must be 1/255")
    letterbox = fields.inner("letterbox")
    pad_value = letterbox.number("pad_value")
    if not 0 <= pad_value <= 255 or pad_value != int(pad_value):
        raise letterbox.error("pad_value", "must be a whole number in 0..255")
    if letterbox.content.get("centred") is not True:
        raise letterbox.error("centred", "must be true")
    return ModelInput(
        name=fields.text("name"), width_px=int(shape[3]), height_px=int(shape[2]), pad_value=int(pad_value)
    )


def _read_files(fields: Fields) -> dict[Precision, ModelFile]:
    files: dict[Precision, ModelFile] = {}
    for precision in get_args(Precision):
        if precision not in fields.content:
            continue
        entry = fields.inner(precision)
        name, sha256 = entry.text("file"), entry.text("sha256").lower()
        if Path(name).name != name:
            raise entry.error("file", "must be a file name without a folder")
        if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
            raise entry.error("sha256", "must be 64 hexadecimal digits")
        files[precision] = ModelFile(name=name, sha256=sha256)
    if not files:
        raise fields.error("fp32", "is missing, and so is int8")
    return files


def _read_codes(card: Fields, classes: tuple[str, ...]) -> dict[str, str]:
    if "codes" not in card.content:
        return {}
    codes = card.inner("codes")
    codes.demand_keys_among(classes)
    return {name: codes.text(name) for name, code in codes.content.items() if code is not None}


def _read_thresholds(card: Fields, classes: tuple[str, ...]) -> dict[str, Thresholds]:
    by_class = card.inner("thresholds")
    by_class.demand_keys_among(classes)
    return {name: _read_class_thresholds(by_class.inner(name)) for name in by_class.content}


def _read_class_thresholds(fields: Fields) -> Thresholds:
    never_sure = fields.content.get("file", 0) is None
    file = math.inf if never_sure else fields.number("file")
    found = Thresholds(file=file, review=fields.number("review"), drop_below=fields.number("drop_below"))
    if not 0 <= found.drop_below <= found.review <= min(1, found.file) or 1 < found.file < math.inf:
        raise fields.error("file", "must be at least review, review at least drop_below, all in 0..1")
    return found
