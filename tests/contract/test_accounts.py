"""What accounts, sessions and counted tries promise, on every database."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select
from support.builders import at
from support.clocks import SetClock

from inference_server.access_ports import SessionLimits, SignedIn
from inference_server.adapters import tables
from inference_server.adapters.opening import Adapters
from inference_server.domain.account import Account, Role
from inference_server.domain.errors import Conflict, NotFound
from inference_server.domain.throttle import Bucket

LIMITS = SessionLimits(idle=timedelta(minutes=60), longest=timedelta(hours=12))
ROOM = Bucket(tries=3, leak_s=10.0)
ANN = "operator:ann"


@pytest.fixture
def record(timed_record: Adapters) -> Adapters:
    """Under the test's clock."""
    return timed_record


def test_an_account_comes_back_as_it_was_added(record: Adapters) -> None:
    accounts = record.accounts
    assert not accounts.has_active()
    added = accounts.add("zhang", Role.REVIEWER, ("330102", "330106"), "hash 1", by=ANN)
    accounts.add("bao", Role.VIEWER, None, "hash 2", by=ANN)
    assert added == Account(name="zhang", role=Role.REVIEWER, districts=("330102", "330106"), created_at=at(0))
    assert accounts.account("zhang") == added
    assert [(one.name, one.districts) for one in accounts.accounts()] == [
        ("bao", None),
        ("zhang", ("330102", "330106")),
    ]
    assert accounts.password_hash("zhang") == "hash 1"
    assert accounts.has_active()


def test_a_name_is_taken_once_and_an_unknown_one_is_not_found(record: Adapters) -> None:
    accounts = record.accounts
    accounts.add("zhang", Role.VIEWER, None, "hash 1", by=ANN)
    with pytest.raises(Conflict):
        accounts.add("zhang", Role.OPERATOR, None, "hash 2", by=ANN)
    assert (accounts.account("zhang").role, accounts.password_hash("zhang")) == (Role.VIEWER, "hash 1")
    assert accounts.password_hash("nobody") is None
    for change in (accounts.disable, accounts.enable):
        with pytest.raises(NotFound):
            change("nobody", by=ANN)
    with pytest.raises(NotFound):
        accounts.set_password("nobody", "hash", by=ANN)


def test_every_change_of_an_account_is_noted_without_its_password(record: Adapters) -> None:
    accounts = record.accounts
    accounts.add("zhang", Role.VIEWER, ("330102",), "hash 1", by=ANN)
    accounts.set_password("zhang", "hash 2", by=ANN)
    accounts.disable("zhang", by=ANN)
    accounts.enable("zhang", by=ANN)
    accounts.change("zhang", Role.OPERATOR, None, by=ANN)
    with pytest.raises(Conflict):
        accounts.add("zhang", Role.VIEWER, None, "hash 3", by=ANN)
    entries = list(record.audit.entries())
    actions = ["account.added", "account.password_set", "account.disabled", "account.enabled"]
    actions.append("account.changed")
    assert [str(entry.note.action) for entry in entries] == actions
    assert {(entry.note.who, entry.note.object) for entry in entries} == {("ann", "account:zhang")}
    assert "hash" not in repr([entry.note for entry in entries])


def test_a_hash_is_renewed_only_while_it_is_the_one_that_was_read(record: Adapters) -> None:
    record.accounts.add("zhang", Role.VIEWER, None, "old", by=ANN)
    record.accounts.renew_hash("zhang", "old", "new")
    record.accounts.renew_hash("zhang", "old", "newer")
    assert record.accounts.password_hash("zhang") == "new"


def test_a_session_tells_who_signed_in_and_nobody_can_read_its_secret(record: Adapters) -> None:
    record.accounts.add("zhang", Role.REVIEWER, ("330102",), "hash", by=ANN)
    mine, once = record.sessions.begin("zhang"), record.sessions.begin(None)
    assert record.sessions.find(mine, LIMITS) == SignedIn(name="zhang", role=Role.REVIEWER, districts=("330102",))
    assert record.sessions.find(once, LIMITS) == SignedIn(name="console", role=Role.OPERATOR, districts=None)
    for wrong in ("", mine + "x", mine[:-1], "巡城", "x" * 10_000):
        assert record.sessions.find(wrong, LIMITS) is None
    with record.database.reading() as connection:
        kept = repr(connection.execute(select(tables.console_sessions)).all())
    assert mine not in kept
    assert once not in kept


