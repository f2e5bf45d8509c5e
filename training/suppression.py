"""The end of the served network: its many boxes for each thing made one, as part of the graph.

The head answers with several boxes a thing. Of two of one class that overlap, the better one stays: greedy
non-maximum suppression, here in matrix form (Zheng et al. 2021, "Enhancing geometric factors in model learning and
inference for object detection and instance segmentation": Cluster-NMS). Its steps are products of one fixed size, so
that the file needs no operator of its own and whoever runs it no code.
"""

from __future__ import annotations

from typing import Any

import torch

MAX_IOU = 0.5
ROWS = 300
_ROUNDS = 8  # after as many, chains of eight boxes of which each is suppressed by the one before are resolved exactly
_APART_PX = 4096.0  # classes are laid as far apart, so that only boxes of one class overlap


class Served(torch.nn.Module):
    """A network and the suppression: pictures (1, 3, H, W) in 0..1 to rows (1, 300, 6) of x1 y1 x2 y2 score class.

    Rows come best first; one that was suppressed, or that a small picture does not have, keeps its place at score 0.
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """`network` gives (1, 4 + classes, anchors): centre x, centre y, width, height, scores."""
        boxes, scores, classes = candidates(self.network(pictures)[0])
        kept = kept_of(boxes + classes[:, None] * _APART_PX)
        return torch.cat([boxes, (scores * kept)[:, None], classes[:, None]], dim=1)[None]


def candidates(answer: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Corners (n, 4), scores (n,) and classes (n,) of the best pairs of anchor and class, best first, of (4 + C, A)."""
    scores = answer[4:]
    count = min(ROWS, scores.shape[1])
    anchors = scores.amax(dim=0).topk(count).indices
    best, places = scores[:, anchors].flatten().topk(count)
    classes = torch.div(places, count, rounding_mode="floor")
    columns = answer[:4, anchors[places - classes * count]]
    middle, half = columns[:2], columns[2:] / 2
    return torch.cat([middle - half, middle + half]).T, best, classes.to(best.dtype)


def kept_of(boxes: torch.Tensor) -> torch.Tensor:
    """1.0 for each of the boxes (n, 4), best first, that no better one which is kept overlaps by more than MAX_IOU,
    0.0 for the others: (n,)."""
    over = torch.triu(_overlap(boxes).to(boxes.dtype), diagonal=1)
    kept = torch.ones_like(boxes[:, 0])
    for _ in range(_ROUNDS):
        kept = (kept @ over < 0.5).to(boxes.dtype)
    return kept


def _overlap(boxes: torch.Tensor) -> torch.Tensor:
    """(n, n) bool: whether intersection over union is more than MAX_IOU; side by side, for that is quick."""
    x1, y1, x2, y2 = boxes.T
    width = torch.minimum(x2[:, None], x2[None]) - torch.maximum(x1[:, None], x1[None])
    height = torch.minimum(y2[:, None], y2[None]) - torch.maximum(y1[:, None], y1[None])
    weighed = (x2 - x1) * (y2 - y1) * (MAX_IOU / (1 + MAX_IOU))
    return width.clamp(min=0) * height.clamp(min=0) > weighed[:, None] + weighed[None]
