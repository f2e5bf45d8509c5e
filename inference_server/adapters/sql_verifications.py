"""Verifications on SQL."""

from collections.abc import Iterator

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, insert, or_, select, true
from sqlalchemy.exc import IntegrityError

from inference_server.adapters import tables
from inference_server.adapters.database import Database
from inference_server.adapters.leases import Leases
from inference_server.adapters.reaching import covers
from inference_server.adapters.sql_audit import write_note
from inference_server.adapters.verification_rows import switch_of, switch_values, verification_of, verification_values
from inference_server.domain.audit import AuditAction, AuditNote
from inference_server.domain.closing import Checks
from inference_server.domain.errors import Conflict, NotFound
from inference_server.domain.reach import WHOLE_CITY, Reach
from inference_server.domain.verdict import VerificationId, VerificationRequest
from inference_server.domain.verification import Closing
from inference_server.domain.verification_record import (
    CodeChecks,
    HumanSays,
    Switch,
    VerificationFilter,
    VerificationRecord,
    VerificationState,
)
from inference_server.ports import Clock

_rows, _switches, _cases = tables.verifications, tables.closing_switches, tables.cases
_BY_ID = select(_rows).where(_rows.c.id == bindparam("wanted"))
_BY_KEY = select(_rows).where(_rows.c.caller == bindparam("asker"), _rows.c.key == bindparam("token"))
_PAGE = 500
_LEASE = ":answering"
_LEASE_S = 300.0


def write_verification(database: Database, connection: Connection, record: VerificationRecord) -> None:
    """Insert or update, inside a transaction that somebody else began; the question itself never changes.

    Raises Conflict where its key stands for another verification.
    """
    fixed = ["sequence", "caller", "key", "body_sha256", "created_at"]
    try:
        connection.execute(database.upsert(_rows, ["id"], fixed), verification_values(record))
    except IntegrityError as error:
        if "unique" not in str(error.orig).lower():
            raise
        raise Conflict("this key has an answer already", field="key") from error
    write_pictures(database, connection, record)


def write_pictures(database: Database, connection: Connection, record: VerificationRecord) -> None:
    """Which pictures a verification stands on: as long as it needs them they are not deleted."""
    verdict = record.verdict
    photos = record.request.photos if verdict is None else (*record.request.photos, *verdict.photos)
    named = {photo.sha256 for photo in photos}
    named |= set() if verdict is None else {made for made in (verdict.aligned, verdict.overlay) if made is not None}
    if named:
        rows = [{"sha256": sha256, "verification_id": record.id} for sha256 in sorted(named)]
        connection.execute(database.insert_new(tables.verification_pictures), rows)


def read_checks(connection: Connection, code: str, district: str | None, latest: int) -> tuple[CodeChecks, ...]:
    """What people said of the latest proposed closings of a code: everywhere, and in a district if one is named."""
    wanted = [None] if district is None else [None, district]
    return tuple(CodeChecks(code=code, district=one, checks=_checks(connection, code, one, latest)) for one in wanted)


def read_switches(connection: Connection) -> list[Switch]:
    """The latest line of each scope, in order of the scopes."""
    lines = connection.execute(select(_switches).order_by(_switches.c.sequence))
    latest = {row.scope: switch_of(row) for row in lines}
    return [latest[scope] for scope in sorted(latest)]


def _checks(connection: Connection, code: str, district: str | None, latest: int) -> Checks:
    statement = select(_rows.c.says).where(
        _rows.c.code == code, _rows.c.proposed == Closing.CLOSE.value, _rows.c.says.is_not(None)
    )
    if district is not None:
        statement = statement.where(_rows.c.district == district)
    newest = statement.order_by(_rows.c.answered_at.desc()).limit(latest)
    said = [row.says for row in connection.execute(newest)]
    return Checks(answered=len(said), wrong=said.count(HumanSays.NOT_FIXED.value))


def _lies_in(reach: Reach) -> ColumnElement[bool]:
    """Whether a verification lies in a reach: where its case does, of the record or as it was described."""
    if reach.is_whole:
        return true()
    case = select(_cases.c.id).where(_cases.c.id == _rows.c.case_id, covers(reach, _cases.c.grid))
    return or_(case.exists(), and_(_rows.c.case_id.is_(None), covers(reach, _rows.c.district)))


