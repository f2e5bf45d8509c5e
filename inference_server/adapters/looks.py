"""The detector as the use cases see it: a picture opened once, judged and searched."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from detector.image import Picture, Pixels
from detector.picture_errors import PictureError
from detector.yolo import DEFAULT_MIN_SCORE, YoloDetector
from inference_server.domain.frame import Quality
from inference_server.domain.observation import Box, Detection
from inference_server.ports import PictureUnreadable

_JUDGED_WIDTH_PX = 320
_MOST_HEIGHT_PX = 1280
_THUMBNAIL_PX = (32, 18)


@dataclass(frozen=True, slots=True, eq=False)
class YoloLook:
    """One decoded picture, and the model that opened it."""

    picture: Picture
    quality: Quality
    model: "YoloLooks"

    def detect(self, min_score: float | None = None) -> Sequence[Detection]:
        """The detections, best score first, boxes in pixels of the upright full-size picture."""
        found = self.model.detector.detect_picture(self.picture, DEFAULT_MIN_SCORE if min_score is None else min_score)
        chances = [None] * len(found) if found.probabilities is None else found.probabilities.tolist()
        rows = zip(found.names(), found.scores.tolist(), found.boxes.tolist(), chances, strict=True)
        return [
            Detection(
                index=index,
                class_name=name,
                score=score,
                box=Box(x1=x1, y1=y1, x2=x2, y2=y2),
                probability=None if chance is None or math.isnan(chance) else chance,
            )
            for index, (name, score, (x1, y1, x2, y2), chance) in enumerate(rows)
        ]


@dataclass(frozen=True, slots=True)
class YoloLooks:
    """Opens pictures for one model; shared by all worker threads."""

    detector: YoloDetector

    @property
    def model_version(self) -> str:
        """Name and version of the running model."""
        return f"{self.detector.card.name} {self.detector.card.version}"

    @property
    def network_px(self) -> tuple[int, int]:
        """Width and height of the network's picture."""
        return self.detector.frame_px

    def thresholds(self, class_name: str) -> tuple[float, float, float] | None:
        """`file_at`, `review_at`, `drop_below` of the model card; None where the card names none."""
        found = self.detector.card.thresholds.get(class_name)
        return None if found is None else (found.file, found.review, found.drop_below)

    def probability(self, class_name: str, score: float) -> float:
        """The calibrated probability of a raw score; the score itself where the card does not calibrate the class."""
        table = self.detector.card.calibration.get(class_name)
        return score if table is None else table.probability(score)

    def miss_rates(self) -> dict[str, float]:
        """By class, the share of labelled things that this file misses at its threshold, over all measured sources.

        Empty for a card without figures; a class that was labelled nowhere is not in it.
        """
        found: dict[str, float] = {}
        missed: dict[str, float] = {}
        file = self.detector.session.path.name.split(".")[-2]
        for row in self.detector.card.content.get("figures", ()):
            if row.get("file") == file and row.get("boxes") and row.get("recall_at_threshold") is not None:
                name, boxes = row["class"], float(row["boxes"])
                found[name] = found.get(name, 0.0) + boxes
                missed[name] = missed.get(name, 0.0) + boxes * (1.0 - float(row["recall_at_threshold"]))
        return {name: missed[name] / found[name] for name in found}

    def open(self, picture: bytes) -> YoloLook:
        """The picture, decoded just large enough for the network; raises PictureUnreadable."""
        try:
            decoded = self.detector.open(picture)
        except PictureError as error:
            raise PictureUnreadable(error.message, code=error.code) from error
        return YoloLook(decoded, quality_of(decoded), self)


def quality_of(picture: Picture) -> Quality:
    """Sharpness, brightness and thumbnail of a picture, measured at 320 px width whatever its size."""
    grey = np.asarray(cv2.cvtColor(picture.pixels, cv2.COLOR_BGR2GRAY), np.uint8)
    judged = _of_width(grey, _JUDGED_WIDTH_PX)
    thumbnail = cv2.resize(judged, _THUMBNAIL_PX, interpolation=cv2.INTER_AREA)
    _, deviation = cv2.meanStdDev(cv2.Laplacian(judged, cv2.CV_16S))
    return Quality(
        sharpness=float(deviation[0, 0]) ** 2,
        brightness=cv2.mean(judged)[0],
        thumbnail=thumbnail.tobytes(),
        width_px=picture.info.width_px,
        height_px=picture.info.height_px,
    )


def _of_width(grey: Pixels, width_px: int) -> Pixels:
    """`(H, W)` grey at a width; a smaller picture is enlarged, so that its blur counts as blur."""
    height_px = round(grey.shape[0] * width_px / grey.shape[1])
    height_px = min(max(1, height_px), _MOST_HEIGHT_PX)  # one pixel wide and very high is a picture too
    if grey.shape == (3 * height_px, 3 * width_px):
        # Full HD decoded at half scale: the same means of 3 x 3 pixels, in a third of the time of INTER_AREA.
        return np.ascontiguousarray(cv2.blur(grey, (3, 3))[1::3, 1::3])
    shrinks = width_px < grey.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(grey, (width_px, height_px), interpolation=method), np.uint8)
