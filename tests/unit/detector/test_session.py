"""One network in ONNX Runtime."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from support.onnx_model import write_fixed_model

from detector.model_errors import ModelFileError
from detector.session import Session

FLOAT = TensorProto.FLOAT


def write_network(path: Path, shape: list[int | str], kind: int = FLOAT, outputs: int = 1) -> Path:
    """A network that copies its input to each of its outputs."""
    names = [f"out{i}" for i in range(outputs)]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["images"], [name]) for name in names],
        "copy",
        [helper.make_tensor_value_info("images", kind, shape)],
        [helper.make_tensor_value_info(name, kind, shape) for name in names],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def test_it_tells_the_shapes_of_the_network_and_runs_it(tmp_path: Path) -> None:
    session = Session(write_network(tmp_path / "copy.onnx", [1, 3]))
    assert (session.input_name, session.input_shape, session.output_shape) == ("images", (1, 3), (1, 3))
    given = np.array([[1, 2, 3]], np.float32)
    np.testing.assert_array_equal(session.run(given), given)
    assert session.warm_up().tolist() == [[0, 0, 0]]


@pytest.mark.parametrize(
    "tensor",
    [pytest.param(np.zeros((1, 4), np.float32), id="another shape"), pytest.param(np.zeros((1, 3)), id="doubles")],
)
def test_an_input_of_another_kind_is_refused(tmp_path: Path, tensor: np.ndarray) -> None:
    session = Session(write_network(tmp_path / "copy.onnx", [1, 3]))
    with pytest.raises(ValueError, match=r"the input must be \(1, 3\) float32"):
        session.run(tensor)


def test_the_file_with_the_right_hash_is_opened(tmp_path: Path) -> None:
    write_fixed_model(tmp_path)
    path = tmp_path / "fixed.fp32.onnx"
    assert Session(path, sha256=hashlib.sha256(path.read_bytes()).hexdigest()).input_shape == (1, 3, 384, 640)


def test_a_file_with_another_hash_is_refused(tmp_path: Path) -> None:
    path = write_network(tmp_path / "copy.onnx", [1, 3])
    with pytest.raises(ModelFileError, match=r"copy\.onnx: sha256 is \w+, its card says 00"):
        Session(path, sha256="00" * 32)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"gone\.onnx: cannot be read"):
        Session(tmp_path / "gone.onnx")


@pytest.mark.parametrize("content", [b"", b"not a network", bytes(1000)])
def test_a_file_that_is_no_network_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"bad\.onnx: not a network that ONNX Runtime can run"):
        Session(path)


def test_a_network_with_two_outputs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="1 inputs and 2 outputs"):
        Session(write_network(tmp_path / "two.onnx", [1, 3], outputs=2))


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        pytest.param(["batch", 3], FLOAT, id="a side that is not fixed"),
        pytest.param([1, 3], TensorProto.DOUBLE, id="doubles"),
    ],
)
def test_a_network_of_other_tensors_is_refused(tmp_path: Path, shape: list[int | str], kind: int) -> None:
    with pytest.raises(ModelFileError, match="input 'images' is tensor"):
        Session(write_network(tmp_path / "odd.onnx", shape, kind))


def test_no_threads_at_all_is_a_mistake_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="threads must be 1 or more"):
        Session(write_network(tmp_path / "copy.onnx", [1, 3]), threads=0)
