"""The detector end to end on tiny generated networks."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from support.onnx_model import FixedModel, write_fixed_model, write_model

from detector.heads import Head
from detector.image import Limits, PictureTooLarge, PictureUnreadable
from detector.model_card import read_card
from detector.model_errors import CardError, ModelError, ModelFileError
from detector.yolo import YoloDetector, load_onnx

FULL_HD = (1920, 1080)
IN_FULL_HD = [(300.0, 600.0, 420.0, 720.0, 0.9, 1), (1500.0, 100.0, 1800.0, 1000.0, 0.4, 0)]
HEADS: list[Head] = ["nms_free", "raw"]


def a_picture(width_px: int, height_px: int, grey: int = 90) -> NDArray[np.uint8]:
    return np.full((height_px, width_px, 3), grey, np.uint8)


def encoded(pixels: NDArray[np.uint8], suffix: str = ".jpg") -> bytes:
    return cv2.imencode(suffix, pixels)[1].tobytes()


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_boxes_come_back_in_pixels_of_the_full_size_picture(tmp_path: Path, head: Head, suffix: str) -> None:
    card_path = write_fixed_model(tmp_path, IN_FULL_HD, picture_px=FULL_HD, head=head)
    found = YoloDetector.load(card_path).detect(encoded(a_picture(*FULL_HD), suffix))
    assert found.names() == ["pothole", "garbage"]
    np.testing.assert_allclose(found.boxes, [row[:4] for row in IN_FULL_HD], atol=0.01)
    np.testing.assert_allclose(found.scores, [0.9, 0.4], atol=1e-6)


def test_a_jpeg_is_decoded_no_larger_than_the_network_needs(tmp_path: Path) -> None:
    picture = YoloDetector.load(write_fixed_model(tmp_path)).open(encoded(a_picture(*FULL_HD)))
    assert picture.pixels.shape == (540, 960, 3)
    assert picture.scale == 1 / 2


def test_a_black_picture_finds_nothing_so_the_network_is_really_run(tmp_path: Path) -> None:
    detector = YoloDetector.load(write_fixed_model(tmp_path, IN_FULL_HD, picture_px=FULL_HD))
    assert len(detector.detect(encoded(a_picture(*FULL_HD, grey=0)))) == 0


def test_rows_under_the_least_score_are_left_out(tmp_path: Path) -> None:
    detector = YoloDetector.load(write_fixed_model(tmp_path, IN_FULL_HD, picture_px=FULL_HD))
    assert detector.detect(encoded(a_picture(*FULL_HD)), min_score=0.5).names() == ["pothole"]


def test_boxes_are_cut_at_the_edge_and_boxes_in_the_padding_are_left_out(tmp_path: Path) -> None:
    across_the_edge, in_the_padding = (-50.0, 200.0, 70.0, 300.0, 0.9, 0), (100.0, -30.0, 200.0, -5.0, 0.8, 0)
    card_path = write_fixed_model(tmp_path, [across_the_edge, in_the_padding], picture_px=FULL_HD)
    found = YoloDetector.load(card_path).detect(encoded(a_picture(*FULL_HD)))
    np.testing.assert_allclose(found.boxes, [[0, 200, 70, 300]], atol=0.01)


def test_one_detector_serves_many_threads_at_once(tmp_path: Path) -> None:
    detector = YoloDetector.load(write_fixed_model(tmp_path, IN_FULL_HD, picture_px=FULL_HD))
    lit, black = (encoded(a_picture(*FULL_HD, grey=grey)) for grey in (90, 0))
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda data: len(detector.detect(data)), [lit, black] * 8))
    assert counts == [2, 0] * 8


def test_several_threads_for_one_picture_give_the_same_answer(tmp_path: Path) -> None:
    card_path = write_fixed_model(tmp_path, IN_FULL_HD, picture_px=FULL_HD)
    data = encoded(a_picture(*FULL_HD))
    one, two = (YoloDetector.load(card_path, threads=threads).detect(data) for threads in (1, 2))
    np.testing.assert_array_equal(one.boxes, two.boxes)


def test_its_own_limits_hold(tmp_path: Path) -> None:
    detector = YoloDetector.load(write_fixed_model(tmp_path), limits=Limits(max_pixels=1000))
    with pytest.raises(PictureTooLarge, match="max_pixels = 1000"):
        detector.detect(encoded(a_picture(100, 100)))


def test_a_truncated_picture_is_refused_and_not_searched(tmp_path: Path) -> None:
    data = encoded(a_picture(*FULL_HD))
    with pytest.raises(PictureUnreadable):
        YoloDetector.load(write_fixed_model(tmp_path)).detect(data[: len(data) // 2])


def test_a_bare_network_is_loaded_by_the_card_beside_it(tmp_path: Path) -> None:
    write_fixed_model(tmp_path, IN_FULL_HD, picture_px=FULL_HD)
    detector = load_onnx(tmp_path / "fixed.fp32.onnx")
    assert detector.card.name == "fixed"
    assert len(detector.detect(encoded(a_picture(*FULL_HD)))) == 2


def test_a_bare_network_without_a_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CardError, match=r"lonely\.json: cannot be read"):
        load_onnx(tmp_path / "lonely.onnx")


def test_a_bare_network_that_its_card_does_not_name_is_refused(tmp_path: Path) -> None:
    write_fixed_model(tmp_path)
    with pytest.raises(CardError, match=r"files names no fixed\.int8\.onnx"):
        load_onnx(tmp_path / "fixed.int8.onnx")


def test_a_network_file_that_was_changed_is_refused(tmp_path: Path) -> None:
    card_path = write_fixed_model(tmp_path)
    with (tmp_path / "fixed.fp32.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ModelFileError, match=r"sha256 is \w+, its card says"):
        YoloDetector.load(card_path)


def test_a_precision_that_the_card_does_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CardError, match=r"files\.int8 is missing \(there is fp32\)"):
        YoloDetector.load(write_fixed_model(tmp_path), precision="int8")


def test_a_card_with_another_input_size_than_its_network_is_refused(tmp_path: Path) -> None:
    _demand_refused(tmp_path, {"input": _input_with(shape=[1, 3, 256, 640])}, "the card says")


def test_a_card_with_another_input_name_than_its_network_is_refused(tmp_path: Path) -> None:
    _demand_refused(tmp_path, {"input": _input_with(name="x")}, "input is called 'images', the card says 'x'")


def test_a_card_with_another_head_than_its_network_is_refused(tmp_path: Path) -> None:
    _demand_refused(tmp_path, {"head": "raw"}, "the raw head of 2 classes puts out")


def _demand_refused(folder: Path, card: dict[str, object], match: str) -> None:
    with pytest.raises(ModelError, match=match):
        YoloDetector.load(write_model(folder, FixedModel(card=card)))


def _input_with(**changes: object) -> dict[str, object]:
    letterbox = {"pad_value": 114, "centred": True}
    usual = {"name": "images", "shape": [1, 3, 384, 640], "layout": "NCHW", "color": "RGB", "scale": 1 / 255}
    return {**usual, "letterbox": letterbox, **changes}


def test_the_rest_of_the_card_stays_accessible(tmp_path: Path) -> None:
    card_path = write_model(tmp_path, FixedModel(card={"figures": {"map50": 0.5}}))
    assert YoloDetector.load(card_path).card.content["figures"] == json.loads('{"map50": 0.5}')


def test_int8_is_served_where_a_card_has_it_and_fp32_where_not(tmp_path: Path) -> None:
    card_path = write_fixed_model(tmp_path)
    assert YoloDetector.load(card_path).card.served == "fp32"
    content = json.loads(card_path.read_text(encoding="utf-8"))
    content["files"]["int8"] = content["files"]["fp32"]
    card_path.write_text(json.dumps(content), encoding="utf-8")
    assert read_card(card_path).served == "int8"
