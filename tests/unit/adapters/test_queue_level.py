"""Who may put a frame in, and when to come again: over a queue of numbers and a clock that is set."""

from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference_server.adapters.queue_level import Amount, QueueLevel, Waiting

SIZE = 1000


@dataclass
class Record:
    """What a database would answer: frames in order of arrival, and how many have ever come."""

    now_s: float = 0.0
    waiting: list[str] = field(default_factory=list)
    arrived: int = 0

    def ask(self) -> Waiting:
        """The level, exactly."""
        by_device = {device: Amount(count, SIZE * count) for device, count in Counter(self.waiting).items()}
        return Waiting(Amount(len(self.waiting), SIZE * len(self.waiting)), by_device, self.arrived)

    def put(self, level: QueueLevel, device: str) -> bool:
        """Whether a frame found room."""
        if level.room(device, SIZE) is not None:
            return False
        self.waiting.append(device)
        self.arrived += 1
        level.put(device, SIZE)
        return True

    def fill(self, level: QueueLevel, *devices: str) -> None:
        """All devices put in as much as they may, in turn."""
        while [device for device in devices if self.put(level, device)]:
            continue

    def drain(self, level: QueueLevel, rate: float, seconds: float) -> None:
        """Workers somewhere else do some frames; this process looks at the queue every second."""
        done = 0.0
        for _ in range(round(seconds)):
            self.now_s += 1.001
            done += rate
            while done >= 1.0 and self.waiting:
                self.waiting.pop(0)
                done -= 1.0
            level.room("nobody", SIZE)


def level_of(record: Record, frames: int) -> QueueLevel:
    """A queue for so many frames, or fifty times their bytes."""
    return QueueLevel(record.ask, Amount(frames, 50 * SIZE * frames), lambda: record.now_s)


def test_a_device_alone_gets_nearly_all_of_the_queue_and_never_all_of_a_large_one() -> None:
    record = Record()
    record.fill(level_of(record, 1700), "greedy")
    assert len(record.waiting) == pytest.approx(1600, abs=2)


@settings(max_examples=15)
@given(greedy=st.integers(1, 30))
def test_there_is_always_room_for_a_device_that_has_nothing_waiting(greedy: int) -> None:
    record = Record()
    level = level_of(record, 2000)
    record.fill(level, *(f"greedy-{n}" for n in range(greedy)))
    assert record.put(level, "modest")


def test_busy_devices_get_equal_shares_however_early_one_of_them_came() -> None:
    record = Record()
    level = level_of(record, 1650)
    record.fill(level, "early")
    for _ in range(20):
        record.fill(level, "early", "late")
        record.drain(level, 100.0, 1)
    record.fill(level, "early", "late")
    assert record.waiting.count("early") == pytest.approx(800, abs=120)
    assert record.waiting.count("late") == pytest.approx(800, abs=120)


def test_bytes_are_shared_like_frames() -> None:
    record = Record()
    level = QueueLevel(record.ask, Amount(10_000, 170 * SIZE), lambda: record.now_s)
    record.fill(level, "greedy")
    assert len(record.waiting) == pytest.approx(160, abs=2)
    assert "greedy" in (level.room("greedy", SIZE) or "")
    assert level.room("modest", SIZE) is None


@settings(max_examples=25)
@given(rate=st.floats(1.0, 30.0), others=st.integers(0, 6))
def test_who_comes_again_when_told_to_finds_room_and_is_not_told_to_stay_away_for_nothing(
    rate: float, others: int
) -> None:
    record = Record()
    level = level_of(record, 300)
    devices = ["me", *(f"other-{n}" for n in range(others))]
    record.fill(level, *devices)
    record.drain(level, rate, 8)
    record.fill(level, *devices)
    record.now_s += 1.001
    assert level.room("me", SIZE) is not None
    told_s = level.retry_after_s("me")
    record.drain(level, rate, told_s + 1)
    assert level.room("me", SIZE) is None
    assert told_s <= 0.25 * 300 / rate + 1.0


def test_a_rate_that_is_not_known_yet_is_five_seconds_and_no_work_at_all_is_two_minutes() -> None:
    record = Record()
    level = level_of(record, 100)
    record.fill(level, "me")
    assert level.retry_after_s("me") == 5.0
    record.drain(level, 0.0, 10)
    assert level.retry_after_s("me") == 120.0


def test_workers_without_work_are_not_taken_for_slow_ones() -> None:
    record = Record()
    level = level_of(record, 100)
    record.drain(level, 10.0, 30)
    record.fill(level, "me")
    record.drain(level, 10.0, 3)
    record.fill(level, "me")
    assert level.retry_after_s("me") <= 2.0
