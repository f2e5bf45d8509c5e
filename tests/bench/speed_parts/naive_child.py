"""The process of the naive way, run by .venv-train: `export NETWORK`, then `serve NETWORK PACKAGES PORT`.

The weights of the network are random: what it costs does not depend on them.
"""

import os
import sys
import tempfile
from pathlib import Path

from training.offline import keep_ultralytics_offline

SIDE_PX = 640


def export(network: Path) -> None:
    """Nothing; ultralytics' own YOLO26n with SiLU is at the path as ONNX, exported as its manual says."""
    from ultralytics import YOLO

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        exported = YOLO("yolo26n.yaml").export(format="onnx", imgsz=SIDE_PX)
        network.write_bytes(Path(exported).read_bytes())
        os.chdir(network.parent)


def serve(network: Path, port: int) -> None:
    """Nothing; answers until it is ended."""
    import cv2
    import numpy as np
    import uvicorn
    from fastapi import FastAPI, UploadFile
    from ultralytics import YOLO

    app = FastAPI()
    model = YOLO(network, task="detect")
    model.predict(np.zeros((1080, 1920, 3), np.uint8), imgsz=SIDE_PX, verbose=False)

    @app.get("/health")
    def health() -> str:
        return "ok"

    @app.post("/predict")
    def predict(image: UploadFile) -> list[list[float]]:
        pixels = cv2.imdecode(np.frombuffer(image.file.read(), np.uint8), cv2.IMREAD_COLOR)
        found = model.predict(pixels, imgsz=SIDE_PX, verbose=False)[0]
        boxes: list[list[float]] = found.boxes.data.tolist()
        return boxes

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    keep_ultralytics_offline()
    if sys.argv[1] == "export":
        export(Path(sys.argv[2]))
    else:
        sys.path.append(sys.argv[3])  # last: what both environments have is taken from .venv-train
        serve(Path(sys.argv[2]), int(sys.argv[4]))
