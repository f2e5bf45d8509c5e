"""The load of a fleet is a real one, and no frame of it is lost."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).parent
sys.path[:0] = [str(BENCH)]

from speed_parts.commits import Commits

CARD = BENCH.parents[1] / "weights" / "xuncheng-n.json"


def figures_of(*arguments: str) -> dict[str, Any]:
    """What the bench prints."""
    if not CARD.is_file():
        pytest.skip("no weights yet: weights/xuncheng-n.json is missing")
    command = [sys.executable, str(BENCH / "fleet_load.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    (figures,) = (json.loads(line) for line in done.stdout.splitlines())
    return dict(figures)


def test_each_frame_of_a_small_fleet_is_analysed_or_dropped_and_none_is_lost_or_sent_away() -> None:
    figures = figures_of("--seconds", "3", "--cars", "4", "--moving", "0.5")
    assert (figures["frames"], figures["answered_429"], figures["other_answers"], figures["lost"]) == (12, 0, {}, 0)
    # the two that move show something new each second, the two that stand only once
    assert figures["became"] == {"analysed": 8, "not_moved": 4}
    assert figures["analysed_p95_s"] >= figures["analysed_p50_s"] > 0
    assert "recovered_after_s" not in figures


def test_a_small_fleet_whose_server_stalls_keeps_its_frames_and_catches_up() -> None:
    figures = figures_of("--seconds", "6", "--cars", "4", "--moving", "0.5", "--stall", "2.5")
    assert (figures["frames"], figures["answered_429"], figures["lost"]) == (24, 0, 0)
    assert figures["became"] == {"analysed": 14, "not_moved": 10}
    assert figures["recovered_after_s"] > 0.0
    assert 0 < sum(done for _, done, _, _ in figures["over_time"]) <= 24


def test_a_frame_that_is_done_is_seen_however_many_older_ones_wait(tmp_path: Path) -> None:
    database = tmp_path / "frames.sqlite"
    rows = [(f"{number:04d}", "queued") for number in range(1200)] + [("late", "done")]
    with sqlite3.connect(database) as writer:
        writer.execute("CREATE TABLE frames (id TEXT, state TEXT)")
        writer.executemany("INSERT INTO frames VALUES (?, ?)", rows)
    with Commits(database) as commits:
        seen = [commits.expect(frame_id) for frame_id, _ in rows]
        assert seen[-1].wait(timeout=5.0)
        assert commits.waiting == 1200
        assert not seen[0].is_set()
