"""Parts of a camera's picture that nobody is ever to see: blacked out before the picture is stored anywhere."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from detector.image import Limits, decode
from inference_server.domain.camera import Mask

_SHIFT: Final = 4  # fillPoly takes corners in sixteenths of a pixel
_WRITTEN_AS: Final = {
    "image/jpeg": (".jpg", [cv2.IMWRITE_JPEG_QUALITY, 95]),
    "image/png": (".png", []),
    "image/webp": (".webp", [cv2.IMWRITE_WEBP_QUALITY, 95]),
}


def blacked_out(picture: bytes, content_type: str, masks: Sequence[Mask], limits: Limits) -> bytes:
    """The upright picture in its own format with the masks filled black, and without anything but its pixels.

    masks: corners (x, y) in shares of width and height. The same picture gives the same bytes. Raises PictureError.
    """
    pixels = decode(picture, limits).pixels.copy()
    height_px, width_px = pixels.shape[:2]
    scale = np.array([width_px, height_px], np.float64) * 2**_SHIFT
    corners = [np.round(np.array(mask) * scale).astype(np.int32) for mask in masks]
    cv2.fillPoly(pixels, corners, (0, 0, 0), shift=_SHIFT)
    ending, options = _WRITTEN_AS[content_type]
    return bytes(cv2.imencode(ending, pixels, options)[1])
