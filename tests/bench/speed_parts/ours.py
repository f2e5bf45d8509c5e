"""Our server, as a city of one machine runs it: a real process, real HTTP, SQLite with synchronous=FULL, the spool.

A frame is done when its result is committed.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from support.server import RunningServer, ServerPlan, running_server

from patrol.simulate.drive import Drive
from speed_parts.callers import Callers, post
from speed_parts.commits import Commits
from speed_parts.frames import RoadFrame, form_of
from speed_parts.way import CARD, Place

POLICY = Path(__file__).with_name("no_gate.toml")
_COMMITTED_WITHIN_S = 120.0


class Ours:
    """The running server with the tokens of the cars."""

    def __init__(self, server: RunningServer, drive: Drive, commits: Commits) -> None:
        self._commits = commits
        self._callers = Callers(server.url)
        mounts = drive.mounts()
        self._tokens = {
            device: server.device_token(device, {camera: settings}) for (device, camera), settings in mounts.items()
        }
        self.pid = server.process.pid

    def run(self, frames: Sequence[RoadFrame]) -> list[float]:
        """Seconds of each frame from before its upload until its commit."""
        return self._callers.run(frames, self._send)

    def close(self) -> None:
        """No connection stays open."""
        self._callers.close()

    def _send(self, connection: http.client.HTTPConnection, frame: RoadFrame) -> None:
        body, headers = form_of(json.dumps(frame.meta_now()), frame.jpeg)
        headers["Authorization"] = f"Bearer {self._tokens[frame.device]}"
        status, answer = post(connection, "/v1/frames", body, headers)
        if status != 202:
            raise RuntimeError(f"a frame was answered {status}: {answer[:300]!r}")
        frame_id = json.loads(answer)["frame"]
        if not self._commits.expect(frame_id).wait(_COMMITTED_WITHIN_S):
            raise TimeoutError(f"frame {frame_id} is not committed after {_COMMITTED_WITHIN_S} s")


@contextmanager
def ours(place: Place, drive: Drive) -> Iterator[Ours]:
    """A server with one worker thread a core, that must have analysed every frame when the block ends."""
    plan = ServerPlan(
        data_folder=place.folder / "ours",
        card=CARD,
        workers=place.cores,
        settings={"policy": str(POLICY), "precision": place.precision},
    )
    with running_server(plan) as server, Commits(plan.data_folder / "xuncheng.sqlite") as commits:
        way = Ours(server, drive, commits)
        try:
            yield way
        finally:
            way.close()
        _demand_all_analysed(server.counts())


def _demand_all_analysed(counts: dict[str, float]) -> None:
    others = {name: n for name, n in counts.items() if name.startswith("frames.") and name != "frames.analysed" and n}
    if others:
        raise RuntimeError(f"frames that were not analysed make no fair comparison: {others}")
