"""What a way is to the measurement: a process that is given frames and says when each is done."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from detector.model_card import Precision
from inference_server.journal import begin_journal
from speed_parts.frames import RoadFrame
from speed_parts.usage import tree

REPOSITORY = Path(__file__).resolve().parents[3]
CARD = REPOSITORY / "weights" / "xuncheng-n.json"
TRAIN_PYTHON = REPOSITORY / ".venv-train" / "bin" / "python"
BENCH_PYTHON = REPOSITORY / ".venv-bench" / "bin" / "python"


def begin() -> None:
    """Talk goes to stderr, for stdout is for the answer; ends the program where there is no model."""
    begin_journal("warning", "text")
    if not CARD.is_file():
        raise SystemExit(f"no model: {CARD.relative_to(REPOSITORY)} is missing")


class LeftOut(Exception):
    """A way cannot run here, and why."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a way may write, what it runs, and on how many cores."""

    folder: Path
    precision: Precision
    cores: int


class Way(Protocol):
    """One way to go from a JPEG to boxes, running in a process of its own."""

    @property
    def pid(self) -> int:
        """The process whose use counts, with its children."""
        ...

    def run(self, frames: Sequence[RoadFrame]) -> list[float]:
        """Seconds that each frame took, when all are done; raises where one of them fails."""
        ...


class Starts(Protocol):
    """How a way is started and ended; raises LeftOut where it cannot run here."""

    def __call__(self, place: Place) -> AbstractContextManager[Way]:
        """The way, warm, for the length of a block."""
        ...


def ended(process: subprocess.Popen[bytes], within_s: float = 15.0) -> None:
    """Nothing; the process and its children are gone afterwards: some servers leave their workers behind."""
    whole = [] if process.poll() is not None else tree(process.pid)
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(within_s)
    for left in whole:
        with contextlib.suppress(psutil.NoSuchProcess):
            left.kill()
    process.wait(within_s)
    psutil.wait_procs(whole, within_s)


def demand_running(process: subprocess.Popen[bytes], log: Path) -> None:
    """Nothing; raises LeftOut with the end of its log where the process has ended."""
    if process.poll() is not None:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise LeftOut(f"it ended with {process.returncode}: {' | '.join(lines[-3:])[-400:]}")


def pause() -> None:
    """A moment between two looks."""
    time.sleep(0.1)
