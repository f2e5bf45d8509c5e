"""The real CenterFace on a real picture, and files that are not it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.faces import FACES_OF_FOUR, face_model, four_in_a_row

from detector.boxes import iou
from detector.faces import FaceDetector
from detector.image import Limits, Picture, PictureInfo, decode
from detector.model_errors import ModelFileError

FACES = np.array(FACES_OF_FOUR, np.float32)


def in_order(boxes: np.ndarray) -> np.ndarray:
    """The boxes from left to right."""
    return boxes[np.argsort(boxes[:, 0])]


def each_is_found(boxes: np.ndarray, faces: np.ndarray = FACES) -> bool:
    """Whether there is one box for each face, and lies well on it."""
    return len(boxes) == len(faces) and bool((np.diag(iou(in_order(boxes), faces)) > 0.6).all())


@pytest.mark.shared
@pytest.mark.parametrize("long_side_px", [320, 450, 600, 1280])
def test_four_people_in_a_row_have_four_faces_at_any_size_of_search(long_side_px: int) -> None:
    picture = decode(four_in_a_row(), Limits())
    assert each_is_found(FaceDetector(face_model(), long_side_px).detect(picture, 0.5).boxes)


@pytest.mark.shared
def test_boxes_of_a_picture_that_was_decoded_smaller_are_in_pixels_of_the_full_size() -> None:
    pixels = decode(four_in_a_row(), Limits()).pixels
    large = cv2.imencode(".jpg", cv2.resize(pixels, None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC))[1].tobytes()
    picture = decode(large, Limits(), at_least_px=(960, 960))
    assert picture.scale == 0.5
    assert each_is_found(FaceDetector(face_model()).detect(picture, 0.5).boxes, FACES * 8)


@pytest.mark.shared
def test_a_picture_that_is_higher_than_wide_is_searched_too_and_its_boxes_stay_inside() -> None:
    pixels = decode(four_in_a_row(), Limits()).pixels
    high = np.ascontiguousarray(pixels[:60, 90:115])  # the second face, in a picture higher than wide
    found = FaceDetector(face_model()).detect(
        Picture(high, 1.0, PictureInfo(format="png", width_px=25, height_px=60)), 0.3
    )
    assert each_is_found(found.boxes[:1], FACES[1:2] - np.array([90, 0, 90, 0], np.float32))
    assert (found.boxes >= 0).all()
    assert (found.boxes <= [25, 60, 25, 60]).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (3000, 2), (33, 31)])
def test_a_picture_of_any_shape_can_be_searched(size: tuple[int, int]) -> None:
    grey = np.full((*size, 3), 128, np.uint8)
    picture = Picture(grey, 1.0, PictureInfo(format="png", width_px=size[1], height_px=size[0]))
    assert len(FaceDetector(face_model(), 320).detect(picture, 0.5).boxes) == 0


@pytest.mark.shared
def test_threads_that_search_at_once_find_what_one_finds() -> None:
    detector, picture = FaceDetector(face_model(), 320), decode(four_in_a_row(), Limits())
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: detector.detect(picture, 0.5).boxes, range(8)))
    assert all(np.array_equal(boxes, found[0]) for boxes in found)
    assert each_is_found(found[0])


def test_another_file_is_refused_by_its_hash(tmp_path: Path) -> None:
    (tmp_path / "faces.onnx").write_bytes(b"not the network")
    with pytest.raises(ModelFileError, match=r"faces\.onnx: sha256 is"):
        FaceDetector(tmp_path / "faces.onnx")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"nothing\.onnx: cannot be read"):
        FaceDetector(tmp_path / "nothing.onnx")


def test_a_file_of_the_right_hash_that_is_no_network_is_refused(tmp_path: Path) -> None:
    (tmp_path / "faces.onnx").write_bytes(b"")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    with pytest.raises(ModelFileError, match="cannot be run"):
        FaceDetector(tmp_path / "faces.onnx", sha256=empty)
