"""A batch on two threads gives the gradients of its two parts, added up, and changes one set of weights only."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from training.batches import Batch
from training.masked_loss import MaskedLoss
from training.network import build_network
from training.parallel import ParallelBackward, has_bfloat16, split
from training.recipe import Recipe, Stage

RECIPE = Recipe("t", (Stage(64, 96, 1),), batch=4, threads=2, bfloat16=False)


@pytest.fixture
def batch() -> Batch:
    rng = np.random.default_rng(0)
    targets = [[number, number % 2, 0.5, 0.5, 0.3, 0.4] for number in (0, 1, 1, 3)]
    pixels = rng.integers(0, 256, (4, 64, 96, 3), dtype=np.uint8)
    return Batch(pixels, np.array(targets, dtype=np.float32), np.ones((4, 2), dtype=np.float32))


@pytest.fixture(autouse=True)
def one_thread_an_operation() -> Iterator[None]:
    """As in a run. Sums over several threads differ in the last bit, and that decides ties of the assignment."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def network() -> Any:
    torch.manual_seed(0)
    return build_network(2).to(memory_format=torch.channels_last)


def test_the_parts_hold_all_pictures_and_boxes_numbered_from_zero(batch: Batch) -> None:
    first, second = split(batch, 2)
    assert first.targets[:, 0].tolist() == [0, 1, 1]
    assert second.targets[:, 0].tolist() == [1]
    np.testing.assert_array_equal(np.concatenate([first.pixels, second.pixels]), batch.pixels)


def test_the_gradients_are_the_sum_of_those_of_the_parts(batch: Batch, network: Any) -> None:
    expected: list[torch.Tensor] = []
    for part in split(batch, 2):
        alone = copy.deepcopy(network).train()
        pixels = torch.from_numpy(part.pixels).permute(0, 3, 1, 2).float().div(255)
        predictions = alone(pixels.contiguous(memory_format=torch.channels_last))
        loss, _ = MaskedLoss(alone, RECIPE)(predictions, torch.from_numpy(part.targets), torch.from_numpy(part.mask))
        loss.backward()
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in alone.parameters()]
        expected = [a + b for a, b in zip(expected, gradients, strict=True)] if expected else gradients
    ParallelBackward(network, RECIPE)(batch)
    for mine, theirs in zip(network.parameters(), expected, strict=True):
        if mine.grad is not None:
            torch.testing.assert_close(mine.grad, theirs, rtol=1e-3, atol=1e-4)


def test_a_step_of_the_trained_network_is_seen_by_every_thread(batch: Batch, network: Any) -> None:
    backward = ParallelBackward(network, RECIPE)
    backward(batch)
    before = [worker.network.model[0].conv.weight.clone() for worker in backward._workers]
    torch.optim.AdamW(network.parameters(), lr=0.1, fused=True).step()
    for old, worker in zip(before, backward._workers, strict=True):
        now = worker.network.model[0].conv.weight
        assert not torch.equal(now, old)
        assert torch.equal(now, network.model[0].conv.weight)


@pytest.mark.parametrize(
    ("capabilities", "has"),
    [({"avx512_bf16": False, "avx512_f": True}, False), ({"amx_bf16": True}, True), ({}, False)],
)
def test_bfloat16_is_for_processors_that_have_it(capabilities: dict[str, bool], has: bool) -> None:
    assert has_bfloat16(capabilities) is has
