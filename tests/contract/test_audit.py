"""What the audit log promises, on every database."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DatabaseError
from support.builders import a_candidate, a_case, at
from support.clocks import SetClock
from support.records import CELLS, SQLITE_FILE, Place, changeable_audit

from inference_server.access_ports import AuditLog
from inference_server.adapters import tables
from inference_server.adapters.opening import Adapters
from inference_server.domain.audit import BEGINNING, AuditAction, AuditNote, ChainCheck, check_chain, sealed
from inference_server.domain.camera import Camera
from inference_server.domain.verification_record import Switch

_ROOT = Path(__file__).resolve().parents[2]
_rows = tables.audit


@pytest.fixture
def record(timed_record: Adapters) -> Adapters:
    """Under the test's clock."""
    return timed_record


@pytest.fixture
def audit(record: Adapters) -> AuditLog:
    """The port under test."""
    return record.audit


def a_note(number: int = 0, **details: Any) -> AuditNote:
    """Somebody moves a case."""
    return AuditNote.by("operator:张三", AuditAction.CASE_MOVED, f"case:{number}", **details)


def five(record: Adapters) -> list[str]:
    """The hashes of five entries."""
    return [record.audit.add(a_note(number, to="closed")).hash for number in range(5)]


def checked(record: Adapters, head: str | None = None) -> ChainCheck:
    return check_chain(record.audit.entries(), head)


def test_an_entry_comes_back_as_it_was_written_and_follows_on_the_one_before(audit: AuditLog, clock: SetClock) -> None:
    first = audit.add(a_note(1, to="closed", scopes=["a", "b"], is_off=False, device=None))
    clock.advance(3.000001)
    second = audit.add(a_note(2))
    assert list(audit.entries()) == [first, second]
    assert (first.sequence, first.previous, first.at) == (1, BEGINNING, at(0))
    assert (second.sequence, second.previous) == (2, first.hash)
    assert list(audit.entries(after=1)) == [second] == audit.latest(1)
    assert audit.latest(9) == [first, second]


def test_a_chain_longer_than_a_page_is_whole(audit: AuditLog) -> None:
    last = [audit.add(a_note(number)) for number in range(503)][-1]
    assert check_chain(audit.entries(), last.hash) == ChainCheck(503, last.hash, None)


@pytest.mark.parametrize("verb", ["UPDATE audit SET who = 'nobody'", "DELETE FROM audit"])
def test_the_database_itself_refuses_to_change_the_log(record: Adapters, verb: str) -> None:
    five(record)
    with pytest.raises(DatabaseError, match="only added to"), record.database.writing() as connection:
        connection.execute(text(verb))
    assert checked(record).entries == 5


