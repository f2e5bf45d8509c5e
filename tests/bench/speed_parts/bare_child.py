"""The process of the bare way. Arguments: card, precision, threads. Pictures come on stdin, seconds go to stdout."""

from __future__ import annotations

import json
import struct
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

from detector.letterbox import Letterbox
from detector.model_card import Precision
from detector.yolo import YoloDetector


def main(card: Path, precision: Precision, threads: int) -> None:
    """Nothing; ends with its input."""
    detector = YoloDetector.load(card, precision)

    def seconds(data: bytes) -> float:
        started_s = time.perf_counter()
        picture = detector.open(data)
        height_px, width_px = picture.pixels.shape[:2]
        detector.session.run(Letterbox.fit((width_px, height_px), detector.frame_px).apply(picture))
        return time.perf_counter() - started_s

    print("ready", flush=True)
    with ThreadPoolExecutor(threads) as pool:
        while head := sys.stdin.buffer.read(4):
            pictures = [_picture() for _ in range(struct.unpack(">I", head)[0])]
            print(json.dumps(list(pool.map(seconds, pictures))), flush=True)


def _picture() -> bytes:
    size_bytes = struct.unpack(">I", sys.stdin.buffer.read(4))[0]
    return sys.stdin.buffer.read(size_bytes)


if __name__ == "__main__":
    main(Path(sys.argv[1]), cast("Precision", sys.argv[2]), int(sys.argv[3]))
