"""What the queue promises: on every database, with pictures in a folder, in memory or on S3, with and without NATS."""

import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from obstore.store import MemoryStore
from support.builders import a_dropped_report, a_frame, a_picture, a_report
from support.clocks import SetClock
from support.nats_server import OwnNats
from support.records import KINDS, POSTGRESQL, SQLITE_FILE, SQLITE_MEMORY, Place

from inference_server.adapters.nats_stream import StreamPlan
from inference_server.adapters.objects import ObjectPlace, open_store
from inference_server.adapters.opening import Adapters, BusOptions, OpeningOptions
from inference_server.adapters.sql_queue import QueueLimits
from inference_server.domain.errors import QueueFull
from inference_server.domain.frame import Frame
from inference_server.domain.observation import Drop, DropReason
from inference_server.ports import Accepted, Claimed

NATS, FLEET = "nats on sqlite", "nats on postgresql, pictures on s3"
PATIENCE_S = 10.0  # a key goes over a network; what waits in the record is there at once
ACK_WAIT_S = 1.0


@pytest.fixture(params=[*KINDS, NATS, FLEET])
def place(request: pytest.FixtureRequest, make_place: Callable[[str], Place]) -> Iterator[Place]:
    """An empty record that is not yet open; the one in memory keeps pictures there too."""
    kind: str = request.param
    if kind in KINDS:
        made = make_place(kind)
        yield replace(made, objects=MemoryStore()) if kind == SQLITE_MEMORY else made
        return
    server: OwnNats = request.getfixturevalue("nats_server")
    stream = f"frames-{uuid.uuid4().hex[:8]}"
    bus = BusOptions(url=server.url, plan=StreamPlan(name=stream, ack_wait_s=ACK_WAIT_S), sweep_every_s=0.0)
    on = make_place(POSTGRESQL if kind == FLEET else SQLITE_FILE)
    objects = None
    if kind == FLEET:
        where: ObjectPlace = request.getfixturevalue("objects")
        objects = open_store(replace(where, url=f"{where.url}/{stream}"))
    yield replace(on, kind=kind, bus=bus, objects=objects)
    server.forget(stream)


@pytest.fixture
def clock() -> SetClock:
    """Noon, until a test says otherwise."""
    return SetClock()


@pytest.fixture
def record(place: Place, clock: SetClock) -> Iterator[Adapters]:
    """An empty record whose queue holds five frames."""
    limits = QueueLimits(max_frames=5, max_bytes=10_000, min_free_bytes=0)
    with place.opened(OpeningOptions(clock=clock, limits=limits)) as adapters:
        yield adapters


def put(record: Adapters, *numbers: int, camera: str = "front") -> list[Frame]:
    """Accept frames."""
    frames = [a_frame(number, camera=camera) for number in numbers]
    for frame, number in zip(frames, numbers, strict=True):
        record.queue.put(frame, a_picture(number))
    return frames


def claim(record: Adapters) -> Claimed:
    """The next frame, which must be there."""
    claimed = record.queue.claim(0.0 if record.bus is None else PATIENCE_S)
    assert claimed is not None
    return claimed


def finish(record: Adapters, claimed: Claimed) -> None:
    """Report on a frame and let it go."""
    with record.store.work(()) as work:
        work.finish(claimed.frame, a_report(claimed.frame))
    record.queue.release(claimed)


def spooled(record: Adapters) -> set[str]:
    """The names of the spooled pictures."""
    return set(record.spool.ages_s())


def test_a_frame_comes_out_as_it_went_in(record: Adapters) -> None:
    frame = a_frame()
    assert record.queue.put(frame, a_picture()) == Accepted(frame_id=frame.id, is_new=True)
    assert claim(record) == Claimed(frame=frame, picture=a_picture(), attempts=0)


def test_an_empty_queue_gives_nothing(record: Adapters) -> None:
    assert record.queue.claim() is None
    assert record.queue.depth() == 0


def test_the_same_frame_again_is_not_new_whatever_became_of_it(record: Adapters) -> None:
    frame = a_frame()
    again = Accepted(frame_id=frame.id, is_new=False)
    put(record, 0)
    assert record.queue.put(frame, a_picture()) == again
    claimed = claim(record)
    assert record.queue.put(frame, a_picture()) == again
    finish(record, claimed)
    assert record.queue.put(frame, a_picture()) == again
    assert record.queue.claim() is None
    assert spooled(record) == set()


