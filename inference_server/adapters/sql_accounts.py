"""Accounts of the console on SQL."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from inference_server.adapters import tables
from inference_server.adapters.column_types import AnyRow
from inference_server.adapters.database import Database
from inference_server.adapters.sql_audit import write_note
from inference_server.domain.account import Account, Role
from inference_server.domain.audit import AuditAction, AuditNote, Detail
from inference_server.domain.errors import Conflict, NotFound
from inference_server.ports import Clock

_NOTHING: Mapping[str, Detail] = {}
_rows, _sessions = tables.accounts, tables.console_sessions


class SqlAccounts:
    """Accounts; every change is noted, and ends the sessions that stood on what was changed."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def add(self, name: str, role: Role, districts: tuple[str, ...] | None, password_hash: str, *, by: str) -> Account:
        """A new account; Conflict where the name is taken."""
        account = Account(name=name, role=role, districts=districts, created_at=self._clock.now())
        values = {
            "name": name,
            "role": role.value,
            "districts": None if districts is None else list(districts),
            "password_hash": password_hash,
            "created_at": account.created_at,
        }
        note = AuditNote.by(by, AuditAction.ACCOUNT_ADDED, f"account:{name}", role=role.value, districts=districts)
        with self._database.writing() as connection:
            if connection.execute(self._database.insert_new(_rows), values).rowcount == 0:
                raise Conflict(f"there is an account {name} already", field="name")
            write_note(self._database, connection, self._clock, note)
        return account

    def account(self, name: str) -> Account:
        """One account; raises NotFound."""
        with self._database.reading() as connection:
            return _account_of(_row(connection, name))

    def accounts(self) -> list[Account]:
        """All accounts, by name."""
        with self._database.reading() as connection:
            return [_account_of(row) for row in connection.execute(select(_rows).order_by(_rows.c.name))]

    def has_active(self) -> bool:
        """Whether anybody may sign in with a name."""
        wanted = select(_rows.c.name).where(_rows.c.disabled_at.is_(None)).limit(1)
        with self._database.reading() as connection:
            return connection.execute(wanted).one_or_none() is not None

    def password_hash(self, name: str) -> str | None:
        """The hash of an account that may sign in; None where there is none."""
        wanted = select(_rows.c.password_hash).where(_rows.c.name == name, _rows.c.disabled_at.is_(None))
        with self._database.reading() as connection:
            return connection.execute(wanted).scalar_one_or_none()

    def set_password(self, name: str, password_hash: str, *, by: str) -> None:
        """Another password, and no session goes on; raises NotFound."""
        self._change(name, AuditAction.PASSWORD_SET, by, password_hash=password_hash)

    def renew_hash(self, name: str, old: str, new: str) -> None:
        """The same password under today's parameters; nothing where it was changed meanwhile."""
        same = update(_rows).where(_rows.c.name == name, _rows.c.password_hash == old)
        with self._database.writing() as connection:
            connection.execute(same.values(password_hash=new))

    def change(self, name: str, role: Role, districts: tuple[str, ...] | None, *, by: str) -> None:
        """Another role, other districts; raises NotFound."""
        kept = None if districts is None else list(districts)
        about: dict[str, Detail] = {"role": role.value, "districts": kept}
        self._change(name, AuditAction.ACCOUNT_CHANGED, by, about, role=role.value, districts=kept)

    def disable(self, name: str, *, by: str) -> None:
        """Nobody signs in with it any more, and no session goes on; raises NotFound."""
        self._change(name, AuditAction.ACCOUNT_DISABLED, by, disabled_at=self._clock.now())

    def enable(self, name: str, *, by: str) -> None:
        """It may be used again, with the password that it had; raises NotFound."""
        self._change(name, AuditAction.ACCOUNT_ENABLED, by, disabled_at=None)

    def _change(
        self, name: str, action: AuditAction, by: str, about: Mapping[str, Detail] = _NOTHING, **values: Any
    ) -> None:
        with self._database.writing() as connection:
            _row(connection, name)
            connection.execute(update(_rows).where(_rows.c.name == name).values(**values))
            _end_sessions(connection, name, self._clock.now())
            write_note(self._database, connection, self._clock, AuditNote.by(by, action, f"account:{name}", **about))


def _end_sessions(connection: Connection, name: str, at: datetime) -> None:
    running = update(_sessions).where(_sessions.c.account == name, _sessions.c.ended_at.is_(None))
    connection.execute(running.values(ended_at=at))


def _row(connection: Connection, name: str) -> AnyRow:
    row = connection.execute(select(_rows).where(_rows.c.name == name)).one_or_none()
    if row is None:
        raise NotFound(f"no account {name}", field="name")
    return row


def _account_of(row: AnyRow) -> Account:
    return Account(
        name=row.name,
        role=Role(row.role),
        districts=None if row.districts is None else tuple(row.districts),
        created_at=row.created_at,
        disabled_at=row.disabled_at,
    )
