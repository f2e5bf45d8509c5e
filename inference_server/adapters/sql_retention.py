"""Which stored pictures are to go, and the deleting itself, on SQL.

A picture's bytes and its row cannot change in one step, so the mark comes first, then the bytes go, then the row says
that they are gone. All of one batch happens in one transaction that holds the rows of its marks: who stores such a
picture again (`spare`) waits for its end, and then knows whether to store it anew.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select, text, update

from inference_server.adapters import tables
from inference_server.adapters.column_types import AnyRow
from inference_server.adapters.database import Database
from inference_server.adapters.frame_rows import without_details
from inference_server.adapters.picture_needs import read_needs
from inference_server.adapters.sql_audit import write_note
from inference_server.domain.audit import SYSTEM, AuditAction, AuditNote
from inference_server.domain.retention import Kept, Need
from inference_server.ports import Clock
from inference_server.retention_ports import Erased, Judges, Mark, PictureShelf, Thinned

_rows, _frames, _seen = tables.deletions, tables.frames, tables.detections
_ONE = select(_rows.c.deleted_at).where(_rows.c.sha256 == bindparam("picture"))
_STANDS = _rows.c.deleted_at.is_(None)
NO_NEW_HOLDS = text("LOCK TABLE holds IN SHARE MODE")


class SqlRetention:
    """Marks, deletions, and what needs which picture."""

    def __init__(self, database: Database, owner: str, clock: Clock) -> None:
        self._database, self._owner, self._clock = database, owner, clock
        changed = [column.name for column in _rows.c if column.name != "sha256"]
        self._mark = database.conditional_upsert(_rows, ["sha256"], changed, _rows.c.deleted_at.is_not(None))

    def needs(self, hashes: Iterable[str]) -> dict[str, list[Need]]:
        """What needs each picture; nothing under a hash that nothing names."""
        with self._database.reading() as connection:
            return read_needs(connection, hashes)

    def mark(self, marks: Sequence[Mark]) -> int:
        """Write down that pictures are to be deleted; how many were not marked yet."""
        with self._database.writing() as connection:
            return sum(connection.execute(self._mark, _values(mark)).rowcount for mark in marks)

    def marked(self) -> int:
        """How many are to be deleted."""
        with self._database.reading() as connection:
            return int(connection.execute(select(func.count()).select_from(_rows).where(_STANDS)).scalar_one())

    def spare(self, sha256: str) -> bool:
        """Whether the picture was marked or deleted before: who stores it must look again whether it is there."""
        if self._database.ask(_ONE, {"picture": sha256}).one_or_none() is None:
            return False
        with self._database.writing() as connection:
            connection.execute(delete(_rows).where(_rows.c.sha256 == sha256, _STANDS))
        return True

    def erase(self, marked_before: datetime, most: int, judge: Judges, shelf: PictureShelf) -> Erased:
        """Settle the oldest marks: what is needed again is spared, of the rest the bytes go."""
        marked = select(_rows).where(_STANDS, _rows.c.marked_at <= marked_before)
        with self._database.reading() as connection:
            if connection.execute(marked.limit(1)).first() is None:
                return Erased()
        with self._database.writing() as connection:
            if not self._database.is_sqlite:
                connection.execute(NO_NEW_HOLDS)
            oldest = marked.order_by(_rows.c.marked_at, _rows.c.sha256).limit(most).with_for_update()
            rows = connection.execute(oldest).all()
            needs, done, gone = read_needs(connection, [row.sha256 for row in rows]), Erased(), []
            for row in rows:
                became = judge(needs[row.sha256], row.stored_at)
                if isinstance(became, Kept) and shelf.has(row.sha256):
                    connection.execute(delete(_rows).where(_rows.c.sha256 == row.sha256))
                    done.spare(became.why.value)
                    continue
                # Kept, and not there: a run that was killed has deleted it, and nobody has written that down yet.
                rule = row.rule if isinstance(became, Kept) else became.rule
                shelf.remove(row.sha256)
                self._tell(connection, row, rule)
                done.delete(rule, row.size_bytes)
                gone.append(row.sha256)
            if gone:
                write_note(self._database, connection, self._clock, self._note(gone, done))
        return done

    def deletions(self, hashes: Iterable[str]) -> dict[str, Mark]:
        """Those of the pictures that were deleted."""
        wanted = select(_rows).where(_rows.c.sha256.in_(set(hashes)), _rows.c.deleted_at.is_not(None))
        with self._database.reading() as connection:
            return {row.sha256: _mark_of(row) for row in connection.execute(wanted)}

    def thin(self, before: datetime, most: int, judge: Judges) -> Thinned:
        """Delete the details of the oldest frames that nothing needs; of the others they are asked about again."""
        since = _frames.c.details_since
        due = select(_frames.c.id, _frames.c.sha256, _frames.c.analysed_at).where(since <= before).order_by(since)
        with self._database.reading() as connection:
            if connection.execute(due.limit(1)).first() is None:
                return Thinned()
        with self._database.writing() as connection:
            if not self._database.is_sqlite:
                connection.execute(NO_NEW_HOLDS)
            rows = connection.execute(due.limit(most)).all()
            needs, now = read_needs(connection, {row.sha256 for row in rows}), self._clock.now()
            became = {row.id: judge(needs[row.sha256], row.analysed_at) for row in rows}
            kept = [frame_id for frame_id, what in became.items() if isinstance(what, Kept)]
            gone = [frame_id for frame_id, what in became.items() if not isinstance(what, Kept)]
            of_no_case = _seen.c.frame_id.in_(gone) & _seen.c.case_id.is_(None)
            detections = connection.execute(delete(_seen).where(of_no_case)).rowcount
            connection.execute(update(_frames).where(_frames.c.id.in_(gone)).values(without_details(now)))
            connection.execute(update(_frames).where(_frames.c.id.in_(kept)).values(details_since=now))
        return Thinned(frames=len(gone), detections=detections, kept=len(kept))

    def _tell(self, connection: Connection, row: AnyRow, rule: str) -> None:
        one = update(_rows).where(_rows.c.sha256 == row.sha256)
        connection.execute(one.values(rule=rule, deleted_at=self._clock.now()))

    def _note(self, gone: Sequence[str], done: Erased) -> AuditNote:
        rules = [f"{rule}: {count}" for rule, count in sorted(done.deleted.items())]
        who, action = f"{SYSTEM}:{self._owner}", AuditAction.PICTURES_DELETED
        return AuditNote.by(who, action, "evidence", count=len(gone), rules=rules, pictures=gone)


def _values(mark: Mark) -> dict[str, Any]:
    return {column.name: getattr(mark, column.name) for column in _rows.c}


def _mark_of(row: AnyRow) -> Mark:
    return Mark(**{column.name: getattr(row, column.name) for column in _rows.c})
