"""What a source never labelled teaches nothing; what it is surely without is taught as absent."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from ultralytics.utils.loss import v8DetectionLoss

from training.masked_loss import MaskedLoss
from training.network import build_network
from training.recipe import Recipe, Stage

LABELLED, UNKNOWN, ABSENT = 0, 1, 2
RECIPE = Recipe("t", (Stage(64, 96, 1),))


@pytest.fixture(scope="module")
def network() -> Any:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    return build_network(3).train()


def _score_gradients(network: Any, targets: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """(batch, classes): how strongly the loss pulls at the class scores of each picture."""
    predictions = network(torch.rand(len(mask), 3, 64, 96))
    loss, _ = MaskedLoss(network, RECIPE)(predictions, targets, mask)
    (gradient,) = torch.autograd.grad(loss, predictions["scores"])
    return gradient.abs().sum(dim=2)


def test_an_unknown_class_gets_no_gradient_and_an_absent_one_does(network: Any) -> None:
    targets = torch.tensor([[0, LABELLED, 0.5, 0.5, 0.4, 0.4]])
    pull = _score_gradients(network, targets, torch.tensor([[1.0, 0.0, 1.0]]))
    assert pull[0, UNKNOWN] == 0
    assert pull[0, LABELLED] > 0
    assert pull[0, ABSENT] > 0


def test_each_picture_of_a_batch_has_its_own_mask(network: Any) -> None:
    targets = torch.tensor([[0, LABELLED, 0.5, 0.5, 0.4, 0.4], [1, UNKNOWN, 0.5, 0.5, 0.4, 0.4]])
    mask = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    pull = _score_gradients(network, targets, mask)
    assert (pull > 0).tolist() == [[True, False, False], [False, True, False]]


def test_a_batch_without_any_box_still_teaches_absence(network: Any) -> None:
    pull = _score_gradients(network, torch.zeros(0, 6), torch.tensor([[0.0, 0.0, 1.0]]))
    assert (pull[0] > 0).tolist() == [False, False, True]


def test_a_mask_of_ones_is_the_loss_without_a_mask(network: Any) -> None:
    torch.manual_seed(1)
    predictions = network(torch.rand(2, 3, 64, 96))
    targets = torch.tensor([[0, 0, 0.5, 0.5, 0.4, 0.4], [1, 2, 0.3, 0.5, 0.4, 0.6]])
    masked = MaskedLoss(network, RECIPE)
    total, _ = masked(predictions, targets, torch.ones(2, 3))
    unmasked: Any = v8DetectionLoss(network, tal_topk=10)
    boxes = {"batch_idx": targets[:, 0], "cls": targets[:, 1], "bboxes": targets[:, 2:]}
    plain = float(unmasked.loss(predictions, boxes)[0].sum().detach())
    assert float(total.detach()) == pytest.approx(plain, rel=1e-5)


def test_of_a_class_with_some_labels_only_those_are_taught(network: Any) -> None:
    targets = torch.tensor([[0, UNKNOWN, 0.5, 0.5, 0.4, 0.4]])
    predictions = network(torch.rand(1, 3, 64, 96))
    pulls = {}
    for kind, value in (("known", 1.0), ("positives", -1.0)):
        loss, _ = MaskedLoss(network, RECIPE)(predictions, targets, torch.tensor([[0.0, value, 0.0]]))
        (pulls[kind],) = torch.autograd.grad(loss, predictions["scores"], retain_graph=True)
    known, positives = pulls["known"], pulls["positives"]
    where = positives[0, UNKNOWN] != 0
    assert 0 < where.sum() < 0.5 * where.numel()
    assert (positives[0, UNKNOWN][where] < 0).all()  # pulled up, never down
    assert (known[0, UNKNOWN] != 0).all()
    torch.testing.assert_close(positives[0, UNKNOWN][where], known[0, UNKNOWN][where])
    assert not positives[0, LABELLED].any()
