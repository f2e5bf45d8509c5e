"""A picture fitted into the network's frame, and boxes taken back out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from detector.detections import Boxes
from detector.image import Picture

PAD_VALUE = 114
_STEP = np.float32(1 / 255)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterbox:
    """Where the content of a picture lies in the frame, in whole pixels.

    The content keeps its shape, is centred, and touches two opposite edges; when the space left over is odd, the
    smaller half is left or above (the rule of the ultralytics tools, so that their figures and ours agree).
    picture_px, content_px, frame_px: (width, height). offset_px: (left, top) of the content in the frame.
    """

    picture_px: tuple[int, int]
    content_px: tuple[int, int]
    frame_px: tuple[int, int]
    offset_px: tuple[int, int]

    @classmethod
    def fit(cls, picture_px: tuple[int, int], frame_px: tuple[int, int]) -> Letterbox:
        """The letterbox of a picture of this width and height in a frame of that one.

        >>> Letterbox.fit((1920, 1080), (640, 384)).content_px
        (640, 360)
        >>> Letterbox.fit((1920, 1080), (640, 384)).offset_px
        (0, 12)
        """
        ratio = min(frame_px[0] / picture_px[0], frame_px[1] / picture_px[1])
        content_px = (max(1, round(picture_px[0] * ratio)), max(1, round(picture_px[1] * ratio)))
        offset_px = ((frame_px[0] - content_px[0]) // 2, (frame_px[1] - content_px[1]) // 2)
        return cls(picture_px=picture_px, content_px=content_px, frame_px=frame_px, offset_px=offset_px)

    def apply(self, picture: Picture, pad_value: int = PAD_VALUE) -> NDArray[np.float32]:
        """The network's input, `(1, 3, H, W)` float32 RGB in 0..1, of a picture decoded at any scale."""
        canvas = np.full((self.frame_px[1], self.frame_px[0], 3), pad_value, np.uint8)
        left, top = self.offset_px
        width_px, height_px = self.content_px
        content: NDArray[Any] = picture.pixels
        if content.shape[:2] != (height_px, width_px):
            content = cv2.resize(content, self.content_px, interpolation=cv2.INTER_LINEAR)
        canvas[top : top + height_px, left : left + width_px] = content
        return _planes(canvas)

    def into_frame(self, boxes: Boxes) -> Boxes:
        """Boxes `(N, 4)` of the picture as boxes of the frame."""
        return (boxes * self._ratios() + self._offsets()).astype(np.float32)

    def out_of_frame(self, boxes: Boxes) -> Boxes:
        """Boxes `(N, 4)` of the frame as boxes of the picture; they may reach into the padding and so out of it."""
        return ((boxes - self._offsets()) / self._ratios()).astype(np.float32)

    def _ratios(self) -> NDArray[np.float64]:
        # Along each side what the resize did after rounding, not the ideal ratio: at the far edge of a large picture
        # the two differ by more than a pixel.
        across, down = (content / whole for content, whole in zip(self.content_px, self.picture_px, strict=True))
        return np.array([across, down, across, down])

    def _offsets(self) -> NDArray[np.float64]:
        return np.array([*self.offset_px, *self.offset_px], np.float64)


def _planes(canvas: NDArray[np.uint8]) -> NDArray[np.float32]:
    """`(1, 3, H, W)` float32 RGB in 0..1 of `(H, W, 3)` BGR: what blobFromImage gives, in a sixth of its time."""
    planes = np.empty((1, 3, *canvas.shape[:2]), np.float32)
    for plane, colour in zip(planes[0], reversed(cv2.split(canvas)), strict=True):
        np.multiply(colour, _STEP, out=plane)
    return planes
