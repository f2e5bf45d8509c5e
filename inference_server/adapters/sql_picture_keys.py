"""Which keys have sealed pictures, so that a server without one of them does not start and says so."""

from sqlalchemy import select, update

from inference_server.adapters import tables
from inference_server.adapters.database import Database
from inference_server.adapters.sealing import Keyring
from inference_server.adapters.sql_audit import write_note
from inference_server.domain.audit import AuditAction, AuditNote
from inference_server.domain.errors import BadInput
from inference_server.ports import Clock

_rows = tables.picture_keys


class SqlPictureKeys:
    """Ids and fingerprints of keys; never a key."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def adopt(self, keyring: Keyring) -> None:
        """Nothing; the current key is known from here on. BadInput where one is missing or another one than it was."""
        with self._database.reading() as connection:
            known = {row.id: row for row in connection.execute(select(_rows))}
        for row in known.values():
            key = keyring.find(row.id)
            if key is not None and key.fingerprint.hex() != row.fingerprint:
                message = f"key {row.id} is another one than the one that has sealed pictures under this id"
                raise BadInput(message, field="picture_keys")
            if key is None and row.retired_at is None:
                message = (
                    f"pictures are sealed with key {row.id}, which picture_keys does not hold: nothing was changed"
                )
                raise BadInput(message, field="picture_keys")
        current = keyring.current
        if current is None:
            return
        values = {"id": current.id, "fingerprint": current.fingerprint.hex(), "first_used_at": self._clock.now()}
        with self._database.writing() as connection:
            if current.id not in known:
                connection.execute(self._database.insert_new(_rows), values)
            elif known[current.id].retired_at is not None:
                connection.execute(update(_rows).where(_rows.c.id == current.id).values(retired_at=None))

    def known(self) -> list[dict[str, str | None]]:
        """The keys that have sealed pictures, oldest first, and when they were retired."""
        with self._database.reading() as connection:
            rows = connection.execute(select(_rows).order_by(_rows.c.first_used_at, _rows.c.id)).all()
        return [
            {
                "id": row.id,
                "fingerprint": row.fingerprint,
                "first_used_at": row.first_used_at.isoformat(),
                "retired_at": None if row.retired_at is None else row.retired_at.isoformat(),
            }
            for row in rows
        ]

    def retire(self, keyring: Keyring, by: str) -> list[str]:
        """The ids of the keys that no picture needs any more: all but the current one. They may leave the settings."""
        current = keyring.current
        others = (_rows.c.retired_at.is_(None), _rows.c.id != (current.id if current else ""))
        with self._database.writing() as connection:
            retired = sorted(connection.execute(select(_rows.c.id).where(*others)).scalars())
            if retired:
                connection.execute(update(_rows).where(*others).values(retired_at=self._clock.now()))
                note = AuditNote.by(by, AuditAction.KEYS_RETIRED, "picture_keys", retired=retired)
                write_note(self._database, connection, self._clock, note)
        return retired
