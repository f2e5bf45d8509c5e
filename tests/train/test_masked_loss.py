"""What a source never labelled teaches nothing; what it is surely without is taught as absent."""

from __future__ import annotations

from typing import Any

import pytest
import torch

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


def _score_gradients(network: Any, targets: torch.Tensor, mask: torch.Tensor) -> dict[str, torch.Tensor]:
    """Per head (batch, classes): how strongly the loss pulls at the class scores of each picture."""
    predictions = network(torch.rand(len(mask), 3, 64, 96))
    scores = {head: predictions[head]["scores"] for head in ("one2many", "one2one")}
    loss, _ = MaskedLoss(network, RECIPE)(predictions, targets, mask)
    gradients = torch.autograd.grad(loss, list(scores.values()))
    return {head: g.abs().sum(dim=2) for head, g in zip(scores, gradients, strict=True)}


def test_an_unknown_class_gets_no_gradient_and_an_absent_one_does(network: Any) -> None:
    targets = torch.tensor([[0, LABELLED, 0.5, 0.5, 0.4, 0.4]])
    for pull in _score_gradients(network, targets, torch.tensor([[1.0, 0.0, 1.0]])).values():
        assert pull[0, UNKNOWN] == 0
        assert pull[0, LABELLED] > 0
        assert pull[0, ABSENT] > 0


def test_each_picture_of_a_batch_has_its_own_mask(network: Any) -> None:
    targets = torch.tensor([[0, LABELLED, 0.5, 0.5, 0.4, 0.4], [1, UNKNOWN, 0.5, 0.5, 0.4, 0.4]])
    mask = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    for pull in _score_gradients(network, targets, mask).values():
        assert (pull > 0).tolist() == [[True, False, False], [False, True, False]]


def test_a_batch_without_any_box_still_teaches_absence(network: Any) -> None:
    for pull in _score_gradients(network, torch.zeros(0, 6), torch.tensor([[0.0, 0.0, 1.0]])).values():
        assert (pull[0] > 0).tolist() == [False, False, True]


def test_a_mask_of_ones_is_the_loss_without_a_mask(network: Any) -> None:
    torch.manual_seed(1)
    predictions = network(torch.rand(2, 3, 64, 96))
    targets = torch.tensor([[0, 0, 0.5, 0.5, 0.4, 0.4], [1, 2, 0.3, 0.5, 0.4, 0.6]])
    masked = MaskedLoss(network, RECIPE)
    total, _ = masked(predictions, targets, torch.ones(2, 3))
    plain = 0.0
    for branch, head in ((masked._many, "one2many"), (masked._one, "one2one")):
        branch.class_weights = branch.bce.positives_only = None
        boxes = {"batch_idx": targets[:, 0], "cls": targets[:, 1], "bboxes": targets[:, 2:]}
        plain += 0.5 * float(branch.loss(predictions[head], boxes)[0].sum().detach())
    assert float(total.detach()) == pytest.approx(plain, rel=1e-5)


def test_of_a_class_with_some_labels_only_those_are_taught(network: Any) -> None:
    targets = torch.tensor([[0, UNKNOWN, 0.5, 0.5, 0.4, 0.4]])
    predictions = network(torch.rand(1, 3, 64, 96))
    scores = {head: predictions[head]["scores"] for head in ("one2many", "one2one")}
    pulls = {}
    for kind, value in (("known", 1.0), ("positives", -1.0)):
        loss, _ = MaskedLoss(network, RECIPE)(predictions, targets, torch.tensor([[0.0, value, 0.0]]))
        pulls[kind] = torch.autograd.grad(loss, list(scores.values()), retain_graph=True)
    for known, positives in zip(pulls["known"], pulls["positives"], strict=True):
        where = positives[0, UNKNOWN] != 0
        assert 0 < where.sum() < 0.5 * where.numel()
        assert (positives[0, UNKNOWN][where] < 0).all()  # pulled up, never down
        assert (known[0, UNKNOWN] != 0).all()
        torch.testing.assert_close(positives[0, UNKNOWN][where], known[0, UNKNOWN][where])
        assert not positives[0, LABELLED].any()
