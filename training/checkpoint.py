"""Everything a run needs to go on: network, average, optimiser, place in the plan. Written so that it is never half."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

FILE_NAME = "last.pt"


def save_checkpoint(folder: Path, state: dict[str, Any]) -> None:
    """None; `folder` then holds the new checkpoint, or still the old one if writing broke off."""
    part = folder / f"{FILE_NAME}.part"
    with part.open("wb") as stream:
        torch.save(state, stream)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(folder / FILE_NAME)


def load_checkpoint(folder: Path) -> dict[str, Any] | None:
    """The last checkpoint of `folder`, None where there is none."""
    path = folder / FILE_NAME
    if not path.is_file():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state
