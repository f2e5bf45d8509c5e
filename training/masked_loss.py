"""The detection loss with a class mask per picture: what a source never labelled teaches nothing about that class."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from ultralytics.utils.loss import v8DetectionLoss

from training.recipe import Recipe


class MaskedLoss:
    """The one-to-many loss of YOLO26 with the class mask of each picture."""

    def __init__(self, network: Any, recipe: Recipe) -> None:
        network.args = SimpleNamespace(box=recipe.box_gain, cls=recipe.class_gain, dfl=recipe.l1_gain)
        self._plain = _masked(v8DetectionLoss(network, tal_topk=10))

    def __call__(
        self, predictions: dict[str, Any], targets: torch.Tensor, mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(loss to minimise, per batch; detached box, class and L1 loss (3,)).

        `targets` (n, 6) and `mask` (batch, classes) are those of `training.batches.Batch`.
        """
        batch = {"batch_idx": targets[:, 0], "cls": targets[:, 1], "bboxes": targets[:, 2:]}
        self._plain.class_weights = (mask != 0).float()[:, None, :]
        self._plain.bce.positives_only = (mask < 0)[:, None, :] if bool((mask < 0).any()) else None
        loss, parts = self._plain.loss(_as_float(predictions), batch)
        return loss.sum(), torch.stack([value.detach() for value in parts.values()])


def _masked(loss: Any) -> Any:
    loss.bce = _TaughtOnly(loss.bce)
    return loss


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


def _as_float(predictions: dict[str, Any]) -> dict[str, Any]:
    """The predictions in float32: assignment and box loss are not safe in bfloat16."""
    feats = [feature.float() for feature in predictions["feats"]]
    return {"boxes": predictions["boxes"].float(), "scores": predictions["scores"].float(), "feats": feats}
