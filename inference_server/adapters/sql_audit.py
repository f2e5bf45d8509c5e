"""The audit log on SQL: a chain with one end, whoever writes.

Writers take turns (SQLite: the writing transaction; PostgreSQL: a lock on the table until the commit), so each one
links to the entry that will stand before its own. Unique keys on sequence and on the hash before hold the same promise
a second time. Triggers refuse every change and removal: only who owns the database can get round them, and the chain
tells.
"""

from collections.abc import Iterator

from sqlalchemy import Connection, insert, select, text

from inference_server.adapters import tables
from inference_server.adapters.column_types import AnyRow
from inference_server.adapters.database import Database
from inference_server.domain.audit import AuditAction, AuditEntry, AuditNote, sealed
from inference_server.ports import Clock

_rows = tables.audit
_LAST = select(_rows).order_by(_rows.c.sequence.desc()).limit(1)
_LOCK = text(f"LOCK TABLE {_rows.name} IN EXCLUSIVE MODE")
_PAGE = 500


def write_note(database: Database, connection: Connection, clock: Clock, note: AuditNote) -> AuditEntry:
    """The entry, inside a transaction that somebody else began. Call it last: other writers wait until the commit."""
    if not database.is_sqlite:
        connection.execute(_LOCK)
    row = connection.execute(_LAST).one_or_none()
    entry = sealed(None if row is None else entry_of(row), clock.now(), note)
    values = {
        "sequence": entry.sequence,
        "at": entry.at,
        "who": note.who,
        "role": note.role,
        "action": str(note.action),
        "object": note.object,
        "details": dict(note.details),
        "previous": entry.previous,
        "hash": entry.hash,
    }
    connection.execute(insert(_rows), values)
    return entry


class SqlAuditLog:
    """The chain in a database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def add(self, note: AuditNote) -> AuditEntry:
        """The entry, stored durably, at the end of the chain."""
        with self._database.writing() as connection:
            return write_note(self._database, connection, self._clock, note)

    def entries(self, after: int = 0) -> Iterator[AuditEntry]:
        """All entries with a greater sequence, in order."""
        while True:
            page = select(_rows).where(_rows.c.sequence > after).order_by(_rows.c.sequence).limit(_PAGE)
            with self._database.reading() as connection:
                found = [entry_of(row) for row in connection.execute(page)]
            yield from found
            if len(found) < _PAGE:
                return
            after = found[-1].sequence

    def latest(self, count: int) -> list[AuditEntry]:
        """The last entries, oldest first."""
        newest = select(_rows).order_by(_rows.c.sequence.desc()).limit(count)
        with self._database.reading() as connection:
            return [entry_of(row) for row in connection.execute(newest)][::-1]


def entry_of(row: AnyRow) -> AuditEntry:
    """The entry of a row, as it stands there, true or not."""
    known = {action.value: action for action in AuditAction}
    note = AuditNote(
        who=row.who,
        role=row.role,
        action=known.get(row.action, row.action),  # a word that is not ours is told by the hash
        object=row.object,
        details=row.details,
    )
    return AuditEntry(sequence=row.sequence, at=row.at, note=note, previous=row.previous, hash=row.hash)
