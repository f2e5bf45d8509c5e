"""Events that wait to be told, on SQL."""

from datetime import datetime

from sqlalchemy import and_, bindparam, exists, or_, select, text, update

from inference_server.adapters import tables
from inference_server.adapters.case_rows import event_of
from inference_server.adapters.column_types import AnyRow
from inference_server.adapters.database import Database
from inference_server.adapters.leases import Leases
from inference_server.ports import OutboxItem

PENDING, SENT, DEAD = "pending", "sent", "dead"
_LEASE = ":outbox"
_LEASE_S = 300.0

_events = tables.events
_earlier = _events.alias("earlier")
_DUE = (
    select(_events)
    .where(
        _events.c.status == text(f"'{PENDING}'"),
        or_(_events.c.attempts == 0, _events.c.next_attempt_at <= bindparam("now")),
        ~exists().where(
            and_(
                _earlier.c.subject == _events.c.subject,
                _earlier.c.sequence < _events.c.sequence,
                _earlier.c.status == text(f"'{PENDING}'"),
            )
        ),
    )
    .order_by(_events.c.sequence)
    .limit(bindparam("most"))
)
_DUE_CALLBACKS = _DUE.where(_events.c.target.is_not(None))


class SqlOutbox:
    """Events committed together with the cases they tell of. One process at a time is told what is due."""

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self._leases = Leases(database, owner, _LEASE_S, renewable=True)

    def due(self, now: datetime, limit: int, *, callbacks_only: bool = False) -> list[OutboxItem]:
        """Events whose time has come, oldest first, one per case: a later one waits until the earlier is told or dead.

        `callbacks_only`: only those with an address of their own, where the city has no webhook.

        Nothing where another living process delivers: two would tell everything twice.
        """
        wanted = _DUE_CALLBACKS if callbacks_only else _DUE
        with self._database.reading() as connection:
            rows = connection.execute(wanted, {"now": now, "most": limit}).all()
        if not rows:
            return []
        with self._database.writing(durable=False) as connection:
            if not self._leases.take(connection, _LEASE, now):
                return []
            # Asked again under the lease: its last holder may have told some of them.
            rows = connection.execute(wanted, {"now": now, "most": limit}).all()
        return [_item(row) for row in rows]

    def mark_sent(self, item: OutboxItem, at: datetime) -> None:
        """Delivered."""
        self._update(item, status=SENT, sent_at=at, last_error=None)

    def mark_failed(self, item: OutboxItem, error: str, next_attempt_at: datetime | None) -> None:
        """Not delivered: try again then, or (None) never: a dead letter."""
        if next_attempt_at is None:
            self._update(item, status=DEAD, last_error=error)
        else:
            self._update(item, next_attempt_at=next_attempt_at, last_error=error)

    def replay_dead(self) -> int:
        """Put all dead letters back, due at once; returns how many."""
        again = update(_events).where(_events.c.status == DEAD).values(status=PENDING, attempts=0)
        with self._database.writing() as connection:
            return int(connection.execute(again).rowcount)

    def _update(self, item: OutboxItem, **values: object) -> None:
        one = update(_events).where(_events.c.sequence == item.sequence, _events.c.status == PENDING)
        with self._database.writing() as connection:
            connection.execute(one.values(attempts=item.attempts + 1, **values))


def _item(row: AnyRow) -> OutboxItem:
    return OutboxItem(
        sequence=row.sequence, event=event_of(row), attempts=row.attempts, next_attempt_at=row.next_attempt_at
    )
