"""Were two photographs of a place taken from two spots? Then near things move against far ones, as in no copy.

Whatever is done to a picture, a new crop, another light, a screen in between, what is left of it stays where one
homography lays it. Points that agree with the geometry of two cameras, but lie far off that homography, tell of depth.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from inference_server.scene.evidence import ACCEPT_AT, keeps_order, weigh
from inference_server.scene.geometry import Geometry
from inference_server.scene.matching import Matches

_OFF_PX: Final = 8.0  # of the photograph before: more than lenses and screens bend
# Made copies reach 0.05: of many points some agree by chance, or lie in a piece moved by hand.
_LEAST_SHARE: Final = 0.1


@dataclass(frozen=True, slots=True)
class Parallax:
    """share: of the points that agree with two cameras, 0..1, that lie off the plane of most. evidence: what these say,
    counted as the evidence of one place is."""

    share: float
    evidence: float

    @property
    def is_plain(self) -> bool:
        """Whether two spots are proven, as firmly as one place has to be."""
        return self.share >= _LEAST_SHARE and self.evidence >= ACCEPT_AT


NO_PARALLAX: Final = Parallax(0.0, 0.0)


def parallax(found: Matches, geometry: Geometry, sizes_px: tuple[tuple[int, int], tuple[int, int]]) -> Parallax:
    """What the matches that a geometry explains say of two spots; sizes_px: width and height of both pictures."""
    if geometry.homography is None or not geometry.epipolar.any():
        return NO_PARALLAX
    agree = found.where(geometry.epipolar)
    agree = agree.where(keeps_order(agree))
    if not len(agree):
        return NO_PARALLAX
    lifted = np.column_stack([agree.before_px, np.ones(len(agree))]) @ geometry.homography.T
    with np.errstate(divide="ignore", invalid="ignore"):
        off_px = np.linalg.norm(lifted[:, :2] / lifted[:, 2:] - agree.after_px, axis=1)
    zoom = float(np.sqrt(abs(np.linalg.det(geometry.homography[:2, :2]))))
    off = agree.where(off_px > _OFF_PX * zoom)
    return Parallax(len(off) / len(agree), weigh(off, sizes_px).value if len(off) else 0.0)
