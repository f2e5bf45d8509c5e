"""The served file gives one box a thing: what greedy non-maximum suppression would keep, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torchvision

from training.suppression import MAX_IOU, ROWS, Served, candidates, kept_of

CLASSES, ANCHORS = 4, 900


class _Answer(torch.nn.Module):
    """Stands where the network stands and gives one answer."""

    def __init__(self, answer: torch.Tensor) -> None:
        super().__init__()
        self._answer = answer

    def forward(self, _: torch.Tensor) -> torch.Tensor:
        return self._answer


def crowded_answer(seed: int) -> torch.Tensor:
    """(1, 4 + CLASSES, ANCHORS): boxes in a few heaps, so that long chains overlap."""
    made = torch.Generator().manual_seed(seed)
    heaps = 40 + 560 * torch.rand(12, 2, generator=made)
    middle = heaps[torch.randint(0, 12, (ANCHORS,), generator=made)] + 20 * torch.randn(ANCHORS, 2, generator=made)
    size = 30 + 60 * torch.rand(ANCHORS, 2, generator=made)
    return torch.cat([middle.T, size.T, torch.rand(CLASSES, ANCHORS, generator=made)])[None]


def rows_of(answer: torch.Tensor) -> torch.Tensor:
    rows: torch.Tensor = Served(_Answer(answer))(torch.zeros(1))
    return rows[0]


@pytest.mark.parametrize("seed", range(20))
def test_what_is_kept_is_what_torchvision_keeps(seed: int) -> None:
    answer = crowded_answer(seed)
    boxes, scores, classes = candidates(answer[0])
    chosen: Any = torchvision.ops.batched_nms(boxes, scores, classes, MAX_IOU)
    rows = rows_of(answer)
    kept = rows[rows[:, 4] > 0]
    assert 12 < len(kept) < ROWS
    assert kept.tolist() == torch.column_stack([boxes, scores, classes])[chosen].tolist()


def test_the_candidates_are_the_best_pairs_of_anchor_and_class() -> None:
    answer = crowded_answer(1)[:, :, :200]
    boxes, scores, classes = candidates(answer[0])
    best, places = answer[0, 4:].T.flatten().sort(descending=True)
    assert scores.tolist() == best[:200].tolist()
    assert classes.tolist() == (places[:200] % CLASSES).tolist()
    width, height = (boxes[:, 2:] - boxes[:, :2]).T
    assert torch.allclose(width, answer[0, 2][places[:200] // CLASSES], atol=1e-3)
    assert torch.allclose(height, answer[0, 3][places[:200] // CLASSES], atol=1e-3)


def test_boxes_of_two_classes_in_one_place_are_both_kept() -> None:
    twice = torch.tensor([[50.0, 50.0, 20.0, 20.0, 0.9, 0.8]]).T.repeat(1, 2)
    nothing = torch.tensor([[500.0, 50.0, 20.0, 20.0, 0.0, 0.0]]).T.repeat(1, 2)
    rows = rows_of(torch.cat([twice, nothing], dim=1)[None])
    place = [40.0, 40.0, 60.0, 60.0]
    assert rows[rows[:, 4] > 0].tolist() == [[*place, pytest.approx(0.9), 0.0], [*place, pytest.approx(0.8), 1.0]]


def test_a_box_that_is_suppressed_suppresses_no_other() -> None:
    steps = torch.tensor([0.0, 6.0, 12.0])
    chain = torch.column_stack([steps, torch.zeros(3), steps + 20.0, torch.full((3,), 20.0)])
    assert kept_of(chain).tolist() == [1.0, 0.0, 1.0]
