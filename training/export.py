"""From a checkpoint to the served file: a static ONNX network that answers with final boxes, compared with torch."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxslim
import torch

from detector.session import Session
from training.network import activation_of, build_network, load_weights
from training.served_input import served_input
from training.suppression import Served

INPUT_HEIGHT_PX, INPUT_WIDTH_PX = 384, 640
INPUT_NAME, OUTPUT_NAME = "images", "output0"
OPSET = 17
SURE_SCORE = 0.05  # below this, near-equal scores may swap places among the 300 kept boxes
ALLOWED_BOX_PX, ALLOWED_SCORE = 1.0, 0.01


class ExportError(RuntimeError):
    """An exported file that does not say what the network says."""


@dataclass(frozen=True, slots=True)
class ExportCheck:
    """How far the exported file is from torch on `pictures` pictures, over boxes with a score of at least 0.05, or the
    best one of a picture without such."""

    pictures: int
    boxes: int
    max_box_px: float
    max_score: float


def export_onnx(weights: Path, class_count: int, out: Path) -> None:
    """None; `out` then holds the float32 ONNX file with output (1, 300, 6), normalisation folded in."""
    network = inference_network(weights, class_count)
    network.fuse(verbose=False)
    served = Served(network)
    sample = torch.zeros(1, 3, INPUT_HEIGHT_PX, INPUT_WIDTH_PX)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # the tracer warns of shapes that are constant here by design
        names: dict[str, Any] = {"input_names": [INPUT_NAME], "output_names": [OUTPUT_NAME]}
        torch.onnx.export(served, (sample,), str(out), opset_version=OPSET, dynamo=False, **names)
    slim: Any = onnxslim.slim(onnx.load(str(out)))
    onnx.checker.check_model(slim)
    onnx.save(slim, str(out))


def inference_network(weights: Path, class_count: int) -> Any:
    """The network of a safetensors file, ready to answer: (1, 4 + classes, anchors) out, several boxes a thing."""
    network: Any = build_network(class_count, activation_of(weights))
    load_weights(network, weights)
    network.eval()
    head = network.model[-1]
    head.export, head.format = True, "onnx"
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return network


def compare_with_torch(weights: Path, class_count: int, onnx_file: Path, pictures: Sequence[Path]) -> ExportCheck:
    """The largest differences between the exported file and the torch network, unfused, over `pictures`.

    Raises ExportError if the file misses a box that torch finds, or has it more than 1 px or 0.01 of score off.
    """
    network = Served(inference_network(weights, class_count))
    session = Session(onnx_file)
    boxes, box_px, score = 0, 0.0, 0.0
    for picture in pictures:
        sample = served_input(picture, INPUT_HEIGHT_PX, INPUT_WIDTH_PX)
        with torch.no_grad():
            expected = network(torch.from_numpy(sample))[0].numpy()
        found = session.run(sample)[0]
        for row in expected[expected[:, 4] >= min(SURE_SCORE, expected[:, 4].max())]:
            same = found[found[:, 5] == row[5]]
            if not len(same):
                raise ExportError(f"{onnx_file.name} misses a box of class {int(row[5])} that torch finds")
            nearest = same[np.abs(same[:, :5] - row[:5]).max(axis=1).argmin()]
            boxes += 1
            box_px = max(box_px, float(np.abs(nearest[:4] - row[:4]).max()))
            score = max(score, float(abs(nearest[4] - row[4])))
    if box_px > ALLOWED_BOX_PX or score > ALLOWED_SCORE:
        raise ExportError(f"{onnx_file.name} is {box_px:.3g} px and {score:.3g} of score off torch")
    return ExportCheck(len(pictures), boxes, box_px, score)
