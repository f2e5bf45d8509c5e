"""A network in ONNX Runtime: the only file of the detector that imports onnxruntime.

Threads: one session is shared by any number of worker threads, and each call runs on its caller's thread (intra-op 1).
On a server that is faster than one picture on many threads. With more intra-op threads their spinning is off, so that
waiting threads do not take the processor from others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from detector.model_errors import ModelFileError

_ONLY_ERRORS = 3  # ONNX Runtime's log severity
_FLOAT = "tensor(float)"
_NETWORK_ERRORS = (  # they share no base but Exception
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)


class Session:
    """One network of one float32 input and one float32 output, both of fixed shape, on the CPU."""

    def __init__(self, path: Path, *, threads: int = 1, sha256: str | None = None) -> None:
        """Raises ModelFileError where the file is missing, has another hash than `sha256`, or is no such network."""
        self.path = path
        self._session, _ = _open(path, _options(threads), sha256)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or len(outputs) != 1:
            raise ModelFileError(f"{path.name}: {len(inputs)} inputs and {len(outputs)} outputs, not one of each")
        self.input_name: str = inputs[0].name
        self.input_shape = _fixed_shape(path, "input", inputs[0])
        self.output_shape = _fixed_shape(path, "output", outputs[0])

    def run(self, tensor: NDArray[np.float32]) -> NDArray[np.float32]:
        """The network's output, of `output_shape`, for an input of `input_shape`; safe from many threads at once."""
        if tensor.shape != self.input_shape or tensor.dtype != np.float32:
            raise ValueError(f"the input must be {self.input_shape} float32, not {tensor.shape} {tensor.dtype}")
        output: NDArray[np.float32] = self._session.run(None, {self.input_name: tensor})[0]
        return output

    def warm_up(self) -> NDArray[np.float32]:
        """The output for a black frame; the first run of a session is the slow one.

        Raises ModelFileError where the network can be loaded but not run.
        """
        try:
            return self.run(np.zeros(self.input_shape, np.float32))
        except _NETWORK_ERRORS as error:
            raise ModelFileError(f"{self.path.name}: the network cannot be run ({error})") from error


class OpenSession:
    """One network of one float32 input of any shape, whose outputs are asked for by name, on the CPU."""

    def __init__(self, path: Path, outputs: Sequence[str]) -> None:
        """Raises ModelFileError where the file is missing, is no network, or lacks one of these outputs."""
        self.path = path
        self._session, self.sha256 = _open(path, _options(threads=1), sha256=None)
        inputs, names = self._session.get_inputs(), {value.name for value in self._session.get_outputs()}
        if len(inputs) != 1 or inputs[0].type != _FLOAT:
            raise ModelFileError(f"{path.name}: {len(inputs)} inputs, not one of float")
        if not names.issuperset(outputs):
            raise ModelFileError(f"{path.name}: outputs {sorted(names)} lack one of {list(outputs)}")
        self._input_name: str = inputs[0].name
        self._outputs = list(outputs)

    def run(self, tensor: NDArray[np.float32]) -> list[NDArray[Any]]:
        """The outputs in the order asked for; raises ModelFileError where the network cannot take this input."""
        try:
            return list(self._session.run(self._outputs, {self._input_name: tensor}))
        except _NETWORK_ERRORS as error:
            raise ModelFileError(f"{self.path.name}: the network cannot be run ({error})") from error


def _options(threads: int) -> onnxruntime.SessionOptions:
    if threads < 1:
        raise ValueError(f"threads must be 1 or more, not {threads}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = _ONLY_ERRORS
    if threads > 1:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _open(
    path: Path, options: onnxruntime.SessionOptions, sha256: str | None
) -> tuple[onnxruntime.InferenceSession, str]:
    """The network and the hash of its file."""
    # The bytes that were hashed are the bytes that are run: the file is read once.
    try:
        model = path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"{path.name}: cannot be read ({error.strerror})") from None
    found = hashlib.sha256(model).hexdigest()
    if sha256 is not None and found != sha256:
        raise ModelFileError(f"{path.name}: sha256 is {found}, its card says {sha256}")
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"]), found
    except _NETWORK_ERRORS as error:
        raise ModelFileError(f"{path.name}: not a network that ONNX Runtime can run ({error})") from error


def _fixed_shape(path: Path, role: str, value: onnxruntime.NodeArg) -> tuple[int, ...]:
    shape = tuple(value.shape)
    if value.type != _FLOAT or not all(isinstance(side, int) and side > 0 for side in shape):
        raise ModelFileError(f"{path.name}: {role} {value.name!r} is {value.type} {shape}, not float of fixed shape")
    return shape
