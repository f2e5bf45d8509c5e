"""The delivery loop: real outbox, real HTTP, a clock that the test sets."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from support.builders import an_event, at
from support.case_system import SECRET, CaseSystem, listening
from support.clocks import SetClock

from inference_server.adapters.clock import SystemClock
from inference_server.adapters.opening import Adapters, OpeningOptions, open_adapters
from inference_server.adapters.webhook import WebhookGateway, WebhookSettings
from inference_server.outbox import BACK_OFF_S, Delivery, Round, deliver_due
from inference_server.ports import CaseGateway, Event


@pytest.fixture
def clock() -> SetClock:
    """Noon, until a test says otherwise."""
    return SetClock()


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Adapters]:
    """A record that syncs nothing, for speed."""
    adapters = open_adapters(None, tmp_path / "data", OpeningOptions(fast_unsafe=True))
    yield adapters
    adapters.close()


@pytest.fixture
def system() -> Iterator[CaseSystem]:
    """A case system that listens."""
    with listening(CaseSystem()) as listener:
        yield listener


@contextmanager
def way_to(url: str) -> Iterator[WebhookGateway]:
    """A gateway, closed at the end."""
    gateway = WebhookGateway(WebhookSettings(url=url, secrets=(SECRET,), source="/xuncheng"), SystemClock())
    yield gateway
    gateway.close()


@pytest.fixture
def gateway(system: CaseSystem) -> Iterator[CaseGateway]:
    """The way to the case system."""
    with way_to(system.url) as found:
        yield found


def add(record: Adapters, *names: str) -> None:
    """Events whose first letter is their case."""
    with record.store.work(()) as work:
        for name in names:
            work.add_event(an_event(name, subject=name[0]))


def until(is_so: Callable[[], bool]) -> None:
    """Wait for something that must come."""
    for _ in range(3000):
        if is_so():
            return
        time.sleep(0.01)
    pytest.fail("it did not come")


def test_rounds_tell_everything_once_and_each_case_in_order(
    record: Adapters, system: CaseSystem, gateway: CaseGateway, clock: SetClock
) -> None:
    add(record, "a1", "b1", "a2", "a3", "b2")
    assert deliver_due(record.outbox, gateway, clock) == Round(sent=2)
    assert deliver_due(record.outbox, gateway, clock) == Round(sent=2)
    assert deliver_due(record.outbox, gateway, clock) == Round(sent=1)
    assert deliver_due(record.outbox, gateway, clock) == Round()
    assert system.in_order == ["a1", "b1", "a2", "b2", "a3"]
    assert set(system.times_heard.values()) == {1}
    assert record.store.counts() == {"events.sent": 5}


def test_attempts_follow_the_schedule_of_standard_webhooks_and_end_as_a_dead_letter(
    record: Adapters, system: CaseSystem, gateway: CaseGateway, clock: SetClock
) -> None:
    add(record, "a1")
    system.orders.extend([(500, {})] * 99)
    for wait_s in BACK_OFF_S:
        assert deliver_due(record.outbox, gateway, clock).pause_s == 0.0
        clock.advance(wait_s - 0.001)
        assert deliver_due(record.outbox, gateway, clock) == Round()
        clock.advance(0.001)
    deliver_due(record.outbox, gateway, clock)
    assert record.store.counts() == {"events.dead": 1}
    assert system.times_heard == {"a1": 10}
    assert BACK_OFF_S == (5.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 50400.0, 72000.0, 86400.0)


def test_a_longer_retry_after_is_obeyed(
    record: Adapters, system: CaseSystem, gateway: CaseGateway, clock: SetClock
) -> None:
    add(record, "a1")
    system.orders.append((503, {"retry-after": "60"}))
    assert deliver_due(record.outbox, gateway, clock).pause_s == 60.0
    clock.advance(59.0)
    assert deliver_due(record.outbox, gateway, clock) == Round()
    clock.advance(1.0)
    assert deliver_due(record.outbox, gateway, clock) == Round(sent=1)


def test_a_refused_event_is_a_dead_letter_and_the_others_go_on(
    record: Adapters, system: CaseSystem, gateway: CaseGateway, clock: SetClock
) -> None:
    add(record, "a1", "b1", "a2")
    system.orders.append((422, {}))
    with capture_logs() as lines:
        assert deliver_due(record.outbox, gateway, clock) == Round(sent=1, refused=1)
    assert [line["event_id"] for line in lines if line["event"] == "event_refused"] == ["a1"]
    assert deliver_due(record.outbox, gateway, clock) == Round(sent=1)
    assert record.outbox.replay_dead() == 1
    assert deliver_due(record.outbox, gateway, clock) == Round(sent=1)
    assert system.in_order == ["b1", "a2", "a1"]


def test_a_round_ends_where_nobody_is_at_home(record: Adapters, clock: SetClock) -> None:
    add(record, "a1", "b1", "c1")
    with way_to("http://127.0.0.1:9/events") as nowhere:
        assert deliver_due(record.outbox, nowhere, clock) == Round(pause_s=0.0)
    assert [item.attempts for item in record.outbox.due(at(5), 10)] == [1, 0, 0]


def test_the_thread_delivers_what_is_committed_while_it_runs(
    record: Adapters, system: CaseSystem, gateway: CaseGateway
) -> None:
    delivery = Delivery(record.outbox, gateway, SystemClock(), idle_s=0.02)
    delivery.start()
    add(record, "a1")
    until(lambda: system.in_order == ["a1"])
    add(record, "a2", "a3")
    until(lambda: system.in_order == ["a1", "a2", "a3"])
    assert delivery.stop(within_s=10.0)
    assert record.store.counts() == {"events.sent": 3}


def test_events_of_an_absent_case_system_arrive_when_it_is_back(record: Adapters, system: CaseSystem) -> None:
    add(record, "a1", "a2", "b1")
    system.orders.append((503, {}))
    with way_to(system.url) as gateway:
        delivery = Delivery(record.outbox, gateway, SystemClock(), idle_s=0.02)
        delivery.start()
        until(lambda: system.in_order == ["b1", "a1", "a2"])
        assert delivery.stop(within_s=10.0)
    assert system.times_heard == {"a1": 2, "a2": 1, "b1": 1}


class Broken:
    """A gateway with a fault of our own."""

    def __init__(self) -> None:
        self.asked = 0

    def send(self, event: Event) -> None:
        """Fail in a way that nobody foresaw."""
        self.asked += 1
        raise ZeroDivisionError


def test_a_fault_does_not_end_the_thread(record: Adapters) -> None:
    broken = Broken()
    add(record, "a1")
    delivery = Delivery(record.outbox, broken, SystemClock(), idle_s=0.02)
    with capture_logs() as lines:
        delivery.start()
        until(lambda: broken.asked >= 2)
        assert delivery.stop(within_s=10.0)
    assert any(line["event"] == "outbox_fault" for line in lines)
    assert record.store.counts() == {"events.pending": 1}
