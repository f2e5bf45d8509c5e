"""Region and surroundings as the photograph after shows them: nothing is drawn out of shape that does not lie flat."""

from dataclasses import dataclass

import numpy as np

from detector.image import Pixels
from inference_server.scene.region import Mask, Matrix, Neighbourhood, taken

NEAREST = 0.2  # of the region's depth: what lies nearer than that, or behind, the plane does not carry over
QUARTER = np.pi / 2


@dataclass(frozen=True, slots=True, eq=False)
class AfterView:
    """A grid on the photograph after, with its own upright shapes; size and region are those of the neighbourhood.

    before: (h, w, 3) uint8 BGR, the photograph before, carried over on the plane of the region. after: the same of the
    photograph after, only turned by quarters, shifted and scaled. before_seen, after_seen: (h, w) bool, where the
    photographs reach.
    """

    before: Pixels
    after: Pixels
    before_seen: Mask
    after_seen: Mask


def after_view(hood: Neighbourhood, before: Pixels, after: Pixels) -> AfterView:
    """The neighbourhood once more, from the photographs (H, W, 3) uint8 BGR that it was taken from."""
    size = (hood.seen.shape[1], hood.seen.shape[0])
    to_after, zoom = _upright(hood)
    second, second_seen = taken(after, to_after, size, 1 / zoom)
    to_grid = np.linalg.inv(hood.to_after) @ to_after
    first, first_seen = taken(before, hood.to_before @ to_grid, size, 1 / float(hood.to_before[0, 0]))
    return AfterView(first, second, first_seen & _in_front(hood, to_grid), second_seen)


def _upright(hood: Neighbourhood) -> tuple[Matrix, float]:
    """Pixels of the grid to pixels of the photograph after near the region's middle, without perspective and shear; and
    pixels after for one of the grid."""
    middle = _middle(hood)
    lifted = hood.to_after @ [*middle, 1.0]
    there = lifted[:2] / lifted[2]
    slope = (hood.to_after[:2, :2] - np.outer(there, hood.to_after[2, :2])) / lifted[2]
    zoom = float(np.sqrt(abs(np.linalg.det(slope))))
    turn = np.arctan2(slope[1, 0] - slope[0, 1], slope[0, 0] + slope[1, 1])
    turn = QUARTER * np.round(turn / QUARTER)
    turned = zoom * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return np.vstack([np.column_stack([turned, there - turned @ middle]), [0.0, 0.0, 1.0]]), zoom


def _in_front(hood: Neighbourhood, to_grid: Matrix) -> Mask:
    """Where the plane lies before the camera, no nearer than a share of the region's depth."""
    rows, columns = np.ogrid[: hood.seen.shape[0], : hood.seen.shape[1]]
    across, down, whole = to_grid[2]
    depth = columns * across + rows * down + whole
    own = float(to_grid[2] @ [*_middle(hood), 1.0])
    return np.asarray(depth * np.sign(own) > NEAREST * abs(own))


def _middle(hood: Neighbourhood) -> Matrix:
    box = hood.box
    return np.array([(box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2])
