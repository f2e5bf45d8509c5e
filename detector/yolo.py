"""YoloDetector: bytes of a picture in, Detections out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detector.boxes import areas, clip
from detector.calibration import probabilities_of
from detector.detections import Detections
from detector.heads import demand_head_shape, read_head
from detector.image import Limits, Picture, decode
from detector.letterbox import Letterbox
from detector.model_card import ModelCard, Precision, read_card
from detector.model_errors import CardError, ModelFileError
from detector.session import Session

DEFAULT_MIN_SCORE = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class YoloDetector:
    """A model ready to run; one is shared by all worker threads, it keeps nothing between pictures."""

    card: ModelCard
    session: Session
    limits: Limits

    @classmethod
    def load(
        cls, card_path: Path, precision: Precision | None = None, threads: int = 1, limits: Limits | None = None
    ) -> YoloDetector:
        """The detector of a model card, warmed up.

        precision: which file of the card; None for the one it serves.
        threads: ONNX Runtime threads for one picture; 1 is best where several pictures are worked on at once.
        Raises CardError or ModelFileError where the card or its network cannot be served.
        """
        card = read_card(card_path)
        chosen = precision or card.served
        session = Session(card.file_path(chosen), threads=threads, sha256=card.file(chosen).sha256)
        _demand_fit(card, session)
        session.warm_up()
        return cls(card, session, limits or Limits())

    @property
    def frame_px(self) -> tuple[int, int]:
        """Width and height of the network's input."""
        return self.card.input.width_px, self.card.input.height_px

    def detect(self, data: bytes, min_score: float = DEFAULT_MIN_SCORE) -> Detections:
        """What the model finds in a JPEG, PNG or WebP, best score first; raises a PictureError for a bad picture."""
        return self.detect_picture(self.open(data), min_score)

    def open(self, data: bytes) -> Picture:
        """The picture, upright, decoded just large enough for the network; raises a PictureError."""
        return decode(data, self.limits, at_least_px=self.frame_px)

    def detect_picture(self, picture: Picture, min_score: float = DEFAULT_MIN_SCORE) -> Detections:
        """What the model finds in a decoded picture, best score first.

        Boxes are in pixels of the upright picture at its full size, cut at its edges; one that lies wholly in the
        letterbox's padding is left out.
        """
        height_px, width_px = picture.pixels.shape[:2]
        letterbox = Letterbox.fit((width_px, height_px), self.frame_px)
        output = self.session.run(letterbox.apply(picture, self.card.input.pad_value))
        found = read_head(self.card.head, output, min_score, len(self.card.classes))
        boxes = letterbox.out_of_frame(found.boxes) / np.float32(picture.scale)
        boxes = clip(boxes, picture.info.width_px, picture.info.height_px)
        names, chances = self.card.classes, None
        if self.card.calibration:
            chances = probabilities_of(self.card.calibration, found.scores, found.class_ids, names)
        return Detections(boxes, found.scores, found.class_ids, names, chances).where(areas(boxes) > 0)


def load_onnx(path: Path, threads: int = 1, limits: Limits | None = None) -> YoloDetector:
    """The detector of a bare network file `<name>.<precision>.onnx`, described by the card `<name>.json` beside it.

    Raises CardError where there is no such card or it does not name the file.
    """
    stem = path.name.removesuffix(".onnx").removesuffix(".fp32").removesuffix(".int8")
    card_path = path.with_name(f"{stem}.json")
    for precision, file in read_card(card_path).files.items():
        if file.name == path.name:
            return YoloDetector.load(card_path, precision, threads, limits)
    raise CardError(f"{card_path.name}: files names no {path.name}")


def _demand_fit(card: ModelCard, session: Session) -> None:
    name = session.path.name
    if session.input_shape != card.input.shape:
        raise ModelFileError(f"{name}: input is {session.input_shape}, the card says {card.input.shape}")
    if session.input_name != card.input.name:
        raise ModelFileError(f"{name}: input is called {session.input_name!r}, the card says {card.input.name!r}")
    try:
        demand_head_shape(card.head, session.output_shape, len(card.classes))
    except ValueError as error:
        raise ModelFileError(f"{name}: {error}") from None
