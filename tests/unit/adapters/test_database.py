"""What SQLite is told, and that the frequent questions are answered from an index."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, select, text
from sqlalchemy.exc import StatementError
from support.builders import a_frame

from inference_server.adapters import sql_outbox, sql_queue, sql_store, sql_work, tables
from inference_server.adapters.database import Database
from inference_server.adapters.frame_rows import frame_values
from inference_server.adapters.opening import default_database_url, migrate


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A migrated SQLite file."""
    opened = Database(default_database_url(tmp_path))
    migrate(opened)
    yield opened
    opened.close()


def pragma(database: Database, name: str, *, writing: bool = False, durable: bool = True) -> Any:
    """The value of a pragma on a connection of a kind."""
    with database.writing(durable=durable) if writing else database.reading() as connection:
        return connection.execute(text(f"PRAGMA {name}")).scalar_one()


def test_the_log_is_written_ahead_and_keys_are_checked(database: Database) -> None:
    assert pragma(database, "journal_mode") == "wal"
    assert pragma(database, "foreign_keys") == 1
    assert pragma(database, "busy_timeout") == 15_000


def test_only_durable_transactions_wait_for_the_disk(database: Database) -> None:
    off, normal, full = 0, 1, 2
    assert pragma(database, "synchronous", writing=True) == full
    assert pragma(database, "synchronous", writing=True, durable=False) == normal
    assert pragma(database, "synchronous", writing=True) == full
    hasty = Database(database.url, fast_unsafe=True)
    assert pragma(hasty, "synchronous", writing=True) == off
    hasty.close()


def test_a_writer_locks_from_its_first_statement_on(database: Database) -> None:
    order: list[str] = []
    began, together = threading.Event(), threading.Barrier(2)

    def first() -> None:
        with database.writing() as connection:
            together.wait()
            began.wait(0.2)
            connection.execute(text("SELECT 1"))
            order.append("first")

    def second() -> None:
        together.wait()
        with database.writing() as connection:
            connection.execute(text("SELECT 1"))
            order.append("second")

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(first), pool.submit(second)]:
            done.result()
    assert order == ["first", "second"]


NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
BEFORE = {"camera": "car-1/front", "before": NOON}


@pytest.mark.parametrize(
    ("statement", "values", "index"),
    [
        pytest.param(
            sql_store._ANALYSED_WITH_FIX,
            BEFORE,
            "ix_frames_camera_state_taken_at (camera=? AND state=? AND taken_at<?)",
            id="last analysed frame",
        ),
        pytest.param(sql_store._WITH_FIX, BEFORE, "ix_frames_with_fix (camera=? AND taken_at<?)", id="last frame"),
        pytest.param(sql_queue._FREE_CAMERA, {"now": NOON}, "COVERING INDEX ix_frames_queued", id="camera with work"),
        pytest.param(sql_queue._OLDEST, {"of": "c"}, "ix_frames_queued_of_camera (camera=?)", id="oldest of a camera"),
        pytest.param(sql_queue._DEPTH, {}, "COVERING INDEX ix_frames_queued", id="depth of the queue"),
        pytest.param(sql_queue._BY_CAMERA, {}, "COVERING INDEX ix_frames_queued", id="level of the queue"),
        pytest.param(sql_queue._UNHELD, {"now": NOON}, "ix_frames_queued", id="frames that nobody holds"),
        pytest.param(sql_queue._OLDEST_OF_DEVICE, {"of": "car-1"}, "ix_frames_queued", id="oldest of a device"),
        pytest.param(sql_outbox._DUE, {"now": NOON, "most": 5}, "ix_events_pending", id="events that are due"),
        pytest.param(sql_work._CANDIDATES, {"cells": [1, 2]}, "ix_candidates_cell (cell=?)", id="candidates of cells"),
        pytest.param(
            sql_work._TRACKS,
            {"drive": "p", "since": NOON},
            "ix_tracks_pass_id_last_at (pass_id=? AND last_at>?)",
            id="tracks of a pass",
        ),
        pytest.param(
            sql_work._PASSES,
            {"camera": "c", "since": NOON, "until": NOON},
            "ix_passes_camera_last_at (camera=? AND last_at>?)",
            id="passes of a camera",
        ),
        pytest.param(
            sql_work._CASES,
            {"candidates": ["a", "b"]},
            "ix_cases_candidate_id (candidate_id=?)",
            id="cases of candidates",
        ),
    ],
)
def test_frequent_questions_are_answered_from_an_index(
    database: Database, statement: Any, values: dict[str, Any], index: str
) -> None:
    asked: list[tuple[str, Any]] = []

    def listen(_conn: Any, _cursor: Any, sql: str, parameters: Any, _context: Any, _many: bool) -> None:
        asked.append((sql, parameters))

    with database.reading() as connection:
        event.listen(connection, "before_cursor_execute", listen)
        connection.execute(statement, values).all()
        sql, parameters = asked[0]
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", parameters).all()
    used = " / ".join(row[3] for row in plan)
    assert index in used
    if statement in (sql_store._ANALYSED_WITH_FIX, sql_store._WITH_FIX, sql_queue._FREE_CAMERA, sql_queue._OLDEST):
        assert "TEMP B-TREE" not in used  # the first row is found without sorting the others


def test_a_time_keeps_its_moment_to_the_microsecond_in_any_zone(database: Database) -> None:
    moment = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=8)))
    row = {**frame_values(a_frame()), "taken_at": moment, "state": "queued"}
    with database.writing() as connection:
        connection.execute(insert(tables.frames), row)
    with database.reading() as connection:
        read = connection.execute(select(tables.frames.c.taken_at)).scalar_one()
    assert read == moment
    assert read.tzinfo == UTC


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    row = {**frame_values(a_frame()), "taken_at": datetime(2026, 11, 22), "state": "queued"}  # noqa: DTZ001
    with pytest.raises(StatementError, match="no time zone"), database.writing() as connection:
        connection.execute(insert(tables.frames), row)
