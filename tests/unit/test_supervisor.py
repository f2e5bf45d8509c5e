"""The supervisor over real processes that hang, die, or do not listen."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from support.waiting import until

from inference_server.supervisor import Supervisor, WatchRules

RULES = WatchRules(hang_after_s=1.0, start_within_s=30.0, stop_within_s=0.5, most_restarts=2, per_s=6.0)


@dataclass
class Watched:
    """A supervisor in a thread, and the processes it has started."""

    supervisor: Supervisor
    folder: Path
    codes: list[int] = field(default_factory=list)

    def born(self) -> list[tuple[float, int]]:
        """When each process began, and its id; oldest first."""
        files = [path for path in self.folder.iterdir() if path.read_text()]
        return sorted((float(path.read_text()), int(path.name)) for path in files)

    def alive(self) -> list[int]:
        """The processes that run."""
        return [pid for _, pid in self.born() if psutil.pid_exists(pid)]


@contextmanager
def watched(folder: Path, mode: str, rules: WatchRules = RULES) -> Iterator[Watched]:
    """A supervisor that runs until the end of the block."""
    folder.mkdir()
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
    one = Watched(Supervisor([sys.executable, "-m", "support.odd_worker", str(folder), mode], rules), folder)
    thread = threading.Thread(target=lambda: one.codes.append(one.supervisor.run()), daemon=True)
    thread.start()
    try:
        yield one
    finally:
        one.supervisor.stop()
        thread.join(30)
        assert not thread.is_alive()
        del os.environ["PYTHONPATH"]


def test_a_worker_that_does_well_is_left_alone_and_ends_in_good_order(tmp_path: Path) -> None:
    with watched(tmp_path / "born", "well") as one:
        until(lambda: len(one.born()) == 1)
        time.sleep(2.5)
        assert len(one.born()) == 1
    assert one.codes == [0]
    assert one.alive() == []


@pytest.mark.parametrize("mode", ["silent", "stuck", "dies"])
def test_a_worker_that_hangs_or_dies_is_replaced_but_not_too_often(tmp_path: Path, mode: str) -> None:
    with watched(tmp_path / "born", mode) as one:
        until(lambda: len(one.born()) == 3)
        assert len(one.alive()) <= 1
        until(lambda: len(one.born()) == 4)
        times_s = [at_s for at_s, _ in one.born()]
    assert times_s[3] - times_s[1] >= 0.8 * RULES.per_s  # the third restart waited for the first to be long ago
    assert one.alive() == []


def test_a_stopped_process_is_found_and_replaced(tmp_path: Path) -> None:
    with watched(tmp_path / "born", "well") as one:
        until(lambda: len(one.born()) == 1)
        time.sleep(1.0)
        stopped_s = time.time()
        os.kill(one.born()[0][1], signal.SIGSTOP)
        until(lambda: len(one.born()) == 2)
        assert one.born()[1][0] - stopped_s >= 0.5 * RULES.hang_after_s
        until(lambda: len(one.alive()) == 1)


def test_a_worker_that_never_gets_ready_is_replaced(tmp_path: Path) -> None:
    rules = WatchRules(hang_after_s=1.0, start_within_s=3.0, stop_within_s=0.5)
    with watched(tmp_path / "born", "late", rules) as one:
        until(lambda: len(one.born()) >= 2)


def test_a_fault_that_will_not_go_away_ends_the_supervisor_with_its_code(tmp_path: Path) -> None:
    with watched(tmp_path / "born", "hopeless") as one:
        until(lambda: one.codes == [3])
        assert len(one.born()) == 1


def test_a_worker_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    with watched(tmp_path / "born", "deaf") as one:
        until(lambda: len(one.born()) == 1)
        time.sleep(0.5)
        begun_s = time.monotonic()
    assert time.monotonic() - begun_s < 10.0
    assert one.codes == [-signal.SIGKILL]
    assert one.alive() == []


def test_a_worker_whose_supervisor_is_killed_ends_by_itself(tmp_path: Path) -> None:
    folder = tmp_path / "born"
    folder.mkdir()
    program = (
        "import sys; from inference_server.supervisor import Supervisor, WatchRules; "
        f"Supervisor([sys.executable, '-m', 'support.odd_worker', {str(folder)!r}, 'well'], WatchRules()).run()"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    process = psutil.Popen([sys.executable, "-c", program], env=environment)
    until(lambda: any(path.read_text() for path in folder.iterdir()))
    time.sleep(0.5)
    process.kill()
    process.wait(10)
    child = int(next(folder.iterdir()).name)
    until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE, 20.0)
