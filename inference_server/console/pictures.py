"""Evidence as the page shows it: whole pictures, and small cut-outs for the list."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from fastapi import Request, Response

from detector.image import Limits, PictureError, decode
from inference_server.domain.errors import NotFound
from inference_server.ports import EvidenceItem
from inference_server.showing import media_type

THUMBNAIL_PX: Final = (112, 84)
_LEAST_CUT_SHARE: Final = 0.12  # of the picture's width: a tiny box is shown with what is around it
_AROUND: Final = 1.6
_HEX: Final = frozenset("0123456789abcdef")


def checked_sha256(text: str) -> str:
    """The text as a hex SHA-256; raises NotFound, for there can be no such picture."""
    if len(text) != 64 or not set(text) <= _HEX:
        raise NotFound(f"no picture {text[:80]!r}", field="sha256")
    return text


def picture_reply(request: Request, picture: bytes, tag: str) -> Response:
    """A picture that changes only with its tag; only the three known kinds are given out."""
    kind = media_type(picture)
    if kind is None:
        raise NotFound("what is stored is no picture", field="sha256")
    headers = {"ETag": f'"{tag}"', "Cache-Control": "private, max-age=86400"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(picture, media_type=kind, headers=headers)


def for_thumbnail(items: Sequence[EvidenceItem]) -> EvidenceItem:
    """The picture that shows a case best in small: the near one, else any; raises NotFound."""
    if not items:
        raise NotFound("the case has no picture", field="id")
    return next((item for item in items if item.kind == "near"), items[0])


def cut_out(picture: bytes, box: Sequence[float]) -> bytes:
    """A JPEG of 112x84 px with the box `(x1, y1, x2, y2)` in its middle; raises NotFound for a damaged picture."""
    try:
        image = decode(picture, limits=Limits()).pixels
    except PictureError as fault:
        raise NotFound(f"the picture cannot be shown: {fault}", field="sha256") from fault
    height_px, width_px = image.shape[:2]
    cut_w, cut_h = _cut_size_px(width_px, height_px, box)
    left = _inside((box[0] + box[2] - cut_w) / 2, width_px - cut_w)
    top = _inside((box[1] + box[3] - cut_h) / 2, height_px - cut_h)
    small = cv2.resize(image[top : top + cut_h, left : left + cut_w], THUMBNAIL_PX, interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".jpg", np.ascontiguousarray(small), [cv2.IMWRITE_JPEG_QUALITY, 82])
    return encoded.tobytes()


def _cut_size_px(width_px: int, height_px: int, box: Sequence[float]) -> tuple[int, int]:
    """Width and height of the cut in the thumbnail's shape, no larger than the picture."""
    shape = THUMBNAIL_PX[0] / THUMBNAIL_PX[1]
    wanted = max((box[2] - box[0]) * _AROUND, (box[3] - box[1]) * _AROUND * shape, width_px * _LEAST_CUT_SHARE)
    cut_w = min(wanted, float(width_px), height_px * shape)
    return max(int(cut_w), 1), max(int(cut_w / shape), 1)


def _inside(start: float, most: int) -> int:
    return int(min(max(start, 0.0), max(most, 0)))
