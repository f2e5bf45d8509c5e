"""The record on each database that we promise: SQLite in a file, SQLite in memory, PostgreSQL; and beside each what
hands out frames and keeps pictures."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Connection, text
from support.builders import PLACE, a_candidate, a_case

from inference_server.adapters.database import Database
from inference_server.adapters.objects import AnyStore
from inference_server.adapters.opening import Adapters, BusOptions, OpeningOptions, migrate, open_adapters
from inference_server.adapters.tables import metadata
from inference_server.domain.geo import cells_around
from inference_server.ports import CaseStore

CELLS = cells_around(PLACE, 20.0)
SQLITE_FILE, SQLITE_MEMORY, POSTGRESQL = "sqlite file", "sqlite in memory", "postgresql"
KINDS = (SQLITE_FILE, SQLITE_MEMORY, POSTGRESQL)


@dataclass(frozen=True)
class Place:
    """Where a record lives, so that it can be opened again: by another process, or after a crash."""

    kind: str
    url: str | None
    folder: Path
    bus: BusOptions | None = None
    objects: AnyStore | None = None

    @contextmanager
    def opened(self, options: OpeningOptions | None = None) -> Iterator[Adapters]:
        """The record, closed at the end; its way to NATS, if it has one, is open."""
        options = replace(options or OpeningOptions(), bus=self.bus, objects=self.objects)
        adapters = open_adapters(self.url, self.folder, options)
        try:
            wait_for_bus(adapters)
            yield adapters
        finally:
            adapters.close()


def wait_for_bus(adapters: Adapters, within_s: float = 20.0) -> None:
    """Nothing; afterwards NATS answers, where there is one."""
    until_s = time.monotonic() + within_s
    while adapters.bus is not None and adapters.bus.fault() is not None:
        assert time.monotonic() < until_s, adapters.bus.fault()
        time.sleep(0.01)


def empty(url: str) -> None:
    """Nothing; afterwards there are all tables, and all are empty (quicker than a new database per test)."""
    database = Database(url)
    migrate(database)
    with database.writing(durable=False) as connection, changeable_audit(connection):
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    database.close()


@contextmanager
def changeable_audit(connection: Connection) -> Iterator[None]:
    """The audit log without what keeps it from being changed: whoever owns the database can do that."""
    if connection.dialect.name == "sqlite":
        wanted = text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'")
        triggers = connection.execute(wanted).all()
        assert triggers
        for name, _ in triggers:
            connection.execute(text(f"DROP TRIGGER {name}"))
        yield
        for _, made_by in triggers:
            connection.execute(text(made_by))
        return
    connection.execute(text("ALTER TABLE audit DISABLE TRIGGER USER"))
    yield
    connection.execute(text("ALTER TABLE audit ENABLE TRIGGER USER"))


def file_cases(store: CaseStore, *names: str) -> None:
    """One candidate with one case for each name."""
    with store.work(CELLS) as work:
        for name in names:
            work.save_candidate(a_candidate(f"candidate-{name}"))
            work.save_case(a_case(f"case-{name}", f"candidate-{name}"))
