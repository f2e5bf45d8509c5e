"""Is a photograph good enough to be compared at all?"""

from dataclasses import dataclass

import cv2
import numpy as np

from detector.image import Pixels
from inference_server.domain.verification import Reason, ReasonCode

_JUDGED_WIDTH_PX = 320  # as frames are judged (adapters/looks.py)
_LEAST_SHARPNESS = 15.0
_LEAST_BRIGHTNESS = 18.0


@dataclass(frozen=True, slots=True)
class Quality:
    """sharpness: variance of the Laplacian at 320 px width. brightness: mean grey value, 0 to 255."""

    sharpness: float
    brightness: float

    def reasons(self) -> list[Reason]:
        """Why the photograph is too poor; empty where it is good enough."""
        found = []
        if self.brightness < _LEAST_BRIGHTNESS:
            found.append(Reason(ReasonCode.DARK, {"brightness": self.brightness}))
        if self.sharpness < _LEAST_SHARPNESS:
            found.append(Reason(ReasonCode.BLUR, {"sharpness": self.sharpness}))
        return found


def quality(pixels: Pixels) -> Quality:
    """How sharp and bright (H, W, 3) uint8 BGR pixels are."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    height_px = max(1, round(pixels.shape[0] * _JUDGED_WIDTH_PX / pixels.shape[1]))
    judged = cv2.resize(grey, (_JUDGED_WIDTH_PX, min(height_px, 4 * _JUDGED_WIDTH_PX)), interpolation=cv2.INTER_AREA)
    return Quality(float(cv2.Laplacian(judged, cv2.CV_64F).var()), float(np.mean(judged)))
