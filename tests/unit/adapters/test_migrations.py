"""The migrations make what `tables.py` says, on both databases, and may be run by several processes at once."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from support.postgres import own_database

from inference_server.adapters.database import Database
from inference_server.adapters.opening import migrate
from inference_server.adapters.tables import metadata

_MIGRATIONS = Path(__file__).parents[3] / "inference_server" / "adapters" / "migrations"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'record.sqlite'}"
        return
    with own_database() as own:
        yield own


def _newest() -> str | None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return ScriptDirectory.from_config(config).get_current_head()


def opened(url: str) -> Iterator[Database]:
    """A database, closed at the end."""
    database = Database(url)
    yield database
    database.close()


def test_the_migrations_make_the_tables_that_the_code_means(url: str) -> None:
    for database in opened(url):
        migrate(database)
        with database.reading() as connection:
            assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def in_any_order(sql: str) -> tuple[str, ...]:
    """The parts of a statement, without white space and quotes: constraints may stand in any order."""
    return tuple(sorted(re.split(r"[,()]+", re.sub(r"[\s\"]+", "", sql))))


def test_partial_indexes_and_foreign_keys_are_the_same_to_the_letter(url: str, tmp_path: Path) -> None:
    def shape(database: Database) -> Any:
        with database.reading() as connection:
            if database.is_sqlite:
                rows = connection.execute(
                    text("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND type <> 'trigger'")
                )
                return {(kind, name, in_any_order(sql)) for kind, name, sql in rows if name != "alembic_version"}
            indexes = connection.execute(text("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'"))
            keys = connection.execute(text("SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"))
            return {row[0] for row in indexes if "alembic" not in row[0]}, {
                (name, line) for name, line in keys if "alembic" not in name
            }

    shapes = []
    for database in opened(url):
        migrate(database)
        shapes.append(shape(database))
        with database.writing() as connection:
            connection.execute(text("DROP TABLE alembic_version"))
            metadata.drop_all(connection)
            metadata.create_all(connection)
        shapes.append(shape(database))
    assert shapes[0] == shapes[1]


def test_migrating_again_changes_nothing(url: str) -> None:
    for database in opened(url):
        migrate(database)
        migrate(database)
        with database.reading() as connection:
            assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == _newest()


def test_the_way_back_leaves_nothing(url: str) -> None:
    for database in opened(url):
        migrate(database)
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        with database.writing() as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, "base")
        with database.reading() as connection:
            assert inspect(connection).get_table_names() == ["alembic_version"]


def test_a_migration_that_breaks_leaves_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for database in opened(url):
        with database.writing() as connection:
            connection.execute(text("CREATE TABLE tokens (id INTEGER)"))  # in the way of the last table
        with pytest.raises(Exception, match="tokens"):
            migrate(database)
        with database.reading() as connection:
            assert inspect(connection).get_table_names() == ["tokens"]


_OPEN = """
import sys
from pathlib import Path
from inference_server.adapters.opening import open_adapters
record = open_adapters(sys.argv[1] or None, Path(sys.argv[2]))
print(record.store.counts())
record.close()
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_two_processes_may_start_at_once(kind: str, tmp_path: Path) -> None:
    def start(url: str) -> None:
        folders = [tmp_path / ("data" if kind == "sqlite" else f"data{number}") for number in range(2)]
        running = [
            subprocess.Popen([sys.executable, "-c", _OPEN, url, str(folder)], stdout=subprocess.PIPE, text=True)
            for folder in folders
        ]
        for process in running:
            said, _ = process.communicate(timeout=120)
            assert (process.returncode, said.splitlines()[-1]) == (0, "{}")

    if kind == "sqlite":
        start("")
        return
    with own_database() as url:
        start(url)
