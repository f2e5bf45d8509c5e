"""How a place in the photograph before lies in the photograph after."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference_server.domain.verification import GateResult


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """The geometry that holds the matched points together.

    homography: (3, 3) float64, pixels before to pixels after (of `ScenePhoto.pixels`), the one that fits best near the
    region of the problem; None where none holds. before_px, after_px: (n, 2) float32, the matched points that agree.
    """

    homography: NDArray[np.float64] | None
    before_px: NDArray[np.float32]
    after_px: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class SceneMatch:
    """What the second gate says, and the alignment the third gate stands on."""

    result: GateResult
    alignment: Alignment
