"""The process of the LitServe way, run by .venv-bench. Arguments: network, workers, port.

ONNX Runtime gets one thread in each worker: with its default, workers take the cores from each other.
"""

import sys
from typing import Any

import cv2
import litserve
import numpy as np
import onnxruntime
from fastapi import Request

PAD_GREY = 114
LEAST_SCORE = 0.05


class Boxes(litserve.LitAPI):  # type: ignore[misc]
    """A picture of a form to boxes."""

    def __init__(self, network: str) -> None:
        super().__init__()
        self.network = network

    def setup(self, device: str) -> None:
        """Load the network."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(self.network, options, providers=["CPUExecutionProvider"])
        _, _, self.high_px, self.wide_px = self.session.get_inputs()[0].shape
        self.name = self.session.get_inputs()[0].name

    def decode_request(self, request: Request) -> Any:
        """The picture of a form (which is what LitServe makes of the request), decoded at half its size."""
        data = np.frombuffer(request["image"].file.read(), np.uint8)
        return cv2.imdecode(data, cv2.IMREAD_REDUCED_COLOR_2)

    def predict(self, pixels: Any) -> Any:
        """The rows of the network's output that are sure enough."""
        ratio = min(self.wide_px / pixels.shape[1], self.high_px / pixels.shape[0])
        small = cv2.resize(pixels, (round(pixels.shape[1] * ratio), round(pixels.shape[0] * ratio)))
        above, left = (self.high_px - small.shape[0]) // 2, (self.wide_px - small.shape[1]) // 2
        below, right = self.high_px - small.shape[0] - above, self.wide_px - small.shape[1] - left
        padded = cv2.copyMakeBorder(
            small, above, below, left, right, cv2.BORDER_CONSTANT, value=(PAD_GREY, PAD_GREY, PAD_GREY)
        )
        tensor = cv2.dnn.blobFromImage(padded, 1 / 255, swapRB=True)
        found = self.session.run(None, {self.name: tensor})[0][0]
        return found[found[:, 4] >= LEAST_SCORE]

    def encode_response(self, output: Any) -> dict[str, Any]:
        """The rows as JSON."""
        return {"boxes": output.tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(Boxes(sys.argv[1]), accelerator="cpu", workers_per_device=int(sys.argv[2]), timeout=120)
    server.run(host="127.0.0.1", port=int(sys.argv[3]), generate_client_file=False, log_level="warning")
