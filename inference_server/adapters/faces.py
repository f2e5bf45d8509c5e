"""The detector of faces as the use cases see it."""

from collections.abc import Sequence
from dataclasses import dataclass

from detector.faces import FaceDetector
from detector.image import Limits, decode
from detector.picture_errors import PictureError
from inference_server.domain.observation import Box
from inference_server.ports import PictureUnreadable


@dataclass(frozen=True, slots=True)
class CenterFaces:
    """Opens pictures for CenterFace; shared by all threads that show pictures."""

    detector: FaceDetector
    limits: Limits

    def faces(self, picture: bytes) -> Sequence[Box]:
        """The faces, in pixels of the upright full-size picture; raises PictureUnreadable."""
        side_px = self.detector.long_side_px
        try:
            decoded = decode(picture, self.limits, at_least_px=(side_px, side_px))
        except PictureError as error:
            raise PictureUnreadable(error.message, code=error.code) from error
        return [Box(x1=x1, y1=y1, x2=x2, y2=y2) for x1, y1, x2, y2 in self.detector.detect(decoded).boxes.tolist()]