def test_frames_of_one_camera_come_one_at_a_time_in_order_of_arrival(record: Adapters) -> None:
    put(record, 3, 1, 2)
    for number in (3, 1, 2):
        claimed = claim(record)
        assert claimed.frame.seq == number
        assert record.queue.claim() is None
        finish(record, claimed)


def test_another_camera_need_not_wait(record: Adapters) -> None:
    put(record, 1, 2)
    put(record, 3, camera="rear")
    assert [claim(record).frame.seq for _ in range(2)] == [1, 3]
    assert record.queue.claim() is None


def test_a_released_frame_is_gone_with_its_picture(record: Adapters) -> None:
    (frame,) = put(record, 1)
    assert record.queue.depth() == 1
    assert spooled(record) == {frame.id}
    finish(record, claim(record))
    assert record.queue.depth() == 0
    assert spooled(record) == set()


def test_a_frame_without_a_report_cannot_be_released(record: Adapters) -> None:
    (frame,) = put(record, 1)
    with pytest.raises(RuntimeError, match="no report"):
        record.queue.release(claim(record))
    assert spooled(record) == {frame.id}


def test_a_camera_is_free_with_the_report_of_its_frame_and_nothing_late_stops_it(record: Adapters) -> None:
    put(record, 1, 2, 3)
    first = claim(record)
    with record.store.work(()) as work:
        work.finish(first.frame, a_report(first.frame))
    if record.bus is not None:  # there the key of the first one must go before another comes out
        record.queue.release(first)
    second = claim(record)
    assert second.frame.seq == 2
    record.queue.give_back(first)
    if record.bus is None:
        record.queue.release(first)
    assert record.queue.claim() is None
    finish(record, second)
    assert claim(record).frame.seq == 3


def test_a_frame_turned_away_has_its_report_and_never_a_picture(record: Adapters) -> None:
    frame = a_frame(1)
    report = a_dropped_report(frame)
    assert record.queue.turn_away(frame, report) == Accepted(frame_id=frame.id, is_new=True)
    assert record.store.report(frame.id) == report
    assert (record.queue.depth(), spooled(record)) == (0, set())
    assert record.queue.claim() is None


def test_a_frame_turned_away_or_put_before_is_not_new(record: Adapters) -> None:
    frame = a_frame(1)
    again = Accepted(frame_id=frame.id, is_new=False)
    record.queue.turn_away(frame, a_dropped_report(frame))
    assert record.queue.turn_away(frame, a_dropped_report(frame, DropReason.NO_FIX)) == again
    assert record.queue.put(frame, a_picture(1)) == again
    found = record.store.report(frame.id)
    assert found is not None
    assert found.drop is not None
    assert found.drop.reason is DropReason.NOT_MOVED
    assert (record.queue.depth(), spooled(record)) == (0, set())


def test_a_frame_that_waits_or_is_in_work_stays_so_when_it_comes_again_to_be_turned_away(record: Adapters) -> None:
    (frame,) = put(record, 1)
    again = Accepted(frame_id=frame.id, is_new=False)
    assert record.queue.turn_away(frame, a_dropped_report(frame)) == again
    claimed = claim(record)
    assert record.queue.turn_away(frame, a_dropped_report(frame)) == again
    assert record.store.report(frame.id) is None
    assert (record.queue.depth(), spooled(record)) == (1, {frame.id})
    finish(record, claimed)
    assert record.store.report(frame.id) == a_report(frame)


def test_a_frame_turned_away_leaves_those_of_its_camera_as_they_wait(record: Adapters) -> None:
    first, second = put(record, 1, 2)
    claimed = claim(record)
    later = a_frame(3)
    assert record.queue.turn_away(later, a_dropped_report(later)) == Accepted(frame_id=later.id, is_new=True)
    assert (record.queue.depth(), spooled(record)) == (2, {first.id, second.id})
    finish(record, claimed)
    assert claim(record).frame == second


def test_a_frame_given_back_comes_again_after_a_pause_and_before_the_later_ones(
    record: Adapters, clock: SetClock
) -> None:
    put(record, 1, 2)
    for attempts, pause_s in enumerate((0.5, 1.0, 2.0)):
        claimed = claim(record)
        assert (claimed.frame.seq, claimed.attempts) == (1, attempts)
        record.queue.give_back(claimed)
        clock.advance(pause_s - 0.01)
        assert record.queue.claim() is None
        clock.advance(0.01)
    assert claim(record).attempts == 3


