"""A real PostgreSQL for the tests: one of their own, or the one that XUNCHENG_TEST_POSTGRES names."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import make_url
from support.own_server import OwnServer, binary, free_port

_SETTINGS = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200", "timezone=UTC")


class OwnPostgres(OwnServer):
    """A server with one superuser, `test`, whom it trusts. It does not run as root: then it is another user's."""

    def __init__(self, *, durable: bool) -> None:
        program = binary("postgres", "postgresql")
        self.folder = Path(tempfile.mkdtemp(prefix="xuncheng-postgres-"))
        user = _other_user() if os.geteuid() == 0 else None
        if user is not None:
            shutil.chown(self.folder, user)
        data = self.folder / "data"
        initdb = [binary("initdb", "postgresql"), "-D", str(data), "-U", "test", "-A", "trust", "-E", "UTF8", "-N"]
        subprocess.run([*initdb, "--no-locale"], check=True, capture_output=True, user=user, cwd="/", timeout=60)
        port = free_port()
        settings = (*_SETTINGS, *(() if durable else ("fsync=off", "full_page_writes=off")))
        command = [program, "-D", str(data), "-p", str(port)]
        super().__init__(
            [*command, *(word for one in settings for word in ("-c", one))], port, self.folder / "log", user
        )

    def start(self) -> None:
        """Nothing; afterwards it takes connections (it listens before it does)."""
        super().start()
        until_s = time.monotonic() + 30.0
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=3).close()
            except psycopg.OperationalError:
                if time.monotonic() > until_s:
                    raise
                time.sleep(0.05)
            else:
                return

    def url(self, database: str) -> str:
        """The URL of one of its databases."""
        return f"postgresql://test@127.0.0.1:{self.port}/{database}"


@contextmanager
def own_postgres(*, durable: bool = True) -> Iterator[OwnPostgres]:
    """A server for the length of a block; not `durable`: quicker, and a power cut would harm it."""
    server = OwnPostgres(durable=durable)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)


@contextmanager
def own_database() -> Iterator[str]:
    """The URL of a new, empty database; dropped at the end. Skips where there is no PostgreSQL."""
    named = os.environ.get("XUNCHENG_TEST_POSTGRES")
    if named is None:
        with own_postgres(durable=False) as server:
            yield server.url("postgres")
        return
    server_url = make_url(named)
    name = f"xuncheng_{uuid.uuid4().hex}"
    with psycopg.connect(named, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload]  # no literal, but ours
        try:
            yield server_url.set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[call-overload]


def _other_user() -> str:
    known = {one.pw_name for one in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"
