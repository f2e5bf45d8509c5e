"""The worker's threads over a real queue."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from support.builders import a_dropped_report, a_frame, a_picture, a_report
from support.clocks import SetClock
from support.waiting import until

from inference_server.adapters.opening import Adapters, OpeningOptions, open_adapters
from inference_server.domain.frame import Frame
from inference_server.domain.observation import Drop, DropReason
from inference_server.domain.report import Report
from inference_server.worker import Work, Workers, work_once


@dataclass
class Inspector:
    """A use case that reports on every frame, slowly or not at all if so told."""

    record: Adapters
    seen: list[int] = field(default_factory=list)
    faults: dict[int, int] = field(default_factory=dict)  # seq -> how often it fails
    takes_s: float = 0.0
    at_work: threading.Event = field(default_factory=threading.Event)

    def __call__(self, frame: Frame, picture: bytes) -> Report:
        """Analyse."""
        assert picture == a_picture(frame.seq)
        self.seen.append(frame.seq)
        self.at_work.set()
        time.sleep(self.takes_s)
        if self.faults.get(frame.seq, 0) > 0:
            self.faults[frame.seq] -= 1
            raise ValueError("a fault of our own")
        report = a_dropped_report(frame) if frame.seq % 2 else a_report(frame)
        with self.record.store.work(()) as work:
            work.finish(frame, report)
        return report


@pytest.fixture
def clock() -> SetClock:
    """Noon, until a test says otherwise."""
    return SetClock()


@pytest.fixture
def record(tmp_path: Path, clock: SetClock) -> Iterator[Adapters]:
    """A record that syncs nothing, for speed."""
    adapters = open_adapters(None, tmp_path / "data", OpeningOptions(fast_unsafe=True, clock=clock))
    yield adapters
    adapters.close()


@pytest.fixture
def inspector(record: Adapters) -> Inspector:
    """The use case of these tests."""
    return Inspector(record)


@pytest.fixture
def work(record: Adapters, inspector: Inspector, clock: SetClock) -> Work:
    """What threads need."""
    return Work(queue=record.queue, store=record.store, inspect=inspector, clock=clock)


def put(record: Adapters, *numbers: int, camera: str = "front") -> None:
    """Accept frames."""
    for number in numbers:
        record.queue.put(a_frame(number, camera=camera), a_picture(number))


def test_a_frame_is_analysed_released_and_told_of(record: Adapters, inspector: Inspector, clock: SetClock) -> None:
    heard: list[tuple[int, bool]] = []
    work = Work(
        queue=record.queue,
        store=record.store,
        inspect=inspector,
        clock=clock,
        hears=lambda frame, report, seconds: heard.append((frame.seq, report.is_analysed and seconds >= 0.0)),
    )
    put(record, 2)
    assert work_once(work)
    assert not work_once(work)
    assert heard == [(2, True)]
    assert record.queue.depth() == 0


def test_one_line_is_logged_per_frame_with_what_became_of_it(record: Adapters, work: Work) -> None:
    put(record, 1, 2)
    with capture_logs() as lines:
        work_once(work)
        work_once(work)
    dropped, analysed = (line for line in lines if line["event"] == "frame_done")
    assert (dropped["frame"], dropped["drop"]) == (a_frame(1).id, "not_moved")
    assert (analysed["frame"], analysed["sighting"], analysed["dropped_low_score"]) == (a_frame(2).id, 1, 1)


def test_threads_empty_the_queue_and_keep_the_order_of_each_camera(
    record: Adapters, work: Work, inspector: Inspector
) -> None:
    put(record, *range(0, 20, 2), camera="front")
    put(record, *range(1, 20, 2), camera="rear")
    workers = Workers(work, threads=4)
    workers.start()
    until(lambda: record.queue.depth() == 0)
    assert workers.alive == 4
    assert workers.stop(within_s=10.0)
    assert workers.alive == 0
    assert [seq for seq in inspector.seen if seq % 2 == 0] == list(range(0, 20, 2))
    assert [seq for seq in inspector.seen if seq % 2 == 1] == list(range(1, 20, 2))


def test_a_frame_that_comes_while_they_wait_is_taken_up_quickly(record: Adapters, work: Work) -> None:
    workers = Workers(work, threads=2)
    workers.start()
    time.sleep(0.1)
    put(record, 1)
    until(lambda: record.store.report(a_frame(1).id) is not None)
    assert workers.stop(within_s=10.0)


def test_stopping_waits_for_the_frame_in_hand(record: Adapters, work: Work, inspector: Inspector) -> None:
    inspector.takes_s = 0.3
    put(record, 1, 2)
    workers = Workers(work, threads=1)
    workers.start()
    assert inspector.at_work.wait(10.0)
    assert workers.stop(within_s=10.0)
    assert record.store.report(a_frame(1).id) is not None
    assert record.queue.depth() == 1


def test_stopping_says_if_somebody_is_not_done_in_time(record: Adapters, work: Work, inspector: Inspector) -> None:
    inspector.takes_s = 1.0
    put(record, 1)
    workers = Workers(work, threads=1)
    workers.start()
    assert inspector.at_work.wait(10.0)
    assert not workers.stop(within_s=0.05)
    assert workers.stop(within_s=10.0)


def test_a_fault_gives_the_frame_back_and_the_next_attempt_may_do(
    record: Adapters, work: Work, inspector: Inspector, clock: SetClock
) -> None:
    inspector.faults = {1: 1}
    put(record, 1)
    with pytest.raises(ValueError, match="a fault of our own"):
        work_once(work)
    assert not work_once(work)
    clock.advance(1.0)
    assert work_once(work)
    assert record.store.report(a_frame(1).id) == a_dropped_report(a_frame(1))


def test_a_frame_that_no_attempt_digests_ends_as_failed_and_frees_its_camera(
    record: Adapters, work: Work, inspector: Inspector, clock: SetClock
) -> None:
    inspector.faults = {1: 99}
    put(record, 1, 2)
    for _ in range(5):
        with pytest.raises(ValueError, match="a fault of our own"):
            work_once(work)
        clock.advance(60.0)
    assert work_once(work)
    report = record.store.report(a_frame(1).id)
    assert report is not None
    assert report.drop == Drop(DropReason.FAILED, {"attempts": 5})
    assert inspector.seen == [1] * 5
    assert work_once(work)
    assert record.store.counts() == {"frames.analysed": 1, "frames.dropped.failed": 1}


def test_a_use_case_that_commits_nothing_is_a_fault(record: Adapters, work: Work, clock: SetClock) -> None:
    put(record, 1)
    forgetful = Work(queue=work.queue, store=work.store, inspect=lambda frame, picture: a_report(frame), clock=clock)
    with pytest.raises(RuntimeError, match="no report"):
        work_once(forgetful)
    assert record.queue.depth() == 1


def test_a_fault_does_not_end_the_thread(record: Adapters, work: Work, inspector: Inspector) -> None:
    inspector.faults = {1: 99}
    put(record, 1)
    put(record, 2, camera="rear")
    with capture_logs() as lines:
        workers = Workers(work, threads=1)
        workers.start()
        until(lambda: record.store.report(a_frame(2, camera="rear").id) is not None)
        assert workers.alive == 1
        assert workers.stop(within_s=10.0)
    given_back = [line for line in lines if line["event"] == "frame_given_back"]
    assert [(line["frame"], line["attempts"]) for line in given_back] == [(a_frame(1).id, 1)]
    assert any(line["event"] == "worker_fault" for line in lines)
