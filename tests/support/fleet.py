"""A fleet of real processes: one server that analyses nothing, workers, PostgreSQL, NATS, an S3 store."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
from support.nats_server import OwnNats, own_nats
from support.object_server import own_objects
from support.postgres import OwnPostgres, own_postgres
from support.server import RunningServer, ServerPlan, start_server

_WORK = (sys.executable, "-m", "inference_server.cli", "work")


@dataclass
class FleetWorker:
    """One `xuncheng work`: its supervisor's process, over a data folder of its own, as on a machine of its own."""

    plan: ServerPlan
    threads: int
    process: subprocess.Popen[bytes] = field(init=False)
    _log_begins: int = 0

    def start(self) -> None:
        """Begin; it is ready some time later."""
        self.plan.data_folder.mkdir(parents=True, exist_ok=True)
        with self._log_path.open("ab") as log:
            self._log_begins = log.tell()
            command = [*_WORK, "--workers", str(self.threads)]
            self.process = subprocess.Popen(command, env=self.plan.environment(), stderr=log, stdout=log)

    def child(self) -> psutil.Process | None:
        """The process that analyses."""
        children = psutil.Process(self.process.pid).children()
        return children[0] if children else None

    def log(self) -> str:
        """What it has said since its last start."""
        return self._log_path.read_bytes()[self._log_begins :].decode()

    @property
    def _log_path(self) -> Path:
        return self.plan.data_folder / "worker.log"

    def wait_until_ready(self, within_s: float = 120.0) -> None:
        """Nothing; afterwards it takes frames."""
        until_s = time.monotonic() + within_s
        while "worker_ready" not in self.log():
            assert time.monotonic() < until_s, self.log()
            time.sleep(0.05)

    def stop(self, within_s: float = 30.0) -> int:
        """SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within_s)

    def kill(self) -> None:
        """kill -9 of supervisor and worker together, as when a machine goes."""
        child = self.child()
        self.process.kill()
        if child is not None:
            child.kill()
        self.process.wait(10)


@dataclass(frozen=True)
class Fleet:
    """What runs."""

    server: RunningServer
    workers: list[FleetWorker]
    postgres: OwnPostgres
    nats: OwnNats

    def hire(self, count: int) -> None:
        """Nothing; so many more workers of one thread start, each over a data folder of its own."""
        for _ in range(count):
            folder = self.server.plan.data_folder.with_name(f"worker-{len(self.workers)}")
            worker = FleetWorker(replace(self.server.plan, data_folder=folder), 1)
            worker.start()
            self.workers.append(worker)

    def dismiss(self) -> None:
        """Nothing; afterwards no worker runs."""
        for worker in self.workers:
            worker.stop()


@contextmanager
def running_fleet(
    folder: Path, card: Path, *, workers: int = 2, settings: dict[str, str] | None = None
) -> Iterator[Fleet]:
    """A fleet for the length of a block; skips where a server's program is missing."""
    with ExitStack() as parts:
        postgres = parts.enter_context(own_postgres())
        nats = parts.enter_context(own_nats())
        objects = parts.enter_context(own_objects())
        plan = ServerPlan(
            data_folder=folder / "server",
            card=card,
            workers=0,
            settings={
                "database_url": postgres.url("postgres"),
                "nats_url": nats.url,
                "object_store_url": objects.url,
                "object_store_endpoint": str(objects.endpoint),
                "object_store_access_key": str(objects.access_key),
                "object_store_secret_key": str(objects.secret_key),
                **(settings or {}),
            },
        )
        server = start_server(plan)
        parts.callback(server.stop)
        fleet = Fleet(server, [], postgres, nats)
        parts.callback(fleet.dismiss)
        fleet.hire(workers)
        yield fleet
