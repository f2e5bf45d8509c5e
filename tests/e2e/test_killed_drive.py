"""kill -9 of the server at random moments of a drive: the same cases as without."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.app import write_model
from support.posting import CAMERA_JSON, DEVICE, a_picture, around_a_thing, post
from support.rounds import rounds
from support.server import RunningServer, ServerPlan, start_server

START = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
KILLS = rounds(8, 20)
THINGS = 8
Frame = tuple[dict[str, Any], bytes]


def drive() -> list[Frame]:
    """Frames of a vehicle that goes around eight things far from each other, one after the other."""
    frames: list[Frame] = []
    for thing in range(THINGS):
        for look, meta in enumerate(
            around_a_thing(north_m=150.0 * thing, starts_at=START + timedelta(seconds=600 * thing))
        ):
            frames.append((meta, a_picture(100 * thing + look, 320, 180)))
    return frames


class Vehicle(threading.Thread):
    """Sends the drive in order; while the server is away it tries the same frame again, as the uploader does."""

    def __init__(self, server: RunningServer, frames: Sequence[Frame], pause_s: float) -> None:
        super().__init__(daemon=True)
        self.url, self.frames, self.pause_s = server.url, frames, pause_s
        self.token = server.device_token(DEVICE, {"front": CAMERA_JSON})
        self.sent = 0
        self.refused: list[str] = []

    def run(self) -> None:
        """Until all are accepted."""
        with httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=10) as client:
            for meta, picture in self.frames:
                while not self._accepted(client, meta, picture):
                    time.sleep(0.05)
                self.sent += 1
                time.sleep(self.pause_s)

    def _accepted(self, client: httpx.Client, meta: dict[str, Any], picture: bytes) -> bool:
        try:
            answer = post(client, {**meta, "sent_at": datetime.now(UTC).isoformat()}, picture)
        except httpx.TransportError:
            return False
        if 400 <= answer.status_code < 500 and answer.status_code != 429:
            self.refused.append(answer.text)
            return True
        return answer.status_code in (200, 202)


def cases_of(server: RunningServer) -> list[dict[str, Any]]:
    """All cases with their sightings, without what depends on the clock of the wall."""
    with server.client() as client:
        cases = client.get("/v1/cases", params={"limit": 1000}).raise_for_status().json()["cases"]
        return [client.get(f"/v1/cases/{case['id']}").raise_for_status().json() for case in cases]


def driven(folder: Path, kills: int) -> tuple[list[dict[str, Any]], int]:
    """The cases of the drive over a server that is killed so many times, and how many frames were analysed."""
    plan = ServerPlan(data_folder=folder / "data", card=write_model(folder / "model"))
    server = start_server(plan)
    frames = drive()
    vehicle = Vehicle(server, frames, pause_s=0.02)
    chance = random.Random(7)
    try:
        vehicle.start()
        for number in range(kills):
            goal = len(frames) * (number + 1) // (kills + 2)
            while vehicle.sent < goal and vehicle.is_alive():
                time.sleep(0.005)
            time.sleep(chance.uniform(0.0, 0.15))
            server.kill()
            server = server.again()
        vehicle.join(120)
        assert not vehicle.is_alive(), "the drive did not come to its end"
        assert vehicle.refused == []
        counts = server.wait_until_idle(120)
        return cases_of(server), int(counts["frames.analysed"])
    finally:
        server.stop()


@pytest.mark.crash
def test_a_server_killed_again_and_again_files_the_same_cases(tmp_path: Path) -> None:
    calm, analysed = driven(tmp_path / "calm", 0)
    killed, analysed_too = driven(tmp_path / "killed", KILLS)
    assert len(calm) == THINGS
    assert killed == calm
    assert analysed_too == analysed
