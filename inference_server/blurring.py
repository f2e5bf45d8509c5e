"""Pictures for people and systems outside: faces and number plates made unreadable."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from detector.image import Limits, PictureError, Pixels, decode
from inference_server.domain.observation import Box
from inference_server.ports import PictureUnreadable

_CELLS: Final = 6  # along the longer side of a part: a face of six by four grey cells is nobody's
_QUALITY: Final = 90


def blurred(picture: bytes, parts: Sequence[Box], limits: Limits) -> bytes:
    """The upright picture as JPEG, of its full size, with each part replaced by a few soft cells of its mean colours.

    parts: boxes in pixels of the upright picture; what reaches over its edge is cut. Without parts the bytes come back
    as they are. Raises PictureUnreadable.
    """
    if not parts:
        return picture
    try:
        pixels = decode(picture, limits).pixels.copy()
    except PictureError as error:
        raise PictureUnreadable(error.message, code=error.code) from error
    for part in parts:
        _make_unreadable(pixels, part)
    return bytes(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1])


def _make_unreadable(pixels: Pixels, part: Box) -> None:
    """One part, in place. Means over large cells cannot be undone, unlike a blur of known width."""
    height, width = pixels.shape[:2]
    left, right = (int(np.clip(round(x), 0, width)) for x in (part.x1, part.x2))
    top, bottom = (int(np.clip(round(y), 0, height)) for y in (part.y1, part.y2))
    if right <= left or bottom <= top:
        return
    piece = pixels[top:bottom, left:right]
    longer = max(piece.shape[:2])
    cells = tuple(max(1, round(_CELLS * side / longer)) for side in (right - left, bottom - top))
    means = cv2.resize(piece, cells, interpolation=cv2.INTER_AREA)
    pixels[top:bottom, left:right] = cv2.resize(means, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
