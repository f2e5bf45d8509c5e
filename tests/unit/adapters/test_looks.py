"""The detector's adapter: quality of pictures, and detections in the domain's words."""

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.onnx_model import FixedModel, write_model
from support.pictures import Pixels, a_scene, encoded, with_orientation

from detector.image import Limits, decode
from detector.yolo import YoloDetector
from inference_server.adapters.looks import YoloLooks, quality_of
from inference_server.domain.observation import Box
from inference_server.ports import PictureUnreadable

FOUND = [(192.0, 108.0, 960.0, 540.0, 0.9, 1), (1000.0, 500.0, 1100.0, 600.0, 0.4, 0)]
LIMITS = {
    "garbage": {"file": None, "review": 0.3, "drop_below": 0.1},
    "pothole": {"file": 0.8, "review": 0.4, "drop_below": 0.2},
}


def test_a_full_hd_picture_is_judged_by_the_means_of_its_pixels() -> None:
    picture = decode(encoded(street(), "jpeg"), Limits(), (640, 384))
    assert picture.pixels.shape == (540, 960, 3)
    grey = np.asarray(cv2.cvtColor(picture.pixels, cv2.COLOR_BGR2GRAY), np.float64)
    judged = grey.reshape(180, 3, 320, 3).mean(axis=(1, 3)).round()
    found = quality_of(picture)
    assert found.brightness == pytest.approx(judged.mean())
    assert found.sharpness == pytest.approx(cv2.Laplacian(judged, cv2.CV_64F).var())


@pytest.fixture
def looks(tmp_path: Path) -> YoloLooks:
    """A network that finds two things in any picture of 1920x1080."""
    model = FixedModel(
        detections=FOUND,
        classes=("garbage", "pothole", "car"),
        picture_px=(1920, 1080),
        card={"name": "drawn", "version": "7", "thresholds": LIMITS},
    )
    return YoloLooks(YoloDetector.load(write_model(tmp_path, model)))


def street(width_px: int = 1920, height_px: int = 1080) -> Pixels:
    """A scene with sharp edges, uint8 HWC BGR."""
    scene = np.ascontiguousarray(cv2.resize(a_scene(96, 54), (1920, 1080), interpolation=cv2.INTER_CUBIC))
    for x in range(0, 1920, 160):
        cv2.line(scene, (x, 0), (1920 - x, 1080), (255, 255, 255), 12)
    return np.asarray(cv2.resize(scene, (width_px, height_px), interpolation=cv2.INTER_AREA), np.uint8)


def test_detections_come_in_pixels_of_the_full_picture_with_names(looks: YoloLooks) -> None:
    first, second = looks.open(encoded(street(), "JPEG", quality=90)).detect()
    assert (first.index, first.class_name, first.probability) == (0, "pothole", None)
    assert (second.index, second.class_name) == (1, "garbage")
    assert first.score == pytest.approx(0.9, abs=1e-5)
    assert first.box.overlap(Box(x1=192.0, y1=108.0, x2=960.0, y2=540.0)) > 0.99


def test_the_size_is_that_of_the_upright_picture(looks: YoloLooks) -> None:
    turned = encoded(street(1080, 1920), "JPEG", exif=with_orientation(6))
    quality = looks.open(turned).quality
    assert (quality.width_px, quality.height_px) == (1920, 1080)


def test_a_blurred_picture_is_less_sharp(looks: YoloLooks) -> None:
    blurred = np.asarray(cv2.GaussianBlur(street(), (0, 0), 12.0), np.uint8)
    sharp, soft = (looks.open(encoded(pixels, "JPEG", quality=90)).quality.sharpness for pixels in (street(), blurred))
    assert sharp > 10.0 * soft