def test_a_full_queue_refuses_new_frames_but_knows_old_ones(record: Adapters) -> None:
    put(record, 1, 2, 3, 4, 5)
    with pytest.raises(QueueFull) as refusal:
        put(record, 6)
    assert 1.0 <= refusal.value.retry_after_s <= 120.0
    assert not record.queue.put(a_frame(5), a_picture(5)).is_new
    finish(record, claim(record))
    put(record, 6)


def test_a_queue_is_full_by_bytes_too(record: Adapters) -> None:
    big = b"x" * 9_000
    record.queue.put(replace(a_frame(1), size_bytes=len(big)), big)
    with pytest.raises(QueueFull):
        record.queue.put(a_frame(2), b"y" * 1_001)
    assert len(spooled(record)) == 1
    record.queue.put(a_frame(2), b"y" * 1_000)


def test_a_full_disk_refuses_frames(place: Place) -> None:
    if place.objects is not None:
        pytest.skip("an object store does not tell how much room it has")
    with place.opened(OpeningOptions(limits=QueueLimits(min_free_bytes=1 << 60))) as record, pytest.raises(QueueFull):
        put(record, 1)


def test_a_frame_sent_by_eight_at_once_is_new_once(record: Adapters) -> None:
    together = threading.Barrier(8)

    def send(_: int) -> bool:
        together.wait()
        return record.queue.put(a_frame(), a_picture()).is_new

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(send, range(8))) == [False] * 7 + [True]
    assert claim(record).picture == a_picture()


def test_many_threads_get_every_frame_once_and_every_camera_in_order(place: Place) -> None:
    seen: dict[str, list[int]] = {f"car-1/{camera}": [] for camera in "abc"}
    at_work: set[str] = set()

    def analyse(wait_s: float = 0.0) -> None:
        while (claimed := record.queue.claim(wait_s)) is not None:
            camera = claimed.frame.camera
            assert camera not in at_work
            at_work.add(camera)
            seen[camera].append(claimed.frame.seq)
            at_work.remove(camera)
            finish(record, claimed)

    with place.opened() as record:
        for number in range(10):
            for camera in "abc":
                put(record, number, camera=camera)
        with ThreadPoolExecutor(6) as pool:
            for done in [pool.submit(analyse) for _ in range(6)]:
                done.result()
        while record.queue.depth():
            analyse(0.1)  # a thread that found all cameras busy has gone; the last frames are ours
        assert record.store.counts() == {"frames.analysed": 30}
    assert seen == {camera: list(range(10)) for camera in seen}


def test_who_waits_is_woken_by_a_frame(record: Adapters) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(record.queue.claim, 20.0)
        time.sleep(0.05)
        put(record, 1)
        sent_s = time.monotonic()
        assert waiting.result() is not None
        assert time.monotonic() - sent_s < 5.0


def test_who_waits_in_vain_gets_nothing(record: Adapters) -> None:
    begun_s = time.monotonic()
    assert record.queue.claim(0.1) is None
    assert time.monotonic() - begun_s >= 0.1


def test_a_camera_whose_worker_is_silent_too_long_goes_to_another(record: Adapters, clock: SetClock) -> None:
    put(record, 1)
    claim(record)
    clock.advance(119.0)
    assert record.queue.claim() is None
    clock.advance(2.0)
    assert claim(record).attempts == 1


def test_what_a_dead_process_had_in_hand_is_free_at_once_and_counts_as_an_attempt(lasting: Place) -> None:
    with lasting.opened() as record:
        put(record, 1, 2)
        claim(record)
    with lasting.opened() as record:
        claimed = claim(record)
        assert (claimed.frame.seq, claimed.attempts) == (1, 1)
        finish(record, claimed)
        assert (claim(record).frame.seq, record.queue.depth()) == (2, 1)


def test_what_a_living_process_has_in_hand_is_left_to_it(lasting: Place) -> None:
    with lasting.opened() as record:
        put(record, 1)
        claimed = claim(record)
        with lasting.opened() as other:
            assert other.queue.claim() is None
            put(other, 2, camera="rear")
            assert claim(other).frame.seq == 2
        finish(record, claimed)


