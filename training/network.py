"""The network: YOLO26n with ReLU and its one-to-many head, built by ultralytics.

Call `training.offline.keep_ultralytics_offline` before this module is imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from ultralytics.nn.tasks import DetectionModel, yaml_model_load

from training.recipe import Activation

ARCHITECTURE = "yolo26n.yaml"
HEAD = "one_to_many"  # a run of another head cannot go on, its weights can be started from
OTHER_HEAD = "one2one_"  # in names of tensors: of the one-to-one head, which checkpoints of the first weeks have too
_ACTIVATIONS: dict[Activation, str] = {"relu": "torch.nn.ReLU()", "silu": "torch.nn.SiLU()"}


def build_network(class_count: int, activation: Activation = "relu") -> torch.nn.Module:
    """A new network with random weights for `class_count` classes."""
    config: dict[str, Any] = yaml_model_load(ARCHITECTURE)  # type: ignore[no-untyped-call]
    config["activation"] = _ACTIVATIONS[activation]
    config["end2end"] = False  # docs/decisions.md: what the one-to-one head costs
    network: torch.nn.Module = DetectionModel(  # type: ignore[no-untyped-call]
        config, ch=3, nc=class_count, verbose=False
    )
    return network


def save_weights(network: torch.nn.Module, path: Path, notes: dict[str, str]) -> None:
    """None; writes the state as float16 safetensors (whole numbers stay as they are) with `notes` as metadata."""
    state = {
        name: (value.half() if value.is_floating_point() else value).detach().contiguous().clone()
        for name, value in network.state_dict().items()
    }
    save_file(state, str(path), metadata=notes)


def activation_of(path: Path) -> Activation:
    """The activation of the network whose weights a safetensors file holds; older files do not tell: ReLU."""
    with safe_open(str(path), framework="pt") as stored:
        told = (stored.metadata() or {}).get("activation", "relu")
    return "silu" if told == "silu" else "relu"


def load_weights(network: torch.nn.Module, path: Path) -> dict[str, str]:
    """The notes of a safetensors file whose state was put into `network`: all its keys, but for those of OTHER_HEAD."""
    with safe_open(str(path), framework="pt") as stored:
        names = [name for name in stored.keys() if OTHER_HEAD not in name]  # noqa: SIM118 - not a mapping
        state = {name: stored.get_tensor(name) for name in names}
        notes = dict(stored.metadata() or {})
    network.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in state.items()})
    return notes
