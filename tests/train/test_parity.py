"""The detector finds what ultralytics' own prediction finds with the same network on the same real pictures.

Stated tolerances: at full-scale decode each box within 1 px of the full-size picture and each score within 0.01. With
reduced-scale decode the network sees other (smoother) pixels, so only agreement as a whole is stated.
"""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from support.shared import shared_or_skip
from ultralytics import YOLO

from detector.boxes import iou
from detector.detections import Detections
from detector.image import decode
from detector.yolo import YoloDetector
from training.export import inference_network

pytestmark = [pytest.mark.shared, pytest.mark.filterwarnings("ignore")]  # other people's code warns as it likes
CARD = Path(__file__).resolve().parents[2] / "weights" / "xuncheng-n.json"
PICTURES_PER_SOURCE = 6
LEAST_SCORE, LOOSE_SCORE = 0.05, 0.03  # a row just over one limit may lie just under it in the other reading
BOX_TOLERANCE_PX, SCORE_TOLERANCE = 1.0, 0.01
FRAME_PX = (640, 384)


class TheirRows(NamedTuple):
    """`(N, 6)` rows of x1 y1 x2 y2 score class, and width and height of the picture they are pixels of."""

    rows: NDArray[np.float32]
    picture_px: tuple[int, int]


@dataclass(frozen=True)
class Both:
    """The same network in both hands."""

    ours: YoloDetector
    theirs: Any

    def their_rows(self, path: Path, min_score: float) -> TheirRows:
        size = [FRAME_PX[1], FRAME_PX[0]]
        result = self.theirs.predict(path, imgsz=size, conf=min_score, device="cpu", rect=False, verbose=False)[0]
        height_px, width_px = result.orig_shape
        return TheirRows(result.boxes.data.numpy(), (width_px, height_px))


def with_metadata(network: Path, folder: Path, classes: list[str], *, nms_free: bool) -> Path:
    """A copy of the network that says about itself what ultralytics wants to know."""
    model = onnx.load(str(network))
    about = {
        "task": "detect",
        "stride": "32",
        "batch": "1",
        "imgsz": str([FRAME_PX[1], FRAME_PX[0]]),
        "names": str(dict(enumerate(classes))),
        "end2end": str(nms_free),
    }
    onnx.helper.set_model_props(model, about)
    path = folder / "theirs.onnx"
    onnx.save(model, str(path))
    return path


