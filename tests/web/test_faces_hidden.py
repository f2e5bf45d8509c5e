"""Faces that the city's model does not find are hidden by the detector of faces, in pictures over HTTP."""

from __future__ import annotations

from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from support.app import OpenApp, open_app
from support.faces import FACES_OF_FOUR, face_model, four_in_a_row
from support.onnx_model import write_fixed_model
from support.posting import BOX, around_a_thing, post

from detector.image import Limits, decode

SIZE_PX = (1280, 720)
pytestmark = pytest.mark.shared


def a_picture_of_four(number: int) -> bytes:
    """Four people in a row as a JPEG of 1280x720 px, with grain of its own, so that no two frames are the same."""
    pixels = cv2.resize(decode(four_in_a_row(), Limits()).pixels, SIZE_PX, interpolation=cv2.INTER_CUBIC)
    grain = np.random.default_rng(number).integers(-4, 5, pixels.shape)
    return bytes(cv2.imencode(".jpg", np.clip(pixels + grain, 0, 255).astype(np.uint8))[1])


def faces() -> list[tuple[slice, slice]]:
    """The inner part of each face in such a picture."""
    scale = np.array([SIZE_PX[0] / 299, SIZE_PX[1] / 168] * 2)
    inner = [(np.array([x1, y1, x2, y2]) * scale).astype(int) for x1, y1, x2, y2 in FACES_OF_FOUR]
    return [(slice(y1 + 6, y2 - 6), slice(x1 + 6, x2 - 6)) for x1, y1, x2, y2 in inner]


def drive(app: OpenApp) -> None:
    """A case is filed, with a picture of four people."""
    with app.client("device") as device:
        for number, meta in enumerate(around_a_thing()):
            post(device, meta, a_picture_of_four(number), wait=1).raise_for_status()


def shown(app: OpenApp) -> httpx.Response:
    """The picture of the case, as the API gives it."""
    with app.client("cases:read") as reader:
        (case,) = reader.get("/v1/cases").raise_for_status().json()["cases"]
        href = reader.get(f"/v1/cases/{case['id']}").json()["evidence"][0]["href"]
        answer: httpx.Response = reader.get(href).raise_for_status()
        return answer


def fine_grain(picture: bytes, part: tuple[slice, slice]) -> float:
    """How much detail a part of a picture has."""
    grey = cv2.cvtColor(decode(picture, Limits()).pixels, cv2.COLOR_BGR2GRAY)
    return float(np.abs(cv2.Laplacian(grey[part].astype(np.float32), cv2.CV_32F)).mean())


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """A model that sees garbage and nobody."""
    return write_fixed_model(tmp_path / "model", [(*BOX, 0.9, 0)], ("garbage", "person"), picture_px=SIZE_PX)


def test_every_face_of_a_picture_that_is_shown_is_unreadable_and_what_is_beside_is_not(
    tmp_path: Path, card: Path
) -> None:
    with open_app(tmp_path / "data", card, face_model=face_model()) as app:
        drive(app)
        picture = shown(app).content
    for face in faces():
        assert fine_grain(picture, face) < 0.3 * fine_grain(a_picture_of_four(0), face)
    legs = (slice(500, 700), slice(100, 1200))
    assert fine_grain(picture, legs) > 0.7 * fine_grain(a_picture_of_four(0), legs)


def test_without_the_detector_these_faces_can_be_read(tmp_path: Path, card: Path) -> None:
    with open_app(tmp_path / "data", card) as app:
        drive(app)
        picture = shown(app).content
    for face in faces():
        assert fine_grain(picture, face) > 0.7 * fine_grain(a_picture_of_four(0), face)


def test_a_picture_that_a_browser_keeps_is_not_taken_for_the_one_that_hides_more(tmp_path: Path, card: Path) -> None:
    with open_app(tmp_path / "data", card) as app:
        drive(app)
        before, again = shown(app).headers["ETag"], shown(app).headers["ETag"]
    with open_app(tmp_path / "data", card, face_model=face_model()) as app:
        after = shown(app).headers["ETag"]
    assert before == again != after


def test_a_server_with_another_file_does_not_start(tmp_path: Path, card: Path) -> None:
    (tmp_path / "faces.onnx").write_bytes(b"not the network")
    with (
        pytest.raises(Exception, match=r"faces\.onnx: sha256 is"),
        open_app(tmp_path / "data", card, face_model=tmp_path / "faces.onnx"),
    ):
        pass
