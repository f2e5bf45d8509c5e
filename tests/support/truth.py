"""The detector port over boxes that are known: a picture is then a line of JSON that lists them.

For the bench of placing, matching and deciding, and for tests of the use case: everything behind this port is real.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from inference_server.domain.frame import Quality
from inference_server.domain.observation import Box, Detection
from inference_server.ports import PictureUnreadable

WIDTH_PX, HEIGHT_PX = 1280, 720


def truth_picture(boxes: Sequence[tuple[str, float, tuple[float, float, float, float]]], *, mark: str = "") -> bytes:
    """A "picture" of boxes given as (class name, score, corners in pixels); `mark` makes two of the same differ."""
    return json.dumps({"boxes": boxes, "mark": mark}).encode()


@dataclass(frozen=True, slots=True)
class TruthLook:
    """One opened "picture"."""

    quality: Quality
    detections: tuple[Detection, ...]
    model: "TruthDetects"

    def detect(self, min_score: float | None = None) -> Sequence[Detection]:
        """The boxes that were written into it."""
        return self.detections


@dataclass(frozen=True, slots=True)
class TruthDetects:
    """The port."""

    width_px: int = WIDTH_PX
    height_px: int = HEIGHT_PX
    model_version: str = "truth 1"
    network_px: tuple[int, int] = (640, 384)

    def thresholds(self, class_name: str) -> tuple[float, float, float] | None:
        """None: the defaults of the policy hold."""
        return None

    def probability(self, class_name: str, score: float) -> float:
        """The score: nothing is calibrated."""
        return score

    def open(self, picture: bytes) -> TruthLook:
        """The boxes; raises PictureUnreadable."""
        try:
            written = json.loads(picture)
        except ValueError as error:
            raise PictureUnreadable("not a truth picture") from error
        detections = tuple(
            Detection(index=i, class_name=name, score=score, box=Box(x1=b[0], y1=b[1], x2=b[2], y2=b[3]))
            for i, (name, score, b) in enumerate(written["boxes"])
        )
        thumbnail = (written["mark"].encode() * 576 + bytes(576))[:576]
        quality = Quality(
            sharpness=500.0, brightness=120.0, thumbnail=thumbnail, width_px=self.width_px, height_px=self.height_px
        )
        return TruthLook(quality, detections, self)
