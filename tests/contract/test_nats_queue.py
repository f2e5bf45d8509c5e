"""What only a queue with NATS has to promise: whatever becomes of the stream, each frame is analysed once, in order."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from nats.js.api import StreamInfo
from support.builders import a_frame, a_picture, a_report
from support.nats_server import OwnNats, own_nats
from support.records import SQLITE_FILE, Place, wait_for_bus
from support.waiting import until

from inference_server.adapters.nats_bus import NatsBus
from inference_server.adapters.nats_queue import NatsQueue
from inference_server.adapters.nats_stream import PARTITIONS, StreamPlan, partition_of
from inference_server.adapters.opening import Adapters, BusOptions
from inference_server.domain.frame import CameraId, Frame, FrameId
from inference_server.ports import Claimed

ACK_WAIT_S = 1.0


@dataclass(frozen=True)
class Fleet:
    """An open record over a NATS server that the test may harm."""

    server: OwnNats
    stream: str
    record: Adapters

    @property
    def queue(self) -> NatsQueue:
        """The queue under test."""
        assert isinstance(self.record.queue, NatsQueue)
        return self.record.queue

    @property
    def bus(self) -> NatsBus:
        """Its way to the server."""
        assert self.record.bus is not None
        return self.record.bus

    def put(self, *numbers: int, camera: str = "front") -> list[Frame]:
        """Accept frames."""
        frames = [a_frame(number, camera=camera) for number in numbers]
        for frame in frames:
            self.queue.put(frame, a_picture(frame.seq))
        return frames

    def finish(self, claimed: Claimed) -> None:
        """Report on a frame and let it go."""
        with self.record.store.work(()) as work:
            work.finish(claimed.frame, a_report(claimed.frame))
        self.queue.release(claimed)

    def work_off(self, within_s: float = 30.0) -> list[int]:
        """The numbers of the frames in the order in which they were analysed, until none waits."""
        numbers, until_s = [], time.monotonic() + within_s
        while self.queue.depth():
            assert time.monotonic() < until_s, f"{self.queue.depth()} frames wait; NATS: {self.bus.fault()}"
            claimed = self.queue.claim(0.2)
            if claimed is not None:
                numbers.append(claimed.frame.seq)
                self.finish(claimed)
        return numbers

    @contextmanager
    def away(self) -> Iterator[None]:
        """For the length of a block the server does not run."""
        self.server.stop()
        yield
        self.server.start()

    def keys(self) -> int:
        """How many keys the server has."""
        info: StreamInfo = self.server.ask(lambda streams: streams.stream_info(self.stream))
        return info.state.messages


@pytest.fixture
def own_server() -> Iterator[OwnNats]:
    """A server for one test alone."""
    with own_nats() as server:
        yield server


def opened_on(server: OwnNats, place: Place) -> Iterator[Fleet]:
    """A fleet of one process."""
    stream = f"frames-{uuid.uuid4().hex[:8]}"
    bus = BusOptions(url=server.url, plan=StreamPlan(name=stream, ack_wait_s=ACK_WAIT_S), sweep_every_s=0.5)
    with Place(place.kind, place.url, place.folder, bus).opened() as record:
        yield Fleet(server, stream, record)


@pytest.fixture
def fleet(nats_server: OwnNats, make_place: Callable[[str], Place]) -> Iterator[Fleet]:
    """A fleet on the server of all tests: only its stream may be harmed."""
    yield from opened_on(nats_server, make_place(SQLITE_FILE))


@pytest.fixture
def fragile(own_server: OwnNats, make_place: Callable[[str], Place]) -> Iterator[Fleet]:
    """A fleet on a server of its own."""
    yield from opened_on(own_server, make_place(SQLITE_FILE))


def test_a_camera_is_always_of_the_same_partition_of_sixty_four() -> None:
    assert partition_of(CameraId("123456789")) == 0xCBF43926 % 64  # the check value of CRC-32 (ISO-HDLC)
    assert {partition_of(CameraId(f"car-{n}/front")) for n in range(2000)} == set(range(PARTITIONS))


def test_the_stream_holds_one_key_for_each_waiting_frame_and_none_for_a_finished_one(fleet: Fleet) -> None:
    fleet.put(1, 2, 3)
    until(lambda: fleet.keys() == 3)
    assert fleet.work_off() == [1, 2, 3]
    until(lambda: fleet.keys() == 0)


def test_a_key_put_in_twice_is_in_once(fleet: Fleet) -> None:
    (frame,) = fleet.put(1)
    for _ in range(3):
        fleet.bus.put(frame.camera, frame.id)
    assert fleet.bus.put_missing([(frame.camera, frame.id)]) == 0
    assert fleet.keys() == 1


def test_a_purged_stream_loses_nothing(fleet: Fleet) -> None:
    fleet.put(*range(6))
    until(lambda: fleet.keys() == 6)
    fleet.server.ask(lambda streams: streams.purge_stream(fleet.stream))
    assert fleet.work_off() == list(range(6))


def test_a_deleted_stream_is_made_anew_and_loses_nothing(fleet: Fleet) -> None:
    fleet.put(*range(6))
    claimed = fleet.queue.claim(5.0)
    assert claimed is not None
    fleet.server.ask(lambda streams: streams.delete_stream(fleet.stream))
    fleet.finish(claimed)
    assert fleet.work_off() == list(range(1, 6))


def test_a_deleted_consumer_is_made_anew(fleet: Fleet) -> None:
    (frame, *_) = fleet.put(*range(4))
    consumer = f"p{partition_of(frame.camera)}"
    fleet.server.ask(lambda streams: streams.delete_consumer(fleet.stream, consumer))
    assert fleet.work_off() == list(range(4))


def test_a_wholly_replayed_stream_doubles_nothing(fleet: Fleet) -> None:
    frames = fleet.put(*range(5))
    assert fleet.work_off() == list(range(5))
    until(lambda: fleet.keys() == 0)
    fleet.bus.put_missing((frame.camera, frame.id) for frame in frames)
    assert fleet.keys() == 5
    assert fleet.queue.claim(2.0) is None
    until(lambda: fleet.keys() == 0)
    assert fleet.record.store.counts() == {"frames.analysed": 5}


def test_a_key_of_a_frame_that_nobody_knows_goes(fleet: Fleet) -> None:
    fleet.bus.put_missing([(CameraId("car-1/front"), FrameId("f" * 32))])
    assert fleet.keys() == 1
    assert fleet.queue.claim(0.5) is None
    until(lambda: fleet.keys() == 0)


def test_keys_in_the_wrong_order_change_no_order(fleet: Fleet) -> None:
    frames = fleet.put(*range(5))
    fleet.server.ask(lambda streams: streams.purge_stream(fleet.stream))
    fleet.bus.put_missing((frame.camera, frame.id) for frame in reversed(frames))
    assert fleet.work_off() == list(range(5))


def test_a_worker_that_falls_silent_loses_its_frame_to_another(fleet: Fleet) -> None:
    fleet.put(1)
    assert fleet.queue.claim(5.0) is not None
    with fleet.record.database.writing() as connection:
        connection.exec_driver_sql("UPDATE leases SET expires_at = '2000-01-01 00:00:00.000000'")
    claimed = fleet.queue.claim(ACK_WAIT_S + 10.0)
    assert claimed is not None
    assert claimed.attempts == 1


def test_a_key_that_comes_again_while_its_frame_is_in_work_is_not_worked_on_twice(fleet: Fleet) -> None:
    fleet.put(1, 2)
    first = fleet.queue.claim(5.0)
    assert first is not None
    assert fleet.queue.claim(2 * ACK_WAIT_S) is None
    fleet.finish(first)
    assert fleet.work_off() == [2]


def test_frames_that_came_while_nats_was_away_are_analysed_when_it_is_back(fragile: Fleet) -> None:
    fragile.put(1, 2)
    fragile.server.kill()
    until(lambda: fragile.bus.fault() is not None)
    fragile.put(3, 4)
    assert fragile.queue.claim(0.3) is None
    fragile.server.start()
    assert fragile.work_off() == [1, 2, 3, 4]
    assert fragile.bus.fault() is None


def test_a_server_that_comes_back_empty_loses_nothing(fragile: Fleet) -> None:
    fragile.put(1, 2)
    claimed = fragile.queue.claim(5.0)
    assert claimed is not None
    fragile.server.kill()
    fragile.server.wipe()
    fragile.server.start()
    fragile.finish(claimed)
    assert fragile.work_off() == [2]


@pytest.mark.parametrize("came_back", [0, 4], ids=["last messages lost", "acknowledged messages back"])
def test_a_killed_server_whose_messages_are_older_than_its_consumers_holds_up_nothing(
    fragile: Fleet, tmp_path: Path, came_back: int
) -> None:
    until(lambda: fragile.bus.fault() is None)
    fragile.put(*range(came_back))
    until(lambda: fragile.keys() == came_back)
    messages = fragile.server.messages(fragile.stream)
    with fragile.away():
        shutil.copytree(messages, tmp_path / "older")
    fragile.put(*range(came_back, 6))
    assert fragile.work_off() == list(range(6))
    until(lambda: fragile.keys() == 0)
    with fragile.away():
        shutil.rmtree(messages)
        shutil.copytree(tmp_path / "older", messages)
        fragile.put(6, 7)
    assert fragile.work_off() == [6, 7]
    until(lambda: fragile.keys() == 0)


def test_a_record_opens_without_nats_and_says_so(own_server: OwnNats, make_place: Callable[[str], Place]) -> None:
    own_server.kill()
    made = make_place(SQLITE_FILE)
    place = Place(made.kind, made.url, made.folder, BusOptions(url=own_server.url, sweep_every_s=0.5))
    waiting = place.opened()
    own_server.start()
    with waiting as record:
        wait_for_bus(record)
        record.queue.put(a_frame(1), a_picture(1))
        assert record.queue.claim(10.0) is not None


def test_a_full_stream_takes_the_rest_later(nats_server: OwnNats, make_place: Callable[[str], Place]) -> None:
    made, stream = make_place(SQLITE_FILE), f"frames-{uuid.uuid4().hex[:8]}"
    bus = BusOptions(url=nats_server.url, plan=StreamPlan(name=stream, max_keys=2), sweep_every_s=0.2)
    with Place(made.kind, made.url, made.folder, bus).opened() as record:
        fleet = Fleet(nats_server, stream, record)
        fleet.put(*range(5))
        assert fleet.keys() <= 2
        assert fleet.work_off() == list(range(5))


@pytest.mark.parametrize("after_s", [0.0, 0.001, 0.002, 0.004, 0.008, 0.016, 0.1])
def test_a_bus_that_is_closed_at_any_stage_of_connecting_leaves_no_connection(
    nats_server: OwnNats, after_s: float
) -> None:
    bus = NatsBus(nats_server.url, StreamPlan(name=f"frames-{uuid.uuid4().hex[:8]}"))
    time.sleep(after_s)
    bus.close()
    left = [one for one in psutil.Process().net_connections() if one.raddr and one.raddr.port == nats_server.port]
    assert [one for one in left if one.status != psutil.CONN_TIME_WAIT] == []
