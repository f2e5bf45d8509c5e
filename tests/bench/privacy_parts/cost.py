"""What searching one frame of a vehicle for faces costs."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from detector.faces import FaceDetector
from detector.image import Picture, PictureInfo

FRAME_PX: Final = (1920, 1080)
TIMES: Final = 3


def cost_of_a_frame(faces: FaceDetector | None) -> Iterator[dict[str, Any]]:
    """One line: processor seconds of the best of three searches of a 1080p frame of noise, one thread, and by how much
    the most memory that the process ever held grew."""
    if faces is None:
        return
    width_px, height_px = FRAME_PX
    pixels = np.random.default_rng(0).integers(0, 255, (height_px, width_px, 3), np.uint8)
    frame = Picture(pixels, 1.0, PictureInfo(format="jpeg", width_px=width_px, height_px=height_px))
    spent_s, before_mb = [], _most_mb()
    for _ in range(TIMES):
        began_s = time.process_time()
        faces.detect(frame)
        spent_s.append(time.process_time() - began_s)
    yield {"frame_px": FRAME_PX, "processor_s": round(min(spent_s), 2), "more_mb": _most_mb() - before_mb}


def _most_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
