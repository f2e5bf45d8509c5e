"""The SQLite file under the send buffer: its tables, its durability, its transactions.

The pictures are blobs in the file, not files beside it: a frame and its picture then become durable in one commit,
a kill at any moment leaves neither a row without a picture nor a picture without a row, and the room of a sent
picture is used again by the next one. At a vehicle's few frames per second the extra copy through the write-ahead
log does not matter.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from patrol.errors import InputError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS frame (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    device TEXT NOT NULL,
    camera TEXT NOT NULL,
    taken_at TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    meta TEXT NOT NULL,
    content_type TEXT NOT NULL,
    notes TEXT NOT NULL,
    picture_bytes INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'parked')),
    added_at TEXT NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    trouble TEXT,
    answered_at TEXT,
    server_frame TEXT,
    was_duplicate INTEGER NOT NULL DEFAULT 0,
    code TEXT,
    message TEXT,
    UNIQUE (device, camera, taken_at, sha256)
);
CREATE TABLE IF NOT EXISTS picture (
    frame INTEGER PRIMARY KEY REFERENCES frame (id) ON DELETE CASCADE,
    bytes BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS frame_by_state ON frame (state, device, camera, id, picture_bytes);
"""


class BufferFile:
    """One SQLite file (WAL, synchronous=FULL), safe for threads and for several processes."""

    def __init__(self, path: Path) -> None:
        """Open or create the file; raises InputError where it is no send buffer."""
        self.path = path
        self._lock = threading.RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=30.0, isolation_level=None, check_same_thread=False)
            self._prepare()
        except (sqlite3.Error, OSError) as error:
            raise InputError(f"{path} cannot be used as send buffer: {error}") from error

    def _prepare(self) -> None:
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.executescript(_SCHEMA)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the name of a fresh file must survive a power cut too
        finally:
            os.close(folder)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: durable when the block ends, as if never begun when it raises."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException as error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                if isinstance(error, sqlite3.OperationalError) and "full" in str(error):
                    raise InputError(f"{self.path}: the disk is full, nothing was taken") from error
                raise

    def rows(self, statement: str, *values: object) -> list[sqlite3.Row]:
        """The rows a SELECT finds."""
        with self._lock:
            return self._db.execute(statement, values).fetchall()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()
