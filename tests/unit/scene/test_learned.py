"""A learned matcher plugged in as an ONNX file, with a tiny network made here."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from support.scenes import photo

from detector.image import Pixels
from detector.model_errors import ModelFileError
from inference_server.domain.verification import Answer
from inference_server.scene.learned import OnnxMatcher
from inference_server.scene.same_scene import same_scene

_SIDE_PX = 640


def write_matcher(folder: Path, outputs: tuple[str, str, str] = ("keypoints", "matches", "mscores")) -> Path:
    """A network that finds a grid of points in both pictures and matches each with itself, as sure as both pictures are
    bright there: the product of the two grey values."""
    across, down = np.meshgrid(np.arange(20, _SIDE_PX, 40), np.arange(20, 480, 40))
    grid = np.stack([across.ravel(), down.ravel()], 1).astype(np.float32)
    rows = np.stack([np.zeros(len(grid)), np.arange(len(grid)), np.arange(len(grid))], 1).astype(np.int64)
    constants = {
        "points": np.stack([grid, grid]),
        "rows": rows,
        "places": (grid[:, 1] * _SIDE_PX + grid[:, 0]).astype(np.int64),
        "flat": np.array([2, -1], np.int64),
    }
    nodes = [
        helper.make_node("Identity", ["points"], [outputs[0]]),
        helper.make_node("Identity", ["rows"], [outputs[1]]),
        helper.make_node("Reshape", ["images", "flat"], ["lines"]),
        helper.make_node("Gather", ["lines", "places"], ["grey"], axis=1),
        helper.make_node("ReduceProd", ["grey"], [outputs[2]], axes=[0], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "matcher",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [2, 1, "height", "width"])],
        [
            helper.make_tensor_value_info(outputs[0], TensorProto.FLOAT, [2, len(grid), 2]),
            helper.make_tensor_value_info(outputs[1], TensorProto.INT64, [len(grid), 3]),
            helper.make_tensor_value_info(outputs[2], TensorProto.FLOAT, [len(grid)]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    path = folder / "matcher.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def wall(width_px: int, height_px: int) -> Pixels:
    """A wall of one warm colour: no sky, and nothing that RootSIFT could hold on to."""
    return np.full((height_px, width_px, 3), (120, 170, 210), np.uint8)


def test_matches_of_the_network_are_what_the_gate_counts(tmp_path: Path) -> None:
    bright, matcher = photo(wall(640, 480)), OnnxMatcher(write_matcher(tmp_path), _SIDE_PX)
    found = same_scene(bright, bright, matcher=matcher)
    assert found.result.measures["matches"] == len(matcher.match(bright, bright)) > 100
    assert found.result.answer is Answer.PASS  # without it a flat picture gives no features, and nothing to match
    assert found.alignment.homography is not None
    assert np.allclose(found.alignment.homography, np.eye(3), atol=1e-6)


def test_points_come_back_in_pixels_of_photographs_of_any_size(tmp_path: Path) -> None:
    matcher = OnnxMatcher(write_matcher(tmp_path), _SIDE_PX)
    found = matcher.match(photo(wall(320, 240)), photo(wall(960, 720)))
    assert np.allclose(found.after_px, 3 * found.before_px)
    assert found.after_px.max() > 900


def test_unsure_and_masked_points_do_not_count(tmp_path: Path) -> None:
    matcher = OnnxMatcher(write_matcher(tmp_path), _SIDE_PX)
    half_dark = wall(640, 480)
    half_dark[:, :320] = 10
    car = ("car", 0.9, (480.0, 0.0, 640.0, 480.0))
    found = matcher.match(photo(half_dark, car), photo(wall(640, 480)))
    assert len(found) > 20
    assert found.before_px[:, 0].min() >= 320
    assert found.before_px[:, 0].max() < 480


def test_a_file_that_is_no_matcher_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"matcher\.onnx: outputs .* lack one of"):
        OnnxMatcher(write_matcher(tmp_path, ("a", "b", "c")))
    with pytest.raises(ModelFileError, match=r"missing\.onnx: cannot be read"):
        OnnxMatcher(tmp_path / "missing.onnx")
