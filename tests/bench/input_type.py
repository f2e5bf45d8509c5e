"""Does a uint8 input pay? The released networks as they are, and with the picture's bytes as input, in the same run.

`python tests/bench/input_type.py` prints one JSON line. The variant takes (1, 384, 640, 3) uint8 BGR as it comes from
the letterbox and does the rest (channel order, layout, 1/255) as the first nodes of the network. Processor time in
milliseconds, one thread, medians; the two take turns, so that another load on the machine hits both alike.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

CARD = Path(__file__).resolve().parents[2] / "weights" / "xuncheng-n.json"
FRAME_PX = (640, 384)


def with_bytes_as_input(path: Path, out: Path) -> None:
    """None; `out` then holds the network of `path` behind nodes that turn bytes into its float input."""
    model = onnx.load(str(path))
    graph = model.graph
    taken = graph.input[0].name
    nodes = [
        helper.make_node("Cast", ["bytes"], ["as_float"], to=TensorProto.FLOAT),
        helper.make_node("Gather", ["as_float", "rgb"], ["in_order"], axis=3),
        helper.make_node("Transpose", ["in_order"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Mul", ["planes", "share"], [taken]),
    ]
    graph.initializer.extend(
        [
            numpy_helper.from_array(np.array([2, 1, 0], np.int64), "rgb"),
            numpy_helper.from_array(np.array(1 / 255, np.float32), "share"),
        ]
    )
    del graph.input[0]
    graph.input.append(helper.make_tensor_value_info("bytes", TensorProto.UINT8, [1, FRAME_PX[1], FRAME_PX[0], 3]))
    for place, node in enumerate(nodes):
        graph.node.insert(place, node)
    onnx.save(model, str(out))


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """On one thread, as served."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def medians(ways: dict[str, Callable[[], object]], runs: int) -> dict[str, float]:
    """Median processor milliseconds of each way."""
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, way in ways.items():
            start = time.process_time()
            way()
            spent[name].append(1000 * (time.process_time() - start))
    return {name: round(statistics.median(times), 2) for name, times in spent.items()}


def measure(runs: int) -> dict[str, float]:
    """Milliseconds of filling the input and running the network, each way and each file."""
    canvas = np.random.default_rng(0).integers(0, 256, (FRAME_PX[1], FRAME_PX[0], 3), dtype=np.uint8)
    ways: dict[str, Callable[[], object]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for precision in ("fp32", "int8"):
            path = CARD.with_name(f"{CARD.stem}.{precision}.onnx")
            other = Path(folder) / path.name
            with_bytes_as_input(path, other)
            floats, bytes_in = open_session(path), open_session(other)
            name = floats.get_inputs()[0].name

            def as_floats(session: onnxruntime.InferenceSession = floats, name: str = name) -> np.ndarray:
                blob = cv2.dnn.blobFromImage(canvas, 1 / 255, swapRB=True)
                return np.asarray(session.run(None, {name: blob})[0])

            def as_bytes(session: onnxruntime.InferenceSession = bytes_in) -> np.ndarray:
                return np.asarray(session.run(None, {"bytes": canvas[None]})[0])

            difference = float(np.abs(as_floats() - as_bytes()).max())
            assert difference < 1e-2, difference
            ways |= {f"{precision}_float": as_floats, f"{precision}_uint8": as_bytes}
        ways["fill_float"] = lambda: cv2.dnn.blobFromImage(canvas, 1 / 255, swapRB=True)
        return medians(ways, runs)


def main() -> None:
    """None; prints the milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=60)
    print(json.dumps(measure(parser.parse_args().runs)))


if __name__ == "__main__":
    main()
