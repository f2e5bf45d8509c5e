"""Two models' boxes of one frame, side by side."""

import pytest

from inference_server.domain.observation import Box, Detection
from inference_server.domain.screen import Thresholds
from inference_server.domain.shadow import compare, takes_part, worth_a_look


def found(*rows: tuple[str, float, float]) -> list[Detection]:
    """Detections of (class, score, left edge), all 10 px wide and high."""
    return [
        Detection(index=index, class_name=name, score=score, box=Box(x1=x, y1=0, x2=x + 10, y2=10))
        for index, (name, score, x) in enumerate(rows)
    ]


@pytest.mark.parametrize(
    ("live", "shadow", "expected"),
    [
        pytest.param([], [], [], id="nothing"),
        pytest.param(
            [("garbage", 0.8, 0)], [("garbage", 0.6, 1)], [("both", 0.8, 0.6)], id="the same box a pixel away"
        ),
        pytest.param(
            [("garbage", 0.8, 0)],
            [("garbage", 0.6, 8)],
            [("only_live", 0.8, None), ("only_shadow", None, 0.6)],
            id="too far apart to be the same",
        ),
        pytest.param(
            [("garbage", 0.8, 0)],
            [("soil_heap", 0.6, 0)],
            [("only_live", 0.8, None), ("only_shadow", None, 0.6)],
            id="another class is another thing",
        ),
        pytest.param(
            [("garbage", 0.8, 0)],
            [("garbage", 0.9, 3), ("garbage", 0.6, 1)],
            [("both", 0.8, 0.6), ("only_shadow", None, 0.9)],
            id="the better overlap wins, not the better score",
        ),
        pytest.param(
            [("garbage", 0.8, 0), ("garbage", 0.7, 2)],
            [("garbage", 0.6, 1)],
            [("both", 0.8, 0.6), ("only_live", 0.7, None)],
            id="one box is paired once",
        ),
    ],
)
def test_boxes_are_paired_by_overlap(live, shadow, expected):
    finds = compare(found(*live), found(*shadow))
    assert [(one.agreement.value, one.live_score, one.shadow_score) for one in finds] == expected


def test_only_what_a_person_would_be_shown_is_compared():
    limits = {"garbage": Thresholds(0.6, 0.4, 0.2)}
    seen = found(("garbage", 0.4, 0), ("garbage", 0.39, 20), ("car", 0.9, 40))
    assert [one.score for one in worth_a_look(seen, limits)] == [0.4]


def test_the_share_is_a_share_and_the_same_for_everybody():
    names = [f"frame-{number}" for number in range(2000)]
    taken = {name for name in names if takes_part(name, 0.1, 7)}
    assert 150 < len(taken) < 250
    assert taken == {name for name in names if takes_part(name, 0.1, 7)}
    assert taken != {name for name in names if takes_part(name, 0.1, 8)}
    assert not any(takes_part(name, 0.0, 7) for name in names)