CHANGES: dict[str, dict[str, Any]] = {
    "who": {"who": "nobody"},
    "role": {"role": "system"},
    "action": {"action": "case.unmoved"},
    "object": {"object": "case:9"},
    "details": {"details": {"to": "void"}},
    "time": {"at": at(1)},
    "hash": {"hash": "f" * 64},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_entry_is_named(record: Adapters, change: str) -> None:
    five(record)
    with record.database.writing() as connection, changeable_audit(connection):
        connection.execute(update(_rows).where(_rows.c.sequence == 3).values(CHANGES[change]))
    broken = checked(record).broken
    assert broken is not None
    assert (broken.sequence, broken.why) == (3, "what it says is not what was written")


def test_an_entry_changed_together_with_its_hash_breaks_the_next_one(record: Adapters) -> None:
    five(record)
    third = list(record.audit.entries())[2]
    forged = sealed(list(record.audit.entries())[1], third.at, replace(third.note, who="nobody"))
    with record.database.writing() as connection, changeable_audit(connection):
        connection.execute(update(_rows).where(_rows.c.sequence == 3).values(who="nobody", hash=forged.hash))
    broken = checked(record).broken
    assert broken is not None
    assert (broken.sequence, "does not follow" in broken.why) == (4, True)


@pytest.mark.parametrize("gone", [1, 3])
def test_a_removed_entry_is_named(record: Adapters, gone: int) -> None:
    five(record)
    with record.database.writing() as connection, changeable_audit(connection):
        connection.execute(delete(_rows).where(_rows.c.sequence == gone))
    broken = checked(record).broken
    assert broken is not None
    assert (broken.sequence, "missing" in broken.why) == (gone, True)


def test_entries_that_changed_places_are_told(record: Adapters) -> None:
    five(record)
    with record.database.writing() as connection, changeable_audit(connection):
        for old, new in ((2, 99), (3, 2), (99, 3)):
            connection.execute(update(_rows).where(_rows.c.sequence == old).values(sequence=new))
    broken = checked(record).broken
    assert broken is not None
    assert broken.sequence == 2


def test_a_cut_off_end_is_told_by_a_hash_that_was_noted_before(record: Adapters) -> None:
    hashes = five(record)
    with record.database.writing() as connection, changeable_audit(connection):
        connection.execute(delete(_rows).where(_rows.c.sequence > 3))
    assert checked(record).broken is None, "without a noted hash nothing is amiss"
    assert checked(record, hashes[2]).broken is None
    broken = checked(record, hashes[4]).broken
    assert broken is not None
    assert (broken.sequence, "cut off" in broken.why) == (4, True)


def test_a_chain_that_was_written_anew_from_the_beginning_is_told_by_a_noted_hash(record: Adapters) -> None:
    head = five(record)[-1]
    kept = list(record.audit.entries())
    with record.database.writing() as connection, changeable_audit(connection):
        connection.execute(delete(_rows))
    for entry in kept:
        record.audit.add(replace(entry.note, who="nobody"))
    assert checked(record).broken is None
    assert checked(record, head).broken is not None


def test_a_noted_hash_still_holds_after_the_log_has_grown(record: Adapters) -> None:
    head = five(record)[-1]
    record.audit.add(a_note(6))
    assert checked(record, head) == ChainCheck(6, record.audit.latest(1)[0].hash, None)


def test_an_empty_log_is_sound(record: Adapters) -> None:
    assert checked(record) == ChainCheck(0, BEGINNING, None)


def test_two_entries_never_follow_on_the_same_one(record: Adapters) -> None:
    five(record)
    row = {"sequence": 6, "at": at(9), "who": "x", "role": "x", "action": "x", "object": "x", "details": {}}
    third = list(record.audit.entries())[2]
    with pytest.raises(DatabaseError), record.database.writing() as connection:
        connection.execute(insert(_rows), {**row, "previous": third.previous, "hash": "0" * 64})


def a_writer(place: Place, name: str) -> "subprocess.Popen[str]":
    """A process that is ready to write 40 entries."""
    paths = os.pathsep.join([str(_ROOT), str(_ROOT / "tests")])
    folder = place.folder if place.kind == SQLITE_FILE else place.folder / name
    return subprocess.Popen(
        [sys.executable, "-m", "support.audit_process", place.url or "-", str(folder), name, "40"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )


def test_processes_that_write_at_once_make_one_chain(lasting: Place) -> None:
    with lasting.opened() as record, a_writer(lasting, "ann") as ann, a_writer(lasting, "bob") as bob:
        for writer in (ann, bob):
            assert writer.stderr is not None
            assert writer.stderr.readline() == "ready\n"
        for writer in (ann, bob):
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
        assert [writer.wait(60) for writer in (ann, bob)] == [0, 0]
        found = checked(record)
        assert (found.entries, found.broken) == (80, None)
        assert {entry.note.who for entry in record.audit.entries()} == {"ann", "bob"}


def test_what_is_rolled_back_is_not_noted(record: Adapters) -> None:
    def fail() -> None:
        with record.store.work(CELLS) as work:
            work.add_note(a_note())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert checked(record).entries == 0


def test_a_note_is_committed_with_what_it_tells_of(record: Adapters) -> None:
    with record.store.work(CELLS) as work:
        work.save_candidate(a_candidate("candidate-1"))
        work.save_case(a_case("case-1", "candidate-1"))
        work.add_note(a_note(1, to="closed"))
        work.add_note(a_note(2, to="void"))
    assert [entry.note.object for entry in record.audit.entries()] == ["case:1", "case:2"]
    assert checked(record).broken is None


def test_the_registry_and_the_switches_note_who_did_what_and_no_secret(record: Adapters) -> None:
    registry = record.registry
    registry.save_device("car-1", "car", by="operator:ann")
    registry.save_camera("car-1", "front", Camera(), by="operator:ann")
    token, secret = registry.issue_token("desk", frozenset({"cases:read"}), None, None, by="operator:bob")
    registry.revoke_token(token.id, by="operator:bob")
    registry.revoke_token(token.id, by="operator:bob")
    record.verifications.throw(Switch(scope="06010", is_off=True, why="test", by="operator:cao", at=at(0)))
    notes = [entry.note for entry in record.audit.entries()]
    assert [(note.who, str(note.action), note.object) for note in notes] == [
        ("ann", "device.saved", "device:car-1"),
        ("ann", "camera.saved", "camera:car-1/front"),
        ("bob", "token.issued", f"token:{token.id}"),
        ("bob", "token.revoked", f"token:{token.id}"),
        ("cao", "closing.switched", "closing:06010"),
    ]
    with record.database.reading() as connection:
        assert secret not in repr(connection.execute(select(_rows)).all())
