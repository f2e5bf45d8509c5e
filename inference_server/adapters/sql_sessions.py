"""Sessions of the console, and how often anybody has tried to get one, on SQL: any number of web workers share them."""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import bindparam, delete, insert, select, update

from inference_server.access_ports import SessionLimits, SignedIn
from inference_server.adapters import tables
from inference_server.adapters.database import Database
from inference_server.domain.account import NO_ACCOUNT, Role
from inference_server.domain.throttle import Bucket
from inference_server.ports import Clock

_SECRET_BYTES = 32
_MOST_SECRET_LENGTH = 200
_SEEN_EVERY = timedelta(seconds=60)  # so exactly is it known when somebody was last there
_KEPT = timedelta(days=30)
_FORGOTTEN = timedelta(days=1)
_rows, _accounts, _tries = tables.console_sessions, tables.accounts, tables.sign_in_tries
_FIND = (
    select(_rows, _accounts.c.role, _accounts.c.districts, _accounts.c.disabled_at)
    .outerjoin(_accounts, _accounts.c.name == _rows.c.account)
    .where(_rows.c.secret_sha256 == bindparam("digest"), _rows.c.ended_at.is_(None))
)


class SqlSessions:
    """Sessions. Of the cookie only its SHA-256 is kept: who reads the database cannot take over a session."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def begin(self, account: str | None) -> str:
        """The secret of a new session; None: of who came with the one-time token."""
        secret, now = secrets.token_urlsafe(_SECRET_BYTES), self._clock.now()
        values = {"secret_sha256": _digest(secret), "account": account, "began_at": now, "seen_at": now}
        with self._database.writing() as connection:
            connection.execute(delete(_rows).where(_rows.c.began_at < now - _KEPT))
            connection.execute(insert(_rows), values)
        return secret

    def find(self, secret: str, limits: SessionLimits) -> SignedIn | None:
        """Who signed in; None for a session that is unknown, ended or over, or whose account is disabled."""
        if not 0 < len(secret) <= _MOST_SECRET_LENGTH:
            return None
        now = self._clock.now()
        with self._database.reading() as connection:
            row = connection.execute(_FIND, {"digest": _digest(secret)}).one_or_none()
        if row is None or row.disabled_at is not None or (row.account is not None and row.role is None):
            return None
        if now - row.began_at >= limits.longest or now - row.seen_at >= limits.idle:
            return None
        if row.account is None:
            return SignedIn(name=NO_ACCOUNT, role=Role.OPERATOR, districts=None)
        districts = None if row.districts is None else tuple(row.districts)
        return SignedIn(name=row.account, role=Role(row.role), districts=districts)

    def saw(self, secret: str) -> None:
        """Its owner has done something just now."""
        now = self._clock.now()
        one = update(_rows).where(_rows.c.secret_sha256 == _digest(secret), _rows.c.seen_at < now - _SEEN_EVERY)
        with self._database.writing(durable=False) as connection:
            connection.execute(one.values(seen_at=now))

    def end(self, secret: str) -> None:
        """It is over; nothing where it was over before."""
        one = update(_rows).where(_rows.c.secret_sha256 == _digest(secret), _rows.c.ended_at.is_(None))
        with self._database.writing() as connection:
            connection.execute(one.values(ended_at=self._clock.now()))


class SqlTries:
    """How full the buckets are. A try is counted before its outcome is known, so that many at once get no further."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def take(self, wanted: Mapping[str, Bucket]) -> float:
        """0 where all buckets had room for one more, and now hold it; else the seconds until they have."""
        now, names = self._clock.now(), sorted(wanted)
        with self._database.writing() as connection:
            connection.execute(delete(_tries).where(_tries.c.at < now - _FORGOTTEN))
            empty = [{"name": name, "level": 0.0, "at": now} for name in names]
            connection.execute(self._database.insert_new(_tries), empty)
            locked = select(_tries).where(_tries.c.name.in_(names)).order_by(_tries.c.name).with_for_update()
            levels = {row.name: wanted[row.name].level(row.level, row.at, now) for row in connection.execute(locked)}
            wait_s = max(wanted[name].wait_s(levels[name]) for name in names)
            if wait_s == 0.0:
                for name in names:
                    one = update(_tries).where(_tries.c.name == name)
                    connection.execute(one.values(level=levels[name] + 1.0, at=now))
        return wait_s

    def forgive(self, emptied: str, eased: str) -> None:
        """A try was good: one bucket is emptied, the other gets its try back."""
        with self._database.writing() as connection:
            connection.execute(update(_tries).where(_tries.c.name == emptied).values(level=0.0))
            one = update(_tries).where(_tries.c.name == eased, _tries.c.level >= 1.0)
            connection.execute(one.values(level=_tries.c.level - 1.0))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
