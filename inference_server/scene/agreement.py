"""How closely two pictures agree that were laid over each other, place by place, whatever their light and contrast."""

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from inference_server.scene.correlation import AT_STEPS, COARSE, FINE, band, correlation, patches_of
from inference_server.scene.registration import Flags, Plate, Registration

Floats = NDArray[np.float32]

_RIM_PX: Final = 33  # next to where the picture ends, the filters see the end
_LEAST_PLACES: Final = 20
FAR_PX: Final = 9.0  # no drift is called larger
_DISAGREE_BELOW: Final = 0.5
_CELL_PX: Final = 32
_LEAST_CELL_TEXTURE: Final = 2.0
_LEAST_CELLS: Final = 12
_SETTLING_ROUNDS: Final = 10
_SETTLED_PX: Final = 0.3


@dataclass(frozen=True, slots=True)
class Agreement:
    """What two pictures have in common outside the one largest patch where they differ: there something was done.

    places: how many were compared, one for each 8 x 8 pixels where either picture has texture. changed: share of them
    in that patch; all that follows is of the others. coarse, coarse_low: median and lower quartile of the correlation,
    at most 1, of edges and shapes; fine: median of that of the grain. scattered: share that disagrees all the same, and
    patches, in how many pieces. drift_px: median of how far cells lie from where a smooth map would have them.
    """

    places: int
    changed: float
    coarse: float
    coarse_low: float
    fine: float
    scattered: float
    patches: int
    drift_px: float


NOTHING: Final = Agreement(0, 1.0, 0.0, 0.0, 0.0, 1.0, 0, FAR_PX)


def agreement(before: Plate, registration: Registration) -> Agreement:
    """How closely the photograph after, laid over the one before, agrees with it."""
    one, other = before.grey.astype(np.float32), registration.laid.astype(np.float32)
    rim = cv2.getStructuringElement(cv2.MORPH_RECT, (_RIM_PX, _RIM_PX))
    coarse, textured = correlation(one, other, COARSE)
    textured &= cv2.erode(registration.valid.astype(np.uint8), rim)[AT_STEPS] > 0
    patches, sizes = patches_of(textured & (coarse < _DISAGREE_BELOW))
    around = cv2.dilate((patches == 1).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    kept = textured & ~around
    if kept.sum() < _LEAST_PLACES:
        return replace(NOTHING, places=int(textured.sum()))
    low, middle = np.percentile(coarse[kept], (25, 50))
    return Agreement(
        places=int(textured.sum()),
        changed=float(1.0 - kept.sum() / textured.sum()),
        coarse=float(middle),
        coarse_low=float(low),
        fine=float(np.median(correlation(one, other, FINE)[0][kept])),
        scattered=float((kept & (patches > 1)).sum() / kept.sum()),
        patches=max(0, len(sizes) - 1),
        drift_px=_drift_px(one, other, registration.valid & ~_at_pixels(around, one)),
    )


def _at_pixels(flags: Flags, like: Floats) -> Flags:
    """The flags of the steps, one for each pixel."""
    size = (like.shape[1], like.shape[0])
    return np.asarray(cv2.resize(flags.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0, np.bool_)


def _drift_px(one: Floats, other: Floats, valid: Flags) -> float:
    """Median distance of cells from where an affine map, fitted to most of them, would have them."""
    a, b = band(one, FINE), band(other, FINE)
    window = cv2.createHanningWindow((_CELL_PX, _CELL_PX), cv2.CV_32F)
    rows = []
    for y in range(0, a.shape[0] - _CELL_PX + 1, _CELL_PX):
        for x in range(0, a.shape[1] - _CELL_PX + 1, _CELL_PX):
            cell = np.s_[y : y + _CELL_PX, x : x + _CELL_PX]
            if valid[cell].all() and a[cell].std() > _LEAST_CELL_TEXTURE:
                (dx, dy), _ = cv2.phaseCorrelate(a[cell], b[cell], window)
                rows.append((x, y, dx, dy))
    if len(rows) < _LEAST_CELLS:
        return FAR_PX
    table = np.array(rows, np.float64)
    return min(FAR_PX, float(np.median(_off_affine(table[:, :2], table[:, 2:]))))


def _off_affine(places: NDArray[np.float64], moves: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each move lies from an affine map of the places that most of them follow (reweighted least squares)."""
    design = np.column_stack([np.ones(len(places)), places / max(1.0, float(places.max()))])
    weight = np.ones(len(places))
    for _ in range(_SETTLING_ROUNDS):
        fitted, *_ = np.linalg.lstsq(design * weight[:, None], moves * weight[:, None], rcond=None)
        off = np.hypot(*(moves - design @ fitted).T)
        weight = 1.0 / (1.0 + (off / _SETTLED_PX) ** 2)
    return np.asarray(off, np.float64)
