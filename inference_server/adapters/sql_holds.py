"""Legal holds on SQL."""

from sqlalchemy import insert, select, update
from ulid import ULID

from inference_server.adapters import tables
from inference_server.adapters.database import Database
from inference_server.adapters.hold_rows import hold_of, hold_values
from inference_server.adapters.sql_audit import write_note
from inference_server.domain.audit import AuditAction, AuditNote
from inference_server.domain.case import CaseId
from inference_server.domain.errors import Conflict, NotFound
from inference_server.domain.hold import Held, Hold, HoldId
from inference_server.ports import Clock

_rows = tables.holds


class SqlHolds:
    """Holds; a lifted one stays, with who lifted it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def hold(self, held: Held, *, by: str, reason: str) -> Hold:
        """A new hold. Where pictures are being deleted at this moment it waits until that is done (sql_retention)."""
        hold = Hold(id=HoldId(str(ULID())), held=held, at=self._clock.now(), by=by, reason=reason)
        with self._database.writing() as connection:
            if held.case_id is not None:
                wanted = select(tables.cases.c.id).where(tables.cases.c.id == held.case_id)
                if connection.execute(wanted).one_or_none() is None:
                    raise NotFound(f"no case {held.case_id}", field="case")
            connection.execute(insert(_rows), hold_values(hold))
            until = None if held.until is None else held.until.isoformat()
            since = None if held.since is None else held.since.isoformat()
            about = {"hold": hold.id, "reason": reason, "since": since, "until": until}
            note = AuditNote.by(by, AuditAction.HOLD_SET, held.thing, **about)
            write_note(self._database, connection, self._clock, note)
        return hold

    def lift(self, hold_id: HoldId, *, by: str, reason: str) -> Hold:
        """The hold, over; raises NotFound, or Conflict where it was lifted before."""
        found = self.find(hold_id)
        lifted = {"lifted_at": self._clock.now(), "lifted_by": by, "lift_reason": reason}
        with self._database.writing() as connection:
            stands = (_rows.c.id == hold_id, _rows.c.lifted_at.is_(None))
            if not connection.execute(update(_rows).where(*stands).values(lifted)).rowcount:
                raise Conflict(f"hold {hold_id} was lifted before", field="hold")
            note = AuditNote.by(by, AuditAction.HOLD_LIFTED, found.held.thing, hold=hold_id, reason=reason)
            write_note(self._database, connection, self._clock, note)
        return self.find(hold_id)

    def find(self, hold_id: HoldId) -> Hold:
        """One hold; raises NotFound."""
        with self._database.reading() as connection:
            row = connection.execute(select(_rows).where(_rows.c.id == hold_id)).one_or_none()
        if row is None:
            raise NotFound(f"no hold {hold_id}", field="hold")
        return hold_of(row)

    def holds(self, *, standing: bool, case_id: CaseId | None = None) -> list[Hold]:
        """All holds, oldest first."""
        statement = select(_rows).order_by(_rows.c.sequence)
        if standing:
            statement = statement.where(_rows.c.lifted_at.is_(None))
        if case_id is not None:
            statement = statement.where(_rows.c.case_id == case_id)
        with self._database.reading() as connection:
            return [hold_of(row) for row in connection.execute(statement)]
