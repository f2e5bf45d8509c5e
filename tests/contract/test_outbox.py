"""What the outbox promises, on every database."""

from support.builders import an_event, at
from support.records import Place

from inference_server.adapters.opening import Adapters
from inference_server.ports import Event


def add(record: Adapters, *events: Event) -> None:
    """Commit events."""
    with record.store.work(()) as work:
        for event in events:
            work.add_event(event)


def due(record: Adapters, seconds: float = 0.0, limit: int = 10) -> list[str]:
    """The ids of what is due."""
    return [item.event.id for item in record.outbox.due(at(seconds), limit)]


def test_an_event_is_due_at_once_and_comes_as_it_was(record: Adapters) -> None:
    future = an_event(occurred_at=at(1e6))
    add(record, future)
    (item,) = record.outbox.due(at(0), 10)
    assert (item.event, item.attempts) == (future, 0)


def test_nothing_is_due_in_an_empty_outbox(record: Adapters) -> None:
    assert due(record) == []


def test_events_come_oldest_first_and_one_per_case(record: Adapters) -> None:
    for name, case in (("a1", "a"), ("b1", "b"), ("a2", "a"), ("c1", "c"), ("b2", "b")):
        add(record, an_event(name, subject=case))
    assert due(record) == ["a1", "b1", "c1"]
    assert due(record, limit=2) == ["a1", "b1"]


def test_a_told_event_makes_way_for_the_next_of_its_case(record: Adapters) -> None:
    add(record, an_event("a1", subject="a"), an_event("a2", subject="a"))
    (item,) = record.outbox.due(at(0), 10)
    record.outbox.mark_sent(item, at(1))
    assert due(record) == ["a2"]
    assert record.store.counts() == {"events.pending": 1, "events.sent": 1}


def test_a_failed_event_waits_for_its_time_and_the_later_ones_of_its_case_wait_with_it(record: Adapters) -> None:
    add(record, an_event("a1", subject="a"), an_event("a2", subject="a"), an_event("b1", subject="b"))
    item = record.outbox.due(at(0), 10)[0]
    record.outbox.mark_failed(item, "HTTP 503", at(5))
    assert due(record, 4.9) == ["b1"]
    assert due(record, 5.0) == ["a1", "b1"]
    (again,) = record.outbox.due(at(5), 1)
    assert again.attempts == 1


def test_a_dead_letter_stands_in_nobodys_way_until_it_is_replayed(record: Adapters) -> None:
    add(record, an_event("a1", subject="a"), an_event("a2", subject="a"))
    (item,) = record.outbox.due(at(0), 10)
    record.outbox.mark_failed(item, "HTTP 410", None)
    assert due(record) == ["a2"]
    assert record.store.counts() == {"events.dead": 1, "events.pending": 1}
    assert record.outbox.replay_dead() == 1
    assert record.outbox.replay_dead() == 0
    assert due(record) == ["a1"]
    assert record.outbox.due(at(0), 1)[0].attempts == 0


def test_what_was_told_is_not_replayed(record: Adapters) -> None:
    add(record, an_event())
    (item,) = record.outbox.due(at(0), 10)
    record.outbox.mark_sent(item, at(1))
    assert record.outbox.replay_dead() == 0
    assert due(record, 1e9) == []


def test_one_process_at_a_time_is_told_what_is_due(lasting: Place) -> None:
    with lasting.opened() as first:
        add(first, an_event())
        assert due(first) == ["event-1"]
        with lasting.opened() as second:
            assert due(second) == []
            assert due(first, 1.0) == ["event-1"]
            assert due(second, 400.0) == ["event-1"]  # the first has been silent too long


def test_a_new_process_delivers_at_once_for_a_dead_one(lasting: Place) -> None:
    with lasting.opened() as first:
        add(first, an_event())
        assert due(first) == ["event-1"]
    with lasting.opened() as second:
        assert due(second) == ["event-1"]


def test_the_age_of_the_outbox_is_that_of_its_first_event(record: Adapters) -> None:
    assert record.store.oldest_waiting() == {}
    first, second = an_event("a1", subject="a"), an_event("b1", subject="b")
    add(record, first, second)
    assert record.store.oldest_waiting() == {"event": first.occurred_at}
    record.outbox.mark_sent(record.outbox.due(at(0), 10)[0], at(1))
    assert record.store.oldest_waiting() == {"event": second.occurred_at}
