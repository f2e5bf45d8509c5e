"""Real servers of the tests' own, in a folder of their own, on a free port: started, killed, started again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import pytest

# Set in .ci/run: there a missing server is a failure, not a reason to skip.
REQUIRED = "XUNCHENG_TEST_SERVERS_REQUIRED"
_START_WITHIN_S = 30.0
_BINARIES = (
    *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True),
    Path("/usr/sbin"),
    Path("/usr/local/bin"),
)


def not_here(why: str) -> NoReturn:
    """Skip the test, or fail it where servers are required."""
    if os.environ.get(REQUIRED):
        pytest.fail(f"{why}, and {REQUIRED} is set")
    pytest.skip(why)


def binary(name: str, package: str) -> str:
    """The path of a server's program; skips where it is not installed."""
    found = shutil.which(name) or next((str(path / name) for path in _BINARIES if (path / name).exists()), None)
    if found is None:
        not_here(f"{name} is not installed (Debian package {package})")
    return found


def free_port() -> int:
    """A port on which nobody listens at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class OwnServer:
    """One server. `command` is started with the port that `port` says, as the user that owns the folder."""

    def __init__(self, command: Sequence[str], port: int, log: Path, user: str | None = None) -> None:
        self.command, self.port, self.log, self.user = list(command), port, log, user
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Nothing; afterwards it answers on its port."""
        until_s = time.monotonic() + _START_WITHIN_S
        while time.monotonic() < until_s:
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(self.command, stdout=log, stderr=log, user=self.user, cwd="/")
            while self.process.poll() is None:
                if self._answers():
                    return
                if time.monotonic() > until_s:
                    self.kill()
                time.sleep(0.02)
            time.sleep(0.2)  # what a killed one has left behind may need a moment to be gone
        raise RuntimeError(f"{self.command[0]} does not start:\n{self.log.read_text()[-2000:]}")

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> None:
        """In good order; nothing happens where it does not run."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1.0).close()
        except OSError:
            return False
        return True
