"""Statements that go straight to SQLite's driver say and do what they do through SQLAlchemy."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, bindparam, insert, select
from sqlalchemy.exc import IntegrityError, MultipleResultsFound, OperationalError, StatementError

from inference_server.adapters.column_types import Bytes, Json, UtcTime
from inference_server.adapters.database import Database

THINGS = Table(
    "things",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("index", String),
    Column("at", UtcTime),
    Column("said", Json),
    Column("picture", Bytes),
)
NEW = insert(THINGS)
ALL = select(THINGS).order_by(THINGS.c.id)
NAMED = select(THINGS.c.id).where(THINGS.c.id.in_(bindparam("ids", expanding=True)), THINGS.c.index == bindparam("of"))
ROWS = [
    {
        "id": number,
        "index": "even" if number % 2 == 0 else "odd",
        "at": datetime(2026, 11, 2, 9, number, tzinfo=timezone(timedelta(hours=8))),
        "said": {"list": [number, None]},
        "picture": bytes([number]),
    }
    for number in range(4)
]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A file with the empty table."""
    database = Database(f"sqlite:///{tmp_path / 'things.sqlite'}")
    with database.writing() as connection:
        THINGS.create(connection)
    yield database
    database.close()


def test_rows_are_those_that_sqlalchemy_writes_and_reads(database: Database) -> None:
    with database.writing() as connection:
        database.run(connection, NEW, ROWS[:2])
        database.run(connection, NEW, ROWS[2])
        connection.execute(NEW, ROWS[3])
    with database.reading() as connection:
        theirs = connection.execute(ALL).all()
        ours = list(database.run(connection, ALL, {}))
    assert [tuple(row) for row in ours] == [tuple(row) for row in theirs]
    assert [row.index for row in ours] == ["even", "odd", "even", "odd"]
    assert ours[1].at == datetime(2026, 11, 2, 1, 1, tzinfo=UTC)


def test_a_list_may_have_any_length(database: Database) -> None:
    with database.writing() as connection:
        database.run(connection, NEW, ROWS)
    for ids, found in (([0, 1, 2, 3], [0, 2]), ([3], []), ([2], [2]), ([], [])):
        assert [row.id for row in database.ask(NAMED, {"ids": ids, "of": "even"})] == found


def test_a_question_for_one_row_has_one_answer_at_most(database: Database) -> None:
    assert database.ask(ALL, {}).one_or_none() is None
    assert database.ask(ALL, {}).scalar_one_or_none() is None
    with database.writing() as connection:
        database.run(connection, NEW, ROWS[:2])
    assert database.ask(NAMED, {"ids": [0], "of": "even"}).scalar_one_or_none() == 0
    with pytest.raises(MultipleResultsFound):
        database.ask(ALL, {}).one_or_none()


def test_the_count_says_whether_a_row_is_new(database: Database) -> None:
    statement = database.insert_new(THINGS)
    with database.writing() as connection:
        assert [database.run(connection, statement, ROWS[0]).rowcount for _ in range(2)] == [1, 0]


def test_faults_bear_the_names_of_sqlalchemy_and_undo_the_transaction(database: Database) -> None:
    with pytest.raises(IntegrityError, match="UNIQUE"), database.writing() as connection:
        database.run(connection, NEW, [ROWS[0], ROWS[1], ROWS[0]])
    assert list(database.ask(ALL, {})) == []
    with pytest.raises(OperationalError, match="no such table"):
        database.ask(select(Table("other", MetaData(), Column("id", Integer))), {})


def test_a_time_without_a_zone_is_refused_here_too(database: Database) -> None:
    with pytest.raises((ValueError, StatementError), match="no time zone"), database.writing() as connection:
        database.run(connection, NEW, {**ROWS[0], "at": datetime(2026, 11, 2)})  # noqa: DTZ001
