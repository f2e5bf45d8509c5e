"""Every process of a fleet is killed at random moments: no accepted frame is lost, none counts twice, none is out of
order, and NATS may come back empty."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from support.fleet_process import opened
from support.nats_server import OwnNats, own_nats
from support.postgres import OwnPostgres, own_postgres
from support.queue_process import CAMERAS, numbered
from support.rounds import is_long, rounds
from support.waiting import until

from inference_server.adapters import tables
from inference_server.adapters.database import Database

KILLS = rounds(8, 100)
MOST_FRAMES = 100_000
AWAY_S = 30.0 if is_long() else 3.0
_TESTS = Path(__file__).parents[1]

pytestmark = [pytest.mark.crash, pytest.mark.timeout(3600 if is_long() else 300)]


@dataclass
class Killable:
    """One process of ours that is started again after each end; what it accepted is remembered."""

    folder: Path
    addresses: tuple[str, str]
    role: str
    process: subprocess.Popen[str] = field(init=False)
    ready: threading.Event = field(default_factory=threading.Event)
    accepted: int = 0  # frames with a smaller number were acknowledged

    def start(self) -> None:
        """Begin, with the first frame that was not acknowledged."""
        numbers = [str(self.accepted), str(MOST_FRAMES)] if self.role == "accept" else []
        command = [
            sys.executable,
            "-m",
            "support.fleet_process",
            str(self.folder),
            *self.addresses,
            self.role,
            *numbers,
        ]
        environment = {**os.environ, "PYTHONPATH": str(_TESTS)}
        self.ready.clear()
        self.process = subprocess.Popen(
            command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=environment
        )
        threading.Thread(target=self._listen, args=(self.process,), daemon=True).start()

    def kill(self) -> None:
        """kill -9, then begin anew."""
        self.end()
        self.start()

    def end(self) -> None:
        """kill -9."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        with process.stderr:
            for line in process.stderr:
                if line == "ready\n":
                    self.ready.set()
                elif line.strip().isdigit():
                    self.accepted = int(line) + 1


@dataclass
class Fleet:
    """Everything that may be killed."""

    postgres: OwnPostgres
    nats: OwnNats
    server: Killable
    workers: list[Killable]

    def restart_postgres(self, away_s: float = 0.0) -> None:
        """kill -9 of the database, which is gone for a while."""
        self.postgres.kill()
        time.sleep(away_s)
        self.postgres.start()

    def restart_nats(self, *, empty: bool) -> None:
        """kill -9 of NATS, and perhaps of all it knew."""
        self.nats.kill()
        if empty:
            self.nats.wipe()
        self.nats.start()

    def wait_until_done(self, within_s: float = 120.0) -> None:
        """No more frames come; all that were accepted are analysed."""
        self.server.end()
        until(lambda: self._waiting() == 0, within_s)

    def _waiting(self) -> int:
        database = Database(self.postgres.url("postgres"))
        frames = tables.frames
        try:
            with database.reading() as connection:
                return int(
                    connection.execute(
                        select(func.count()).select_from(frames).where(frames.c.state == "queued")
                    ).scalar_one()
                )
        except SQLAlchemyError:
            return -1
        finally:
            database.close()


@contextmanager
def running(folder: Path) -> Iterator[Fleet]:
    """A server and two workers as on three machines that share only pictures."""
    with own_postgres() as postgres, own_nats() as nats:
        addresses = (postgres.url("postgres"), nats.url)
        parts = [Killable(folder, addresses, role) for role in ("accept", "work", "work")]
        try:
            for part in parts:
                part.start()
            for part in parts:
                assert part.ready.wait(120.0)
            yield Fleet(postgres, nats, parts[0], parts[1:])
        finally:
            for part in parts:
                part.end()


def check(fleet: Fleet, folder: Path) -> None:
    """All accepted frames are analysed, each once, each camera in order."""
    record = opened(folder, fleet.postgres.url("postgres"), fleet.nats.url)
    with record.database.reading() as connection:
        told = connection.execute(select(tables.events).order_by(tables.events.c.sequence)).all()
        frames = connection.execute(select(tables.frames)).all()
    record.close()
    accepted = fleet.server.accepted
    stored = {frame.id for frame in frames}
    assert {numbered(number).id for number in range(accepted)} <= stored
    assert stored <= {numbered(number).id for number in range(accepted + 1)}
    assert [frame.id for frame in frames if frame.state != "analysed"] == []
    assert sorted(event.id for event in told) == sorted(stored)
    for camera in CAMERAS:
        numbers = [event.data["seq"] for event in told if event.subject.endswith(camera)]
        assert numbers == sorted(numbers)


def test_killing_any_process_of_a_fleet_at_any_moment_loses_and_doubles_nothing(tmp_path: Path) -> None:
    chance = random.Random(5)
    with running(tmp_path / "data") as fleet:
        harms = [
            fleet.server.kill,
            lambda: chance.choice(fleet.workers).kill(),
            fleet.restart_postgres,
            lambda: fleet.restart_nats(empty=chance.random() < 0.5),
        ]
        for number in range(KILLS):
            time.sleep(chance.uniform(0.1, 1.5))
            harms[number % len(harms)]()
        # the last one of each may still be starting
        before = fleet.server.accepted
        until(lambda: fleet.server.accepted > before)
        fleet.wait_until_done()
        check(fleet, tmp_path / "data")
        assert fleet.server.accepted > KILLS


def test_a_database_that_is_gone_for_a_while_loses_nothing(tmp_path: Path) -> None:
    with running(tmp_path / "data") as fleet:
        until(lambda: fleet.server.accepted > 50)
        fleet.restart_postgres(AWAY_S)
        before = fleet.server.accepted
        until(lambda: fleet.server.accepted > before + 20)
        fleet.wait_until_done()
        check(fleet, tmp_path / "data")