def test_sharpness_is_that_of_320_pixels_whatever_the_size(looks: YoloLooks) -> None:
    at_full = looks.open(encoded(street(), "PNG")).quality.sharpness
    at_half = looks.open(encoded(street(960, 540), "PNG")).quality.sharpness
    assert at_half == pytest.approx(at_full, rel=0.1)
    grey = cv2.cvtColor(street(320, 180), cv2.COLOR_BGR2GRAY)
    assert at_full == pytest.approx(float(cv2.Laplacian(grey, cv2.CV_64F).var()), rel=0.1)


@pytest.mark.parametrize("grey", [0, 17, 128, 255])
def test_brightness_is_the_mean_of_the_grey_values(looks: YoloLooks, grey: int) -> None:
    flat = np.full((360, 640, 3), grey, np.uint8)
    quality = looks.open(encoded(flat, "PNG")).quality
    assert quality.brightness == pytest.approx(grey, abs=0.5)
    assert quality.sharpness == pytest.approx(0.0, abs=0.1)
    assert quality.thumbnail == bytes([grey]) * (32 * 18)


def test_the_thumbnail_shows_the_scene_row_by_row(looks: YoloLooks) -> None:
    half = np.zeros((360, 640, 3), np.uint8)
    half[180:, :, :] = 200
    thumbnail = np.frombuffer(looks.open(encoded(half, "PNG")).quality.thumbnail, np.uint8).reshape(18, 32)
    assert (thumbnail[:9] == 0).all()
    assert (thumbnail[9:] == 200).all()


@pytest.mark.parametrize(("width_px", "height_px"), [(1, 1), (1, 4000), (4000, 1), (16, 9), (319, 2), (320, 180)])
def test_odd_sizes_have_a_quality_too(looks: YoloLooks, width_px: int, height_px: int) -> None:
    look = looks.open(encoded(np.full((height_px, width_px, 3), 90, np.uint8), "PNG"))
    assert len(look.quality.thumbnail) == 32 * 18
    assert look.quality.brightness == pytest.approx(90.0, abs=1.0)
    assert look.quality.sharpness == pytest.approx(0.0, abs=0.1)
    look.detect()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"no picture at all", id="text"),
        pytest.param(b"\xff\xd8\xff\xe0 and then nothing", id="only the start of a JPEG"),
        pytest.param(encoded(a_scene(64, 64), "BMP"), id="a format that is not allowed"),
    ],
)
def test_what_cannot_be_decoded_is_unreadable_with_a_code(looks: YoloLooks, data: bytes) -> None:
    with pytest.raises(PictureUnreadable) as refusal:
        looks.open(data)
    assert refusal.value.code
    assert str(refusal.value)


def test_thresholds_are_those_of_the_card(looks: YoloLooks) -> None:
    assert looks.thresholds("pothole") == (0.8, 0.4, 0.2)
    assert looks.thresholds("garbage") == (math.inf, 0.3, 0.1)
    assert looks.thresholds("car") is None
    assert looks.thresholds("dragon") is None


def test_the_model_names_itself(looks: YoloLooks) -> None:
    assert looks.model_version == "drawn 7"
    assert looks.network_px == (640, 384)


CALIBRATION = {"pothole": {"scores": [0.0, 0.8, 1.0], "probabilities": [0.0, 0.4, 0.6]}}


def test_a_calibrated_class_has_a_probability_beside_its_score(tmp_path: Path) -> None:
    model = FixedModel(detections=FOUND, picture_px=(1920, 1080), card={"calibration": CALIBRATION})
    looks = YoloLooks(YoloDetector.load(write_model(tmp_path, model)))
    pothole, garbage = looks.open(encoded(street(), "JPEG", quality=90)).detect()
    assert (pothole.score, pothole.probability) == (pytest.approx(0.9, abs=1e-5), pytest.approx(0.5, abs=1e-5))
    assert (pothole.certainty, garbage.probability) == (pothole.probability, None)
    assert looks.probability("pothole", 0.9) == pytest.approx(0.5)
    assert looks.probability("garbage", 0.9) == 0.9
