"""The mean of the weights of several runs that started from the same trained weights.

After Wortsman et al. 2022, "Model soups: averaging weights of multiple fine-tuned models improves accuracy without
increasing inference time": such runs end in one valley of the loss, and the middle of it generalises better.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from training.network import OTHER_HEAD, activation_of

Tensors = dict[str, NDArray[Any]]


class BlendError(ValueError):
    """Weights that cannot be averaged; the message names the file and the tensor."""


def blend_weights(paths: Sequence[Path], out: Path) -> None:
    """None; writes the mean of all tensors, in the types of the first file; whole numbers are taken from it.

    Raises BlendError for fewer than two files, and where activations, names or shapes of tensors differ.
    """
    if len(paths) < 2:
        raise BlendError("weights: at least two files are needed")
    first, *others = [_tensors(path) for path in paths]
    activation = activation_of(paths[0])
    for path, other in zip(paths[1:], others, strict=True):
        _check_alike(first, other, path)
        if activation_of(path) != activation:
            raise BlendError(f"{path}: its activation is not {activation} as in the first file")
    blended = {name: _mean([tensors[name] for tensors in (first, *others)]) for name in first}
    save_file(blended, out, metadata={"activation": activation, "blend_of": str(len(paths))})


def _tensors(path: Path) -> Tensors:
    return {name: values for name, values in load_file(path).items() if OTHER_HEAD not in name}


def _check_alike(first: Tensors, other: Tensors, path: Path) -> None:
    names = sorted(set(first) ^ set(other))
    names += [name for name in first if name in other and first[name].shape != other[name].shape]
    if names:
        raise BlendError(f"{path}: tensor {names[0]} is not as in the first file")


def _mean(tensors: Sequence[NDArray[Any]]) -> NDArray[Any]:
    if not np.issubdtype(tensors[0].dtype, np.floating):
        return tensors[0]
    return np.mean(tensors, axis=0, dtype=np.float64).astype(tensors[0].dtype)
