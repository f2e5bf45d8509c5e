"""INT8 after training: U8S8, per channel, reduced range, QDQ format; the head stays in float.

The head's outputs mix box pixels (0..640) with scores (0..1): one INT8 scale for both rounds every score to zero.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from training.served_input import served_input


class PictureReader(CalibrationDataReader):  # type: ignore[misc] # the base class has no types
    """Feeds pictures to the calibration one by one."""

    def __init__(self, paths: Sequence[Path], height_px: int, width_px: int, input_name: str) -> None:
        self._samples = self._read(paths, height_px, width_px)
        self._input_name = input_name

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next network input by name, None at the end."""
        sample = next(self._samples, None)
        return None if sample is None else {self._input_name: sample}

    @staticmethod
    def _read(paths: Sequence[Path], height_px: int, width_px: int) -> Iterator[np.ndarray]:
        for path in paths:
            yield served_input(path, height_px, width_px)


def quantise(fp32: Path, out: Path, calibration: Sequence[Path]) -> int:
    """How many nodes became INT8; `out` then holds the quantised network. Calibrated on `calibration` pictures."""
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(str(fp32), str(prepared), skip_symbolic_shape=True)
        graph = onnx.load(str(prepared)).graph
        chosen = backbone_convolutions(graph)
        name, height_px, width_px = _input_of(graph)
        reader = PictureReader(calibration, height_px, width_px, name)
        with _quiet_log():
            quantize_static(
                str(prepared),
                str(out),
                reader,
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                reduce_range=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                nodes_to_quantize=chosen,
                calibrate_method=CalibrationMethod.MinMax,
            )
    return len(chosen)


def backbone_convolutions(graph: onnx.GraphProto) -> list[str]:
    """Names of the convolutions outside the detection head, which is the last numbered module of the network."""
    convolutions = [node.name for node in graph.node if node.op_type == "Conv"]
    head = max(_module_number(name) for name in convolutions)
    return [name for name in convolutions if _module_number(name) != head]


def _module_number(node_name: str) -> int:
    """The 23 of `/network/model.23/cv2.0/...`."""
    return int(node_name.split("model.", 1)[1].split("/", 1)[0].split(".", 1)[0])


def _input_of(graph: onnx.GraphProto) -> tuple[str, int, int]:
    first = graph.input[0]
    dimensions = [d.dim_value for d in first.type.tensor_type.shape.dim]
    return first.name, dimensions[2], dimensions[3]


class _quiet_log:
    """Keeps the quantiser's advice, which does not fit a graph prepared by us, out of the log."""

    def __enter__(self) -> None:
        self._level = logging.getLogger().level
        logging.getLogger().setLevel(logging.ERROR)

    def __exit__(self, *_: object) -> None:
        logging.getLogger().setLevel(self._level)
