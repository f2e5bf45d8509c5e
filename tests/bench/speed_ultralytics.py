"""The slow neighbour of the speed comparison, run by the training environment: ultralytics on ONNX at 640x640.

Arguments: checkpoint, card, picture, the ONNX file to write, rounds. Prints one JSON line.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
import warnings
from pathlib import Path
from typing import Any

from training.offline import keep_ultralytics_offline

SIDE_PX = 640
SETTLE_S = 0.05


def export(checkpoint: Path, classes: list[str], out: Path) -> None:
    """None; `out` then holds the same weights for 640x640, saying about itself what ultralytics asks."""
    import onnx
    import torch

    from training.export import inference_network

    network = inference_network(checkpoint, len(classes))
    network.fuse(verbose=False)
    sample = torch.zeros(1, 3, SIDE_PX, SIDE_PX)
    names: dict[str, Any] = {"input_names": ["images"], "output_names": ["output0"]}
    torch.onnx.export(network, (sample,), str(out), opset_version=17, dynamo=False, **names)
    model = onnx.load(str(out))
    about = {"task": "detect", "stride": "32", "batch": "1", "imgsz": str([SIDE_PX, SIDE_PX]), "end2end": "True"}
    onnx.helper.set_model_props(model, about | {"names": str(dict(enumerate(classes)))})
    onnx.save(model, str(out))


def cpu_ms(network: Path, picture: Path, rounds: int) -> list[float]:
    """CPU milliseconds of each prediction, decoding included."""
    import cv2
    import numpy as np
    from ultralytics import YOLO

    model = YOLO(network, task="detect")
    data = np.frombuffer(picture.read_bytes(), np.uint8)
    spent = []
    for _ in range(rounds + 2):
        started_s = time.process_time()
        model.predict(cv2.imdecode(data, cv2.IMREAD_COLOR), imgsz=SIDE_PX, conf=0.05, device="cpu", verbose=False)
        time.sleep(SETTLE_S)  # threads that still spin when the answer is there cost as well
        spent.append((time.process_time() - started_s) * 1000)
    return spent[2:]


def main(arguments: list[str]) -> None:
    """None; prints the median as JSON."""
    checkpoint, card, picture, out = (Path(argument) for argument in arguments[:4])
    warnings.simplefilter("ignore")
    keep_ultralytics_offline()
    export(checkpoint, json.loads(card.read_text(encoding="utf-8"))["classes"], out)
    print(json.dumps({"total": round(statistics.median(cpu_ms(out, picture, int(arguments[4]))), 2)}))


if __name__ == "__main__":
    main(sys.argv[1:])