@pytest.fixture(scope="module")
def nms_free(tmp_path_factory: pytest.TempPathFactory) -> Both:
    """The released network."""
    if not CARD.is_file():
        pytest.skip("no weights yet: weights/xuncheng-n.json is missing")
    ours = YoloDetector.load(CARD, "fp32")
    network = with_metadata(ours.session.path, tmp_path_factory.mktemp("free"), list(ours.card.classes), nms_free=True)
    return Both(ours, YOLO(network, task="detect"))


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Both:
    """The same weights with the head that leaves overlapping boxes to be removed."""
    checkpoint = CARD.with_name("xuncheng-n.safetensors")
    if not checkpoint.is_file():
        pytest.skip("no weights yet: weights/xuncheng-n.safetensors is missing")
    folder = tmp_path_factory.mktemp("raw")
    content = json.loads(CARD.read_text(encoding="utf-8"))
    path = folder / "raw.fp32.onnx"
    export_raw(checkpoint, len(content["classes"]), path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    content |= {"head": "raw", "files": {"fp32": {"file": path.name, "sha256": sha256}}}
    card_path = folder / "raw.json"
    card_path.write_text(json.dumps(content), encoding="utf-8")
    network = with_metadata(path, folder, content["classes"], nms_free=False)
    return Both(YoloDetector.load(card_path, "fp32"), YOLO(network, task="detect"))


def export_raw(checkpoint: Path, class_count: int, path: Path) -> None:
    network = inference_network(checkpoint, class_count)
    network.fuse(verbose=False)
    sample = torch.zeros(1, 3, FRAME_PX[1], FRAME_PX[0])
    names: dict[str, Any] = {"input_names": ["images"], "output_names": ["output0"]}
    torch.onnx.export(network, (sample,), str(path), opset_version=17, dynamo=False, **names)


@pytest.fixture(scope="module")
def pictures() -> list[Path]:
    """Validation pictures of every source, the first of each of several shapes."""
    data = shared_or_skip("data")
    with (data / "index.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["split"] == "val"]
    chosen: dict[str, dict[tuple[str, str, int], Path]] = {}
    for number, row in enumerate(rows):
        of_source = chosen.setdefault(row["source"], {})
        shape = (row["width_px"], row["height_px"])
        one_of_shape = sum(key[:2] == shape for key in of_source)
        if len(of_source) < PICTURES_PER_SOURCE and one_of_shape < 3:
            of_source[(*shape, number)] = data / row["image"]
    found = [path for of_source in chosen.values() for path in of_source.values()]
    assert len(found) >= 30
    return found


def mismatches(there: NDArray[np.float32], here: Detections) -> list[str]:
    """What is in one reading and in no row of the other within the tolerances."""
    wrong = []
    for row in there:
        near = np.abs(here.boxes - row[:4]).max(axis=1) <= BOX_TOLERANCE_PX
        same = near & (here.class_ids == int(row[5])) & (np.abs(here.scores - row[4]) <= SCORE_TOLERANCE)
        if not same.any():
            wrong.append(f"class {int(row[5])} score {row[4]:.3f} at {row[:4].round(1)}")
    return wrong


def as_rows(found: Detections) -> NDArray[np.float32]:
    return np.column_stack([found.boxes, found.scores, found.class_ids]).astype(np.float32)


def as_detections(rows: NDArray[np.float32], class_names: tuple[str, ...]) -> Detections:
    return Detections(rows[:, :4], rows[:, 4], rows[:, 5].astype(np.int64), class_names)


@pytest.mark.parametrize("hand", ["nms_free", "raw"])
def test_boxes_agree_within_a_pixel_and_scores_within_a_hundredth(
    hand: str, pictures: list[Path], request: pytest.FixtureRequest
) -> None:
    both: Both = request.getfixturevalue(hand)
    boxes, shapes, wrong = 0, set(), []
    for path in pictures:
        picture = decode(path.read_bytes(), both.ours.limits)
        shapes.add((picture.info.width_px, picture.info.height_px))
        here = both.ours.detect_picture(picture, LOOSE_SCORE)
        there = both.their_rows(path, LOOSE_SCORE).rows
        wrong += [f"{path.name} ours lacks {row}" for row in mismatches(there[there[:, 4] >= LEAST_SCORE], here)]
        sure = here.at_least(LEAST_SCORE)
        theirs = as_detections(there, here.class_names)
        wrong += [f"{path.name} ours alone {row}" for row in mismatches(as_rows(sure), theirs)]
        boxes += len(sure)
    assert wrong == []
    assert boxes > 100
    assert len(shapes) >= 8


def as_large_jpeg(path: Path, folder: Path) -> Path:
    """The picture enlarged to a long side of 1920 px, as a JPEG of a vehicle's quality."""
    pixels = cv2.imread(str(path))
    ratio = 1920 / max(pixels.shape[:2])
    large = cv2.resize(pixels, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_CUBIC)
    target = folder / f"{path.stem}.jpg"
    cv2.imwrite(str(target), large, [cv2.IMWRITE_JPEG_QUALITY, 90])
    return target


def test_reduced_decoding_agrees_as_a_whole(nms_free: Both, pictures: list[Path], tmp_path: Path) -> None:
    """Stated: of their boxes of score 0.25 and more 95 % are ours (same class, IoU 0.7); median difference of the box
    1 px of the network's frame, of the score 0.02."""
    found, missed, box_px, score = 0, 0, [], []
    for source in pictures:
        path = as_large_jpeg(source, tmp_path)
        here = nms_free.ours.detect(path.read_bytes(), LEAST_SCORE)
        there = nms_free.their_rows(path, LEAST_SCORE)
        frame_px_per_px = min(FRAME_PX[0] / there.picture_px[0], FRAME_PX[1] / there.picture_px[1])
        for row in there.rows[there.rows[:, 4] >= 0.25]:
            found += 1
            overlaps = iou(row[None, :4], here.boxes)[0] * (here.class_ids == int(row[5]))
            if overlaps.max(initial=0) < 0.7:
                missed += 1
                continue
            best = int(overlaps.argmax())
            box_px.append(float(np.abs(here.boxes[best] - row[:4]).max()) * frame_px_per_px)
            score.append(float(abs(here.scores[best] - row[4])))
    assert found > 40
    assert missed <= 0.05 * found
    assert np.median(box_px) <= 1
    assert np.median(score) <= 0.02
