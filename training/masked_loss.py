"""The detection loss with a class mask per picture: what a source never labelled teaches nothing about that class."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from ultralytics.utils.loss import v8DetectionLoss

from training.recipe import Recipe

ONE_TO_MANY_SHARE = 0.5  # AdamW makes the split between the two heads' losses all but meaningless


class MaskedLoss:
    """Sum of the one-to-many and the one-to-one loss of YOLO26, each with the class mask of its pictures."""

    def __init__(self, network: Any, recipe: Recipe) -> None:
        network.args = SimpleNamespace(box=recipe.box_gain, cls=recipe.class_gain, dfl=recipe.l1_gain)
        self._many: Any = v8DetectionLoss(network, tal_topk=10)
        self._one: Any = v8DetectionLoss(network, tal_topk=7, tal_topk2=1)
        branches: list[Any] = [self._many, self._one]
        for branch in branches:
            branch.bce = _TaughtOnly(branch.bce)

    def __call__(
        self, predictions: dict[str, Any], targets: torch.Tensor, mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(loss to minimise, per batch; detached box, class and L1 loss of the one-to-one head (3,)).

        `targets` (n, 6) and `mask` (batch, classes) are those of `training.batches.Batch`.
        """
        batch = {"batch_idx": targets[:, 0], "cls": targets[:, 1], "bboxes": targets[:, 2:]}
        positives_only = (mask < 0)[:, None, :] if bool((mask < 0).any()) else None
        for branch in (self._many, self._one):
            branch.class_weights = (mask != 0).float()[:, None, :]
            branch.bce.positives_only = positives_only
        many, _ = self._many.loss(_as_float(predictions["one2many"]), batch)
        one, parts = self._one.loss(_as_float(predictions["one2one"]), batch)
        total = ONE_TO_MANY_SHARE * many.sum() + (1 - ONE_TO_MANY_SHARE) * one.sum()
        return total, torch.stack([value.detach() for value in parts.values()])


class _TaughtOnly(torch.nn.Module):
    """The class loss, without what a picture says nothing about: of a class with some labels only, all but those."""

    def __init__(self, inner: torch.nn.Module) -> None:
        super().__init__()
        self._inner = inner
        self.positives_only: torch.Tensor | None = None  # (batch, 1, classes) bool

    def forward(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Loss (batch, anchors, classes) of scores against targets of the same shape."""
        loss: torch.Tensor = self._inner(scores, targets)
        if self.positives_only is None:
            return loss
        return loss.masked_fill(self.positives_only & (targets <= 0), 0.0)


def _as_float(branch: dict[str, Any]) -> dict[str, Any]:
    """The predictions in float32: assignment and box loss are not safe in bfloat16."""
    feats = [feature.float() for feature in branch["feats"]]
    return {"boxes": branch["boxes"].float(), "scores": branch["scores"].float(), "feats": feats}
