"""The last few pixels of the alignment: surroundings laid onto each other, without a look at the region itself."""

from dataclasses import replace

import cv2
import numpy as np

from inference_server.scene.region import Floats, Mask, Matrix, Neighbourhood

ROUNDS = 30
FURTHEST = 0.35  # sides of the region that the surroundings may be moved by


def settled(hood: Neighbourhood, ground: Mask) -> Neighbourhood:
    """The neighbourhood with the photograph after moved so that `ground`, (h, w) bool, agrees better.

    An affine movement by enhanced correlation (Evangelidis and Psarakis 2008). Where that finds none, goes too far or
    makes the agreement worse, everything stays as it was.
    """
    first, second = _grey(hood.before), _grey(hood.after)
    start = _agreement(first, second, ground)
    warp = np.eye(2, 3, dtype=np.float32)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, ROUNDS, 1e-3)
    mask = ground.astype(np.uint8) * 255
    try:
        _, found = cv2.findTransformECC(first, second, warp, cv2.MOTION_AFFINE, criteria, mask, 5)
    except cv2.error:  # it does not converge, or nothing in the surroundings has any contrast
        return hood
    move = np.vstack([np.asarray(found, np.float64), [0, 0, 1]])
    if not _is_small(move, hood):
        return hood
    size = (first.shape[1], first.shape[0])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpPerspective(hood.after, move, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    if _agreement(first, _grey(np.asarray(moved, np.uint8)), ground) <= start:
        return hood
    shown = cv2.warpPerspective(hood.seen.astype(np.uint8), move, size, flags=flags, borderValue=0) > 0
    seen = hood.seen & shown
    return replace(
        hood,
        after=np.asarray(moved, np.uint8),
        seen=seen,
        inside=hood.inside & seen,
        belt=hood.belt & seen,
        to_after=hood.to_after @ move,
    )


def _grey(pixels: np.ndarray) -> Floats:
    return np.asarray(cv2.GaussianBlur(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), (0, 0), 1.0), np.float32)


def _agreement(first: Floats, second: Floats, ground: Mask) -> float:
    a, b = first[ground], second[ground]
    if a.size < 50 or a.std() < 1e-3 or b.std() < 1e-3:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def _is_small(move: Matrix, hood: Neighbourhood) -> bool:
    box = hood.box
    corners = np.array([[box.x1, box.y1, 1], [box.x2, box.y1, 1], [box.x2, box.y2, 1], [box.x1, box.y2, 1.0]])
    shift = (corners @ move.T)[:, :2] - corners[:, :2]
    return bool(np.hypot(shift[:, 0], shift[:, 1]).max() <= FURTHEST * hood.side_px)
