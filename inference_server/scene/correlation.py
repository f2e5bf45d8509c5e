"""How two pictures correlate, place by place, whatever their light and contrast."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

COARSE: Final = (1.5, 8.0)  # sigmas in pixels: what lies between is compared: edges and shapes
FINE: Final = (0.8, 3.0)  # the grain
STEP_PX: Final = 8
AT_STEPS: Final = np.s_[STEP_PX // 2 :: STEP_PX, STEP_PX // 2 :: STEP_PX]
_WINDOW_PX: Final = 25
_LEAST_TEXTURE: Final = 5.0  # grey levels, standard deviation in the window, in either picture
_LEAST_VARIANCE: Final = 0.5


def band(picture: Floats, sigmas: tuple[float, float]) -> Floats:
    """What of a grey picture lies between two scales."""
    low, high = (cv2.GaussianBlur(picture, (0, 0), sigma) for sigma in sigmas)
    return np.asarray(low - high, np.float32)


def correlation(one: Floats, other: Floats, sigmas: tuple[float, float]) -> tuple[Floats, Flags]:
    """-1..1 in a window around each place, one place for STEP_PX x STEP_PX pixels; and whether there is texture."""
    a, b = band(one, sigmas), band(other, sigmas)
    mean_a, mean_b = _mean(a), _mean(b)
    var_a = np.maximum(_mean(a * a) - mean_a * mean_a, _LEAST_VARIANCE)
    var_b = np.maximum(_mean(b * b) - mean_b * mean_b, _LEAST_VARIANCE)
    together = _mean(a * b) - mean_a * mean_b
    contrast = float(np.median(np.sqrt(var_b / var_a)))
    textured = np.maximum(np.sqrt(var_a), np.sqrt(var_b) / contrast) > _LEAST_TEXTURE
    return np.asarray(together / np.sqrt(var_a * var_b), np.float32), np.asarray(textured, np.bool_)


def cornerness(picture: Floats) -> Floats:
    """0..1 at each place: 0 on a straight edge, which agrees with itself wherever along it one looks.

    The ratio of the eigenvalues of the structure tensor (Harris and Stephens, Alvey Vision Conference 1988).
    """
    edges = band(picture, COARSE)
    across, down = cv2.Sobel(edges, cv2.CV_32F, 1, 0), cv2.Sobel(edges, cv2.CV_32F, 0, 1)
    xx, yy, xy = _mean(across * across), _mean(down * down), _mean(across * down)
    spread = np.sqrt((xx - yy) ** 2 + 4.0 * xy * xy)
    return np.asarray((xx + yy - spread) / (xx + yy + spread + 1e-3), np.float32)


def patches_of(flags: Flags) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Connected patches numbered from 1, the largest first, 0 elsewhere; and their sizes."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(flags.astype(np.uint8), connectivity=8)
    sizes = stats[1:, cv2.CC_STAT_AREA].astype(np.int64)
    order = np.argsort(-sizes, kind="stable")
    numbers = np.zeros(count, np.int64)
    numbers[1 + order] = np.arange(1, count)
    return numbers[labels], sizes[order]


def _mean(picture: Floats) -> Floats:
    mean = cv2.blur(picture, (_WINDOW_PX, _WINDOW_PX), borderType=cv2.BORDER_REFLECT)
    return np.asarray(mean[AT_STEPS], np.float32)
