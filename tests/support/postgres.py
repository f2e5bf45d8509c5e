"""A real PostgreSQL for the tests, where one answers."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import make_url

_DEFAULT = "postgresql://postgres@127.0.0.1:5432/test"


@contextmanager
def own_database() -> Iterator[str]:
    """The URL of a new, empty database; dropped at the end. Skips where no server answers."""
    server = make_url(os.environ.get("XUNCHENG_TEST_POSTGRES", _DEFAULT))
    where = server.render_as_string(hide_password=False)
    name = f"xuncheng_{uuid.uuid4().hex}"
    try:
        psycopg.connect(where, connect_timeout=3).close()
    except psycopg.OperationalError as error:
        pytest.skip(f"no PostgreSQL answers (set XUNCHENG_TEST_POSTGRES): {error}")
    with psycopg.connect(where, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload]  # no literal, but ours
        try:
            yield server.set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[call-overload]
