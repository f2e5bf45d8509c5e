"""bench-speed runs, says what each way costs, and hides no way that is missing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

BENCH = Path(__file__).parent
sys.path[:0] = [str(BENCH)]

from speed_parts import litserve_way, naive
from speed_parts.frames import CARS, road_frames, take, the_drive
from speed_parts.measure import Measured
from speed_parts.usage import cpu_s, memory_mb, tree
from speed_parts.way import CARD, LeftOut, Place, ended

from detector.yolo import YoloDetector

BURNS = "import time\nwhile time.process_time() < 0.4: pass\nprint('done', flush=True)\ninput()"
IN_A_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BURNS!r}])"


def run(*arguments: str, expect: int = 0) -> list[dict[str, Any]]:
    """The JSON lines of the program."""
    if not CARD.is_file():
        pytest.skip("no weights yet: weights/xuncheng-n.json is missing")
    command = [sys.executable, str(BENCH / "speed.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == expect, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_our_server_and_bare_decoding_are_measured_in_one_run_and_what_was_not_measured_counts_as_missed() -> None:
    bare, ours, last = run("--ways", "bare,ours", "--frames", "8", "--check", expect=1)
    assert (bare["way"], ours["way"]) == ("bare", "ours")
    for way in (bare, ours):
        assert way["frames"] == 8
        assert way["frames_per_s"] > 0
        assert way["p95_ms"] >= way["p50_ms"] > 0
        assert way["pss_mb"] > 10
    assert ours["cpu_ms_per_frame"] > bare["cpu_ms_per_frame"] > 0
    assert last["cpu_ratio_ours_over_bare"] == pytest.approx(
        ours["cpu_ms_per_frame"] / bare["cpu_ms_per_frame"], rel=0.01
    )
    assert last["cpu_ratio_naive_over_ours"] is None
    assert "cpu_ratio_naive_over_ours" in last["missed"]


def test_the_stages_of_the_detector_cost_no_more_than_plain_onnx_runtime() -> None:
    (figures,) = run("--stages", "--frames", "5")
    assert figures["cpu_ms"]["ours_fp32"]["total"] > 0
    # 1.05 on one core, 1.7 on two; a busy machine sways
    assert figures["ratios"]["naive_same_network/ours_fp32"] > 0.85
    assert figures["ratios"]["naive_same_network/ours_int8"] > 1


def test_frames_are_distinct_and_show_something() -> None:
    if not CARD.is_file():
        pytest.skip("no weights yet: weights/xuncheng-n.json is missing")
    frames = take(road_frames(the_drive(), YoloDetector.load(CARD, "int8")), CARS + 1)
    assert len(frames) == 2 * CARS
    assert len({one.jpeg for one in frames}) == len(frames)
    assert len({one.device for one in frames}) == CARS
    assert all(one.detections >= 1 for one in frames)


@pytest.mark.parametrize(
    ("way", "module", "python"),
    [
        pytest.param(litserve_way.litserve, litserve_way, "BENCH_PYTHON", id="litserve"),
        pytest.param(naive.naive, naive, "TRAIN_PYTHON", id="naive"),
    ],
)
def test_a_way_without_its_environment_is_left_out_and_says_which(
    way: Any, module: Any, python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, python, tmp_path / "no" / "bin" / "python")
    with pytest.raises(LeftOut, match=r"no \.venv-"), way(Place(tmp_path, "int8", 2)):
        pass


def test_the_time_and_memory_of_a_child_belong_to_its_process() -> None:
    process = subprocess.Popen([sys.executable, "-c", IN_A_CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        assert cpu_s(process.pid) >= 0.4
        assert memory_mb(process.pid) > 3
        assert memory_mb(process.pid, "Rss") >= memory_mb(process.pid)
        process.stdin.close()


def test_a_way_that_ends_leaves_no_worker_behind() -> None:
    process = subprocess.Popen([sys.executable, "-c", IN_A_CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        _, child = tree(process.pid)
        ended(process)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_costs_are_spread_over_the_frames() -> None:
    found = Measured(seconds=2.0, cpu_s=1.0, latencies_s=[0.1, 0.2, 0.3, 0.4])
    assert found.cpu_ms_per_frame == 250.0
    assert found.as_json()["frames_per_s"] == 2.0
    assert found.as_json()["p50_ms"] == pytest.approx(250.0)
