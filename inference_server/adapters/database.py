"""One database, SQLite or PostgreSQL, and its two ways in: reading and writing."""

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Select, Table, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from inference_server.adapters.prepared import Answer, Prepared, Statement, Values, as_sqlalchemy

_BUSY_TIMEOUT_S = 15.0
_CONNECT_TIMEOUT_S = 5
_POOL_SIZE = 16
_BEGIN = "BEGIN IMMEDIATE"

# NaN and infinity are no JSON: PostgreSQL would refuse them, SQLite take them. Refused for both, at the source.
to_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class Database:
    """A pool of connections. `fast_unsafe` gives up durability for benchmarks: a power cut may then lose commits."""

    def __init__(self, url: str, *, fast_unsafe: bool = False) -> None:
        self.url = url
        self._engine = _engine(url)
        self.is_sqlite = self._engine.dialect.name == "sqlite"
        self._upserts: dict[str, Any] = {}
        self._prepared: dict[tuple[Any, ...], Prepared] = {}
        # Writers of this process wait here, in turn; SQLite itself lets them poll, and some starve.
        self._turn = threading.RLock()
        # Insertions tell how many rows came in: that is how "is it new?" is answered by the database.
        self._writer = self._engine.execution_options(preserve_rowcount=True)
        self._durable, self._lazy = ("OFF", "OFF") if fast_unsafe else ("FULL", "NORMAL")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection whose every statement sees what is committed at its own moment."""
        with self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[Connection]:
        """A transaction that writes; committed on leaving, rolled back on an error.

        Not `durable` means: survives kill -9 but perhaps no power cut; the next durable commit carries it along.
        """
        synchronous = self._durable if durable else self._lazy
        if not self.is_sqlite:
            with self._writer.begin() as connection:
                if synchronous != "FULL":
                    connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
                yield connection
            return
        with self._turn, self._writer.begin() as connection:
            _begin_sqlite(connection, synchronous)
            yield connection

    def run(self, connection: Connection, statement: Statement, values: Values | list[dict[str, Any]]) -> Answer | Any:
        """What `connection.execute` gives, at less cost. For statements that are built once and live for ever."""
        if not self.is_sqlite:
            return connection.execute(statement, values)
        driver: Any = connection.connection.driver_connection
        return self._prepare(statement, values).run(driver, values)

    def ask(self, statement: Statement, values: Values) -> Answer | Any:
        """The rows of one question by itself; of such a statement too."""
        if not self.is_sqlite:
            with self.reading() as connection:
                return Answer(list(connection.execute(statement, values)), 0)
        pooled = self._engine.raw_connection()
        try:
            driver: Any = pooled.driver_connection
            return self._prepare(statement, values).run(driver, values)
        finally:
            pooled.close()

    def _prepare(self, statement: Statement, values: Values | list[dict[str, Any]]) -> Prepared:
        first = values[0] if isinstance(values, list) else values
        key: tuple[Any, ...] = (id(statement), *first)
        if isinstance(statement, Select):
            key += tuple(len(value) for value in first.values() if isinstance(value, list))
        found = self._prepared.get(key)
        if found is None:
            found = Prepared(statement, self._engine.dialect, first)
            self._prepared[key] = found
        return found

    def upsert(self, table: Table, keys: Sequence[str], never_changed: Sequence[str] = ()) -> Any:
        """The statement that inserts a row or, where `keys` exist, replaces its other columns."""
        found = self._upserts.get(table.name)
        if found is None:
            insert = self._insert(table)
            kept = {*keys, *never_changed}
            changed = {column.name: insert.excluded[column.name] for column in table.c if column.name not in kept}
            found = insert.on_conflict_do_update(index_elements=list(keys), set_=changed)
            self._upserts[table.name] = found
        return found

    def insert_new(self, table: Table) -> Any:
        """The statement that inserts a row, or does nothing where any unique key of it exists."""
        key = f"new {table.name}"
        if key not in self._upserts:
            self._upserts[key] = self._insert(table).on_conflict_do_nothing()
        return self._upserts[key]

    def conditional_upsert(self, table: Table, keys: Sequence[str], changed: Sequence[str], where: Any) -> Any:
        """The statement that inserts a row, or replaces the columns `changed` where the old row fulfils `where`."""
        insert = self._insert(table)
        values = {name: insert.excluded[name] for name in changed}
        return insert.on_conflict_do_update(index_elements=list(keys), set_=values, where=where)

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()

    def _insert(self, table: Table) -> Any:
        insert = sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)
        return insert.inline()  # nobody asks for the counted-up key


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        options = "-c timezone=utc -c lock_timeout=60s"
        engine = create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            json_serializer=to_json,
            pool_size=_POOL_SIZE,
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": _CONNECT_TIMEOUT_S,
                "options": f"{parsed.query.get('options', '')} {options}".strip(),
            },
        )
        return engine
    in_memory = parsed.database in (None, "", ":memory:")
    engine = create_engine(
        parsed,
        json_serializer=to_json,
        poolclass=QueuePool,
        pool_size=1 if in_memory else _POOL_SIZE,  # a database in memory lives and dies with its one connection
        max_overflow=0 if in_memory else _POOL_SIZE,
        connect_args={
            "isolation_level": None,
            "check_same_thread": False,
            "cached_statements": 512,
            "timeout": _BUSY_TIMEOUT_S,
        },
    )
    event.listen(engine, "connect", _connected_sqlite)
    return engine


def _connected_sqlite(raw: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
    cursor = raw.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    entry.info["synchronous"] = "FULL"


def _begin_sqlite(connection: Connection, synchronous: str) -> None:
    """Writers lock at once: one that reads first and writes later could meet another's change and fail.

    Readers begin nothing: the driver commits each statement by itself, at half the cost of a transaction around one
    question. This is no listener of SQLAlchemy's, for with any listener each statement pays for all kinds of events.
    """
    driver: Any = connection.connection.driver_connection
    try:
        if connection.info.get("synchronous") != synchronous:
            driver.execute(f"PRAGMA synchronous={synchronous}")
            connection.info["synchronous"] = synchronous
        driver.execute(_BEGIN)
    except sqlite3.Error as error:
        raise as_sqlalchemy(error, _BEGIN) from error
