"""Frames through each way in turns, and what that cost: a busy moment of the machine then hits all alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from speed_parts.frames import RoadFrame
from speed_parts.usage import cpu_s, memory_mb
from speed_parts.way import Way

# What a way still does when the last frame is done belongs to it: threads that spin, pictures that are thrown away.
_SETTLE_S = 0.3


@dataclass(slots=True)
class Measured:
    """What one way did."""

    seconds: float = 0.0
    cpu_s: float = 0.0
    latencies_s: list[float] = field(default_factory=list)
    pss_mb: float = 0.0
    rss_mb: float = 0.0

    @property
    def cpu_ms_per_frame(self) -> float:
        """Processor time of the way's processes; the load is none of them."""
        return 1000.0 * self.cpu_s / len(self.latencies_s)

    def as_json(self) -> dict[str, Any]:
        """One line of the answer."""
        p50_ms, p95_ms = (1000.0 * float(at) for at in np.percentile(self.latencies_s, (50, 95)))
        return {
            "frames": len(self.latencies_s),
            "frames_per_s": round(len(self.latencies_s) / self.seconds, 1),
            "p50_ms": round(p50_ms, 1),
            "p95_ms": round(p95_ms, 1),
            "cpu_ms_per_frame": round(self.cpu_ms_per_frame, 2),
            "pss_mb": round(self.pss_mb),
            "rss_mb": round(self.rss_mb),
        }


def measured(
    ways: Mapping[str, Way], turns: int, next_frames: Callable[[], list[RoadFrame]], say: Callable[[str], None]
) -> dict[str, Measured]:
    """What each way did in all turns. In a turn all ways get the same new frames, each turn another way first."""
    found = {name: Measured() for name in ways}
    names = list(ways)
    for turn in range(turns):
        frames = next_frames()
        say(f"turn {turn + 1} of {turns}: {len(frames)} frames through each of {', '.join(names)}")
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            _one_turn(ways[name], frames, found[name])
    return found


def _one_turn(way: Way, frames: list[RoadFrame], into: Measured) -> None:
    before_s, started_s = cpu_s(way.pid), time.perf_counter()
    into.latencies_s += way.run(frames)
    into.seconds += time.perf_counter() - started_s
    time.sleep(_SETTLE_S)
    into.cpu_s += cpu_s(way.pid) - before_s
    into.pss_mb = max(into.pss_mb, memory_mb(way.pid))
    into.rss_mb = max(into.rss_mb, memory_mb(way.pid, "Rss"))