def test_a_session_ends_when_nobody_does_anything_and_at_its_longest(record: Adapters, clock: SetClock) -> None:
    idle, busy = record.sessions.begin(None), record.sessions.begin(None)
    for _ in range(12):
        clock.advance(3599.0)
        assert record.sessions.find(busy, LIMITS) is not None
        record.sessions.saw(busy)
    assert record.sessions.find(idle, LIMITS) is None
    clock.advance(13.0)
    assert record.sessions.find(busy, LIMITS) is None, "12 hours are over"


def test_a_session_that_was_left_does_not_come_back(record: Adapters) -> None:
    mine, other = record.sessions.begin(None), record.sessions.begin(None)
    record.sessions.end(mine)
    record.sessions.end(mine)
    record.sessions.saw(mine)
    assert record.sessions.find(mine, LIMITS) is None
    assert record.sessions.find(other, LIMITS) is not None


def test_another_role_and_other_districts_hold_for_the_next_session(record: Adapters) -> None:
    record.accounts.add("zhang", Role.OPERATOR, None, "hash", by=ANN)
    before = record.sessions.begin("zhang")
    record.accounts.change("zhang", Role.VIEWER, ("330106",), by=ANN)
    assert record.sessions.find(before, LIMITS) is None
    after = record.sessions.find(record.sessions.begin("zhang"), LIMITS)
    assert after == SignedIn(name="zhang", role=Role.VIEWER, districts=("330106",))
    with pytest.raises(NotFound):
        record.accounts.change("nobody", Role.VIEWER, None, by=ANN)


@pytest.mark.parametrize("change", ["password", "disable"])
def test_a_new_password_and_a_disabled_account_end_its_sessions_and_no_others(record: Adapters, change: str) -> None:
    for name in ("zhang", "bao"):
        record.accounts.add(name, Role.OPERATOR, None, "hash", by=ANN)
    his, hers = record.sessions.begin("zhang"), record.sessions.begin("bao")
    if change == "password":
        record.accounts.set_password("zhang", "other", by=ANN)
        assert record.accounts.password_hash("zhang") == "other"
    else:
        record.accounts.disable("zhang", by=ANN)
        assert record.accounts.password_hash("zhang") is None
        record.accounts.enable("zhang", by=ANN)
        assert record.accounts.password_hash("zhang") == "hash"
    assert record.sessions.find(his, LIMITS) is None
    assert record.sessions.find(hers, LIMITS) is not None


def test_tries_fill_a_bucket_and_time_empties_it(record: Adapters, clock: SetClock) -> None:
    take = record.tries.take
    assert [take({"a": ROOM}) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert take({"a": ROOM}) == 10.0
    clock.advance(4.0)
    assert take({"a": ROOM}) == pytest.approx(6.0)
    clock.advance(6.0)
    assert take({"a": ROOM}) == 0.0
    assert take({"a": ROOM}) == pytest.approx(10.0)
    assert take({"b": ROOM}) == 0.0


def test_a_try_that_one_bucket_refuses_is_counted_in_none(record: Adapters) -> None:
    for _ in range(3):
        record.tries.take({"full": ROOM})
    assert record.tries.take({"full": ROOM, "other": ROOM}) == 10.0
    assert [record.tries.take({"other": ROOM}) for _ in range(3)] == [0.0, 0.0, 0.0]


def test_a_good_try_empties_one_bucket_and_eases_the_other(record: Adapters) -> None:
    for _ in range(3):
        record.tries.take({"account": ROOM, "address": ROOM})
    record.tries.forgive(emptied="account", eased="address")
    assert [record.tries.take({"account": ROOM}) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert record.tries.take({"address": ROOM}) == 0.0
    assert record.tries.take({"address": ROOM}) > 0.0


def test_of_many_tries_at_once_only_as_many_get_through_as_there_is_room(record: Adapters) -> None:
    waits: list[float] = []
    threads = [
        threading.Thread(target=lambda: waits.append(record.tries.take({"a": ROOM, "b": ROOM}))) for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert waits.count(0.0) == 3
    assert len(waits) == 12