def test_a_row_whose_picture_is_gone_at_start_becomes_a_failed_frame(lasting: Place) -> None:
    with lasting.opened() as record:
        lost, kept = put(record, 1, 2)
        record.spool.remove(lost.id)
    with lasting.opened() as record:
        report = record.store.report(lost.id)
        assert report is not None
        assert report.drop == Drop(DropReason.FAILED, {"cause": "spooled picture missing"})
        assert claim(record).frame == kept


@pytest.mark.parametrize(
    ("left", "cause"),
    [
        pytest.param(None, "spooled picture missing", id="gone"),
        pytest.param(b"other", "spooled picture damaged", id="damaged"),
    ],
)
def test_a_picture_that_is_no_longer_itself_stops_nobody(record: Adapters, left: bytes | None, cause: str) -> None:
    lost, kept = put(record, 1, 2)
    record.spool.remove(lost.id)
    if left is not None:
        record.spool.write(lost.id, left)
    assert claim(record).frame == kept
    report = record.store.report(lost.id)
    assert report is not None
    assert report.drop == Drop(DropReason.FAILED, {"cause": cause})


def test_only_old_files_that_no_row_owns_are_swept_at_start(lasting: Place) -> None:
    if lasting.objects is not None:
        pytest.skip("an object store dates its objects itself")
    with lasting.opened() as record:
        (frame,) = put(record, 1)
    spool = lasting.folder / "spool"
    for name, age_s in (("orphan", 700.0), (".half.part", 700.0), ("fresh", 5.0), (frame.id, 700.0)):
        with (spool / name).open("ab"):
            pass
        then = time.time() - age_s
        os.utime(spool / name, (then, then))
    with lasting.opened() as record:
        assert spooled(record) == {"fresh", frame.id}
        assert claim(record).frame == frame


def test_a_greedy_device_leaves_room_for_another(place: Place) -> None:
    limits = QueueLimits(max_frames=34, min_free_bytes=0)
    with place.opened(OpeningOptions(limits=limits)) as record:
        with pytest.raises(QueueFull, match="share"):
            put(record, *range(34))
        assert record.queue.put(a_frame(1, device="car-2"), a_picture(1)).is_new


@pytest.fixture
def displacing(place: Place, clock: SetClock) -> Iterator[Adapters]:
    """A queue of three frames in which live ones displace each other."""
    limits = QueueLimits(max_frames=3, min_free_bytes=0, displaces=True)
    with place.opened(OpeningOptions(clock=clock, limits=limits)) as record:
        yield record


def live(number: int, **changes: Any) -> Frame:
    """A frame that is received as soon as it is taken."""
    frame = a_frame(number)
    return replace(frame, received_at=frame.taken_at, **changes)


def test_a_new_live_frame_takes_the_place_of_the_oldest_with_a_report_and_a_count(displacing: Adapters) -> None:
    frames = [live(number) for number in range(4)]
    for frame in frames:
        assert displacing.queue.put(frame, a_picture(frame.seq)).is_new
    report = displacing.store.report(frames[0].id)
    assert report is not None
    assert report.drop is not None
    assert report.drop.reason is DropReason.DISPLACED
    assert spooled(displacing) == {frame.id for frame in frames[1:]}
    assert displacing.store.counts()["frames.dropped.displaced"] == 1
    assert claim(displacing).frame == frames[1]


def test_a_frame_in_work_is_not_displaced(displacing: Adapters) -> None:
    frames = [live(number) for number in range(4)]
    for frame in frames[:3]:
        displacing.queue.put(frame, a_picture(frame.seq))
    claimed = claim(displacing)
    displacing.queue.put(frames[3], a_picture(3))
    assert displacing.store.report(claimed.frame.id) is None
    assert displacing.store.report(frames[1].id) is not None


def test_a_frame_from_a_buffer_displaces_nothing_and_is_displaced_by_nothing(displacing: Adapters) -> None:
    stored = [replace(a_frame(n), received_at=a_frame(n).taken_at + timedelta(hours=1)) for n in range(4)]
    for frame in stored[:3]:
        displacing.queue.put(frame, a_picture(frame.seq))
    with pytest.raises(QueueFull):
        displacing.queue.put(stored[3], a_picture(3))
    with pytest.raises(QueueFull):
        displacing.queue.put(live(5), a_picture(5))
