"""How wrong a camera's clock is taken to be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from inference_server.domain.frame import CameraId
from inference_server.web.accept import SkewKeeper

_NOW = datetime(2026, 11, 22, 2, 3, 4, tzinfo=UTC)
_CAMERA = CameraId("zhe-A-1027/front")


def _skews(keeper: SkewKeeper, *measured_s: float, camera: CameraId = _CAMERA) -> list[float]:
    """What is added to the times of frames that arrive so many seconds after (or before) their `sent_at`."""
    return [keeper.skew_s(camera, _NOW - timedelta(seconds=late_s), _NOW) for late_s in measured_s]


@pytest.mark.parametrize(
    ("measured_s", "skews_s"),
    [
        pytest.param([0.1, 4.9, -4.9], [0.0, 0.0, 0.0], id="what the network may be to blame for is left alone"),
        pytest.param([5.1], [5.1], id="more than that is a wrong clock"),
        pytest.param([-3600.0], [-3600.0], id="a clock may be ahead"),
        pytest.param([100.0, 103.0, 98.0], [100.0] * 3, id="a correction stays while the delay of the network varies"),
        pytest.param([100.0, 106.0, 103.0], [100.0, 106.0, 106.0], id="it changes with the clock"),
        pytest.param([100.0, 0.2, 0.1], [100.0, 0.0, 0.0], id="it ends when the clock is set"),
    ],
)
def test_the_skew_of_a_camera(measured_s: list[float], skews_s: list[float]) -> None:
    assert _skews(SkewKeeper(), *measured_s) == skews_s


def test_each_camera_has_a_clock_of_its_own() -> None:
    keeper = SkewKeeper()
    assert _skews(keeper, 100.0) == [100.0]
    assert _skews(keeper, 0.3, camera=CameraId("zhe-A-1028/front")) == [0.0]
    assert _skews(keeper, 102.0) == [100.0]
