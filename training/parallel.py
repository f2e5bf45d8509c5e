"""One batch on several processor threads: each thread takes a part of the pictures through a network of its own.

The networks share their weights, and their gradients are added up. Splitting each operation over threads, as torch
does by itself, makes every operation wait for the slowest thread: beside other work that costs several times over.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from training.batches import Batch
from training.masked_loss import MaskedLoss
from training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class _Worker:
    network: Any
    loss: MaskedLoss


class ParallelBackward:
    """Gradients of a network for a batch. The first part's network is the trained one itself: like the first process
    of distributed training it alone keeps the running means of normalisation."""

    def __init__(self, network: Any, recipe: Recipe) -> None:
        torch.set_num_threads(1)
        self._bfloat16 = recipe.bfloat16 and has_bfloat16(torch.cpu.get_capabilities())
        copies = [network, *(_sharing_copy(network) for _ in range(recipe.threads - 1))]
        self._workers = [_Worker(each, MaskedLoss(each, recipe)) for each in copies]
        self._pool = ThreadPoolExecutor(len(copies), initializer=torch.set_num_threads, initargs=(1,))

    def __call__(self, batch: Batch) -> torch.Tensor:
        """Mean box, class and L1 loss (3,); the network's gradients are then those of the whole batch."""
        parts = split(batch, len(self._workers))
        losses = list(self._pool.map(self._work, self._workers, parts))
        first, *others = (worker.network for worker in self._workers)
        for other in others:
            for mine, theirs in zip(first.parameters(), other.parameters(), strict=True):
                if mine.grad is not None and theirs.grad is not None:
                    mine.grad.add_(theirs.grad)
        return torch.stack(losses).mean(dim=0)

    def _work(self, worker: _Worker, part: Batch) -> torch.Tensor:
        worker.network.train()
        worker.network.zero_grad(set_to_none=True)
        pixels = torch.from_numpy(part.pixels).permute(0, 3, 1, 2).float().div_(255)
        with torch.autocast("cpu", torch.bfloat16, enabled=self._bfloat16):
            predictions = worker.network(pixels.contiguous(memory_format=torch.channels_last))
        loss, parts = worker.loss(predictions, torch.from_numpy(part.targets), torch.from_numpy(part.mask))
        loss.backward()  # type: ignore[no-untyped-call]
        return parts


def has_bfloat16(capabilities: Mapping[str, Any]) -> bool:
    """Whether a processor, as `torch.cpu.get_capabilities` describes it, computes in bfloat16 by itself. Where it does
    not, torch imitates it: a step then takes several times as long as in float32.

    >>> has_bfloat16({"avx512_f": True, "avx512_bf16": False}), has_bfloat16({"amx_bf16": True})
    (False, True)
    """
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def split(batch: Batch, count: int) -> list[Batch]:
    """The batch in `count` parts of nearly equal size; picture numbers of the targets start at 0 in each."""
    parts = []
    for numbers in np.array_split(np.arange(len(batch.pixels)), count):
        first, last = int(numbers[0]), int(numbers[-1])
        inside = (batch.targets[:, 0] >= first) & (batch.targets[:, 0] <= last)
        targets = batch.targets[inside] - np.array([first, 0, 0, 0, 0, 0], dtype=np.float32)
        parts.append(Batch(batch.pixels[first : last + 1], targets, batch.mask[first : last + 1]))
    return parts


def _sharing_copy(network: Any) -> Any:
    """A copy that has gradients and running means of its own but the very weights of `network`."""
    made = copy.deepcopy(network)
    for theirs, mine in zip(made.parameters(), network.parameters(), strict=True):
        theirs.data = mine.data
    return made