class SqlTurns:
    """The lease of whoever does something that one process does at a time: answers waiting questions, as a rule."""

    def __init__(self, database: Database, owner: str, clock: Clock, lease: str = _LEASE) -> None:
        self._database = database
        self._clock = clock
        self._lease = lease
        self._leases = Leases(database, owner, _LEASE_S, renewable=True)

    def take(self) -> bool:
        """Whether it is our turn, for some minutes from now on."""
        with self._database.writing(durable=False) as connection:
            return self._leases.take(connection, self._lease, self._clock.now())


class SqlVerifications:
    """Questions, verdicts, people's answers, and the switches of closing."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def known(self, request: VerificationRequest) -> VerificationRecord | None:
        """What stands under the key of a question; None: nothing. Conflict where the key was used for another body."""
        with self._database.reading() as connection:
            row = connection.execute(_BY_KEY, {"asker": request.caller, "token": request.key}).one_or_none()
        if row is None:
            return None
        if row.body_sha256 != request.body_sha256:
            raise Conflict("this key was used for another question", field="key")
        return verification_of(row)

    def accept(self, record: VerificationRecord) -> VerificationRecord:
        """The record that stands for its key: this one, now stored, or the one that was there before.

        Raises Conflict where the key was used for another body.
        """
        with self._database.writing() as connection:
            is_new = connection.execute(self._database.insert_new(_rows), verification_values(record)).rowcount
            if is_new:
                write_pictures(self._database, connection, record)
        known = record if is_new else self.known(record.request)
        assert known is not None
        return known

    def verification(self, wanted: VerificationId) -> VerificationRecord:
        """One verification; raises NotFound."""
        with self._database.reading() as connection:
            row = connection.execute(_BY_ID, {"wanted": wanted}).one_or_none()
        if row is None:
            raise NotFound(f"no verification {wanted}", field="verification")
        return verification_of(row)

    def find(self, wanted: VerificationFilter) -> list[VerificationRecord]:
        """Verifications in the order in which they came."""
        statement = select(_rows).order_by(_rows.c.sequence).limit(wanted.limit)
        if wanted.awaits_person is not None:
            statement = statement.where(_rows.c.awaits_person.is_(wanted.awaits_person))
        if wanted.case_id is not None:
            statement = statement.where(_rows.c.case_id == wanted.case_id)
        if wanted.states:
            statement = statement.where(_rows.c.state.in_([state.value for state in wanted.states]))
        if not wanted.reach.is_whole:
            statement = statement.where(_lies_in(wanted.reach))
        if wanted.after is not None:
            last = select(_rows.c.sequence).where(_rows.c.id == wanted.after).scalar_subquery()
            statement = statement.where(_rows.c.sequence > last)
        with self._database.reading() as connection:
            return [verification_of(row) for row in connection.execute(statement)]

    def all(self) -> Iterator[VerificationRecord]:
        """Every verification that is done, in the order in which they came."""
        wanted = VerificationFilter(states=(VerificationState.DONE,), limit=_PAGE)
        while page := self.find(wanted):
            yield from page
            wanted = VerificationFilter(states=wanted.states, limit=_PAGE, after=page[-1].id)

    def count_awaiting(self, reach: Reach = WHOLE_CITY) -> int:
        """How many stand in the queue for people."""
        with self._database.reading() as connection:
            waiting = select(func.count()).select_from(_rows).where(_rows.c.awaits_person.is_(True), _lies_in(reach))
            return int(connection.execute(waiting).scalar_one())

    def checks(self, code: str, district: str | None, latest: int) -> tuple[CodeChecks, ...]:
        """What people said of the latest proposed closings of a code: everywhere, and in a district if one is named."""
        with self._database.reading() as connection:
            return read_checks(connection, code, district, latest)

    def throw(self, switch: Switch) -> None:
        """Switch closing off or on for a scope."""
        action, thing = AuditAction.CLOSING_SWITCHED, f"closing:{switch.scope}"
        note = AuditNote.by(switch.by, action, thing, is_off=switch.is_off, why=switch.why)
        with self._database.writing() as connection:
            connection.execute(insert(_switches), switch_values(switch))
            write_note(self._database, connection, self._clock, note)

    def switches(self) -> list[Switch]:
        """The latest line of each scope, in order of the scopes."""
        with self._database.reading() as connection:
            return read_switches(connection)
