"""Servers of others that answer a posted picture with its boxes: started, warmed, posted to."""

from __future__ import annotations

import http.client
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from support.own_server import free_port

from speed_parts.callers import Callers, post
from speed_parts.frames import RoadFrame, form_of
from speed_parts.way import LeftOut, demand_running, ended, pause

_START_WITHIN_S = 180.0


class Served:
    """A server that answers `POST /predict`, a form with the part `image`."""

    def __init__(self, url: str, pid: int) -> None:
        self._callers = Callers(url)
        self.pid = pid

    def run(self, frames: Sequence[RoadFrame]) -> list[float]:
        """Seconds of each frame until its boxes are answered."""
        return self._callers.run(frames, _send)

    def close(self) -> None:
        """No connection stays open."""
        self._callers.close()


@contextmanager
def served(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> Iterator[Served]:
    """The server that `command` starts, the port as last argument; raises LeftOut where it does not come up."""
    port = free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, str(port)], env={**os.environ, **environment}, stdout=output, stderr=output, cwd=log.parent
        )
    way = Served(f"http://127.0.0.1:{port}", process.pid)
    try:
        _wait_until_up(port, process, log)
        yield way
    finally:
        way.close()
        ended(process)


def _wait_until_up(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    ends_s = time.monotonic() + _START_WITHIN_S
    while time.monotonic() < ends_s:
        demand_running(process, log)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5.0)
        try:
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        pause()
    raise LeftOut(f"it does not answer within {_START_WITHIN_S:.0f} s")


def _send(connection: http.client.HTTPConnection, frame: RoadFrame) -> None:
    body, headers = form_of(None, frame.jpeg)
    status, answer = post(connection, "/predict", body, headers)
    if status != 200:
        raise LeftOut(f"a picture was answered {status}: {answer[:300]!r}")
