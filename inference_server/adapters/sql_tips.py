"""Tips on SQL: asked about here, written by `SqlWork` with the functions below."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, or_, select, update
from sqlalchemy.exc import IntegrityError

from inference_server.adapters import tables
from inference_server.adapters.column_types import AnyRow
from inference_server.adapters.database import Database
from inference_server.adapters.sql_audit import write_note
from inference_server.adapters.sql_retention import NO_NEW_HOLDS
from inference_server.domain.audit import SYSTEM, AuditAction, AuditNote
from inference_server.domain.case import CaseId
from inference_server.domain.errors import Conflict, NotFound
from inference_server.domain.geo import LatLon
from inference_server.domain.tip import Tip, TipId, Words
from inference_server.ports import Clock

_tips = tables.tips
_FIRST_COME = (_tips.c.received_at, _tips.c.id)


class SqlTips:
    """What people have told, in a database."""

    def __init__(self, database: Database, owner: str, clock: Clock) -> None:
        self._database, self._owner, self._clock = database, owner, clock

    def tip(self, tip_id: TipId) -> Tip:
        """One tip; raises NotFound."""
        with self._database.reading() as connection:
            found = read_tip(connection, tip_id)
        if found is None:
            raise NotFound(f"no tip {tip_id}", field="tip")
        return found

    def of_case(self, case_id: CaseId) -> list[Tip]:
        """The tips of a case, oldest first."""
        return self._all(select(_tips).where(_tips.c.case_id == case_id).order_by(*_FIRST_COME))

    def unplaced(self, limit: int) -> list[Tip]:
        """Tips of which nobody knows yet where they are, oldest first."""
        waiting = select(_tips).where(_tips.c.case_id.is_(None), _tips.c.address.is_not(None))
        return self._all(waiting.order_by(*_FIRST_COME).limit(limit))

    def forget(self, before: datetime, most: int) -> int:
        """Of how many tips the words went: of those whose case was closed before a moment and is not held, and of
        those that nobody has placed since. A link or an address counts as words."""
        gone = dict.fromkeys(("address", "description", "media_url"))
        with self._database.reading() as connection:
            if connection.execute(_due(before).limit(1)).first() is None:
                return 0
        with self._database.writing() as connection:
            if not self._database.is_sqlite:
                connection.execute(NO_NEW_HOLDS)
            due = list(connection.execute(_due(before).limit(most)).scalars())
            connection.execute(update(_tips).where(_tips.c.id.in_(due)).values(gone))
            who = f"{SYSTEM}:{self._owner}"
            write_note(
                self._database,
                connection,
                self._clock,
                AuditNote.by(who, AuditAction.TIPS_FORGOTTEN, "tips", count=len(due), tips=due),
            )
        return len(due)

    def _all(self, statement: Any) -> list[Tip]:
        with self._database.reading() as connection:
            return [_tip_of(row) for row in connection.execute(statement)]


def _due(before: datetime) -> Any:
    """Tips with words whose time is over, the oldest first."""
    holds, cases = tables.holds, tables.cases
    held = select(holds.c.id).where(holds.c.case_id == _tips.c.case_id, holds.c.lifted_at.is_(None)).exists()
    closed = and_(cases.c.is_open.is_(False), cases.c.changed_at <= before, ~held)
    unplaced = and_(_tips.c.case_id.is_(None), _tips.c.received_at <= before)
    has_words = or_(*(column.is_not(None) for column in (_tips.c.address, _tips.c.description, _tips.c.media_url)))
    joined = select(_tips.c.id).outerjoin(cases, cases.c.id == _tips.c.case_id)
    return joined.where(has_words, or_(unplaced, closed)).order_by(*_FIRST_COME)


def read_tip(connection: Connection, tip_id: TipId) -> Tip | None:
    """The tip of an id."""
    return _one(connection, _tips.c.id == tip_id)


def read_like_tip(connection: Connection, tip: Tip, since: datetime) -> Tip | None:
    """What the same caller has said under the same key, or without one in the same words since a moment."""
    if tip.key is not None:
        return _one(connection, _tips.c.caller == tip.caller, _tips.c.key == tip.key)
    same = (_tips.c.fingerprint == tip.fingerprint, _tips.c.caller == tip.caller, _tips.c.key.is_(None))
    return _one(connection, *same, _tips.c.received_at >= since)


def write_tip(database: Database, connection: Connection, tip: Tip) -> None:
    """Insert or update; Conflict where the caller has another tip under this key."""
    try:
        connection.execute(database.upsert(_tips, ["id"]), _values(tip))
    except IntegrityError as error:
        if "unique" not in str(error.orig).lower():
            raise
        raise Conflict("there is another tip under this key", field="key") from error


def move_tips(connection: Connection, from_case: CaseId, to_case: CaseId) -> None:
    """The tips of one case belong to another."""
    connection.execute(update(_tips).where(_tips.c.case_id == from_case).values(case_id=to_case))


def _one(connection: Connection, *conditions: Any) -> Tip | None:
    latest = select(_tips).where(*conditions).order_by(_tips.c.received_at.desc(), _tips.c.id.desc()).limit(1)
    row = connection.execute(latest).one_or_none()
    return None if row is None else _tip_of(row)


def _values(tip: Tip) -> dict[str, Any]:
    words = tip.words
    return {
        "id": tip.id,
        "caller": tip.caller,
        "key": tip.key,
        "fingerprint": tip.fingerprint,
        "received_at": tip.received_at,
        "class_name": words.class_name,
        "lat": None if words.position is None else words.position.lat,
        "lon": None if words.position is None else words.position.lon,
        "sigma_m": words.sigma_m,
        "address": words.address,
        "description": words.description,
        "media_url": words.media_url,
        "case_id": tip.case_id,
    }


def _tip_of(row: AnyRow) -> Tip:
    words = Words(
        class_name=row.class_name,
        position=None if row.lat is None else LatLon(row.lat, row.lon),
        sigma_m=row.sigma_m,
        address=row.address,
        description=row.description,
        media_url=row.media_url,
    )
    return Tip(
        id=TipId(row.id),
        caller=row.caller,
        key=row.key,
        received_at=row.received_at,
        words=words,
        fingerprint=row.fingerprint,
        case_id=None if row.case_id is None else CaseId(row.case_id),
    )
