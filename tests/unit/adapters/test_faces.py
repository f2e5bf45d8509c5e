"""Faces as the use cases get them: boxes in pixels of the full picture, or the picture cannot be looked at."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from support.faces import FACES_OF_FOUR, face_model, four_in_a_row

from detector.faces import FaceDetector
from detector.image import Limits, decode
from inference_server.adapters.faces import CenterFaces
from inference_server.ports import PictureUnreadable


@pytest.fixture(scope="module")
def finder() -> CenterFaces:
    """The real network."""
    return CenterFaces(FaceDetector(face_model(), 640), Limits())


@pytest.mark.shared
def test_faces_of_a_large_jpeg_are_where_people_see_them(finder: CenterFaces) -> None:
    pixels = cv2.resize(decode(four_in_a_row(), Limits()).pixels, None, fx=10, fy=10, interpolation=cv2.INTER_CUBIC)
    faces = finder.faces(bytes(cv2.imencode(".jpg", pixels)[1]))
    for corners in FACES_OF_FOUR:
        x1, y1, x2, y2 = np.array(corners) * 10.0
        assert any(face.holds((x1 + x2) / 2, (y1 + y2) / 2) and face.width_px < 2 * (x2 - x1) for face in faces)


def test_a_damaged_picture_cannot_be_looked_at(finder: CenterFaces) -> None:
    grey = np.full((64, 64, 3), 128, np.uint8)
    whole = bytes(cv2.imencode(".jpg", grey)[1])
    assert finder.faces(whole) == []
    with pytest.raises(PictureUnreadable):
        finder.faces(whole[: len(whole) // 2])
