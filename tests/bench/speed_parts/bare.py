"""Bare decoding and ONNX Runtime: no server at all, as little as a frame can cost."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from speed_parts.frames import RoadFrame
from speed_parts.way import CARD, REPOSITORY, LeftOut, Place, demand_running, ended

CHILD = Path(__file__).with_name("bare_child.py")


class Bare:
    """The process: pictures in through a pipe, seconds out."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._in: IO[bytes] = process.stdin
        self._out: IO[bytes] = process.stdout
        self.pid = process.pid

    def run(self, frames: Sequence[RoadFrame]) -> list[float]:
        """Seconds from the picture in memory to the network's output; threads take them as they are free."""
        self._in.write(struct.pack(">I", len(frames)))
        for frame in frames:
            self._in.write(struct.pack(">I", len(frame.jpeg)) + frame.jpeg)
        self._in.flush()
        seconds: list[float] = json.loads(self._out.readline())
        return seconds


@contextmanager
def bare(place: Place) -> Iterator[Bare]:
    """The process, with as many threads as cores."""
    command = [sys.executable, str(CHILD), str(CARD), place.precision, str(place.cores)]
    log = place.folder / "bare.log"
    with log.open("wb") as stderr:
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr
        )
    try:
        assert process.stdout is not None
        if not process.stdout.readline():
            process.wait(10)
            demand_running(process, log)
            raise LeftOut("it says nothing")
        yield Bare(process)
    finally:
        ended(process)
