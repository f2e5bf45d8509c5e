"""What needs a stored picture, asked of all tables that name one."""

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import Connection, func, or_, select

from inference_server.adapters import tables
from inference_server.adapters.column_types import AnyRow
from inference_server.adapters.frame_rows import QUEUED
from inference_server.adapters.hold_rows import hold_of
from inference_server.adapters.sql_outbox import PENDING
from inference_server.domain.hold import Hold
from inference_server.domain.retention import Need, Why
from inference_server.domain.verification_record import VerificationState

_frames, _cases, _looks = tables.frames, tables.cases, tables.kept_looks
_Needs = dict[str, list[Need]]


def read_needs(connection: Connection, hashes: Iterable[str]) -> _Needs:
    """What needs each picture, as of this transaction. What was made of a photograph is needed as long as that is."""
    wanted = set(hashes)
    made = connection.execute(
        select(_looks.c.look_sha256, _looks.c.photo_sha256).where(_looks.c.look_sha256.in_(wanted))
    )
    of_photo = [(row.look_sha256, row.photo_sha256) for row in made]
    asking = _Asking(connection)
    needs = asking.needs(wanted | {photo for _, photo in of_photo})
    for look, photo in of_photo:
        needs[look] += needs[photo]
    return {sha256: needs[sha256] for sha256 in wanted}


class _Asking:
    """One round of questions over one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        standing = select(tables.holds).where(tables.holds.c.lifted_at.is_(None))
        self._holds: list[Hold] = [hold_of(row) for row in connection.execute(standing)]
        self._held_cases = {hold.held.case_id for hold in self._holds}

    def needs(self, hashes: set[str]) -> _Needs:
        """What needs each of the pictures by itself."""
        found: _Needs = defaultdict(list)
        self._of_frames(hashes, found)
        self._of_cases(hashes, found)
        self._of_verifications(hashes, found)
        return found

    def _of_frames(self, hashes: set[str], found: _Needs) -> None:
        rows = self._connection.execute(select(_frames).where(_frames.c.sha256.in_(hashes))).all()
        by_id = {row.id: row for row in rows}
        for row in rows:
            why = Why.QUEUED if row.state == QUEUED else Why.FRAME
            found[row.sha256].append(Need(why=why, since=row.analysed_at))
            if any(hold.held.covers(row.device, row.taken_at) for hold in self._holds):
                found[row.sha256].append(Need(why=Why.HELD))
        for row in self._reviews(by_id):
            found[by_id[row.frame_id].sha256].append(_need_of_review(row))
        for row in self._candidates(by_id):
            sha256 = by_id[row.frame_id].sha256
            if f'"{sha256}"' in row.document:  # as its near or far look: the only hashes that it names
                need = Need(why=Why.OPEN_CASE) if row.is_open else Need(why=Why.CANDIDATE, since=row.last_at)
                found[sha256].append(need)

    def _reviews(self, frames: Iterable[str]) -> list[AnyRow]:
        items, answers = tables.reviews, tables.review_answers
        latest = func.max(answers.c.at).label("answered_at")
        standing = (answers.c.review_id == items.c.id) & answers.c.undone_at.is_(None)
        statement = (
            select(items.c.id, items.c.frame_id, items.c.case_id, latest)
            .outerjoin(answers, standing)
            .where(items.c.frame_id.in_(list(frames)))
            .group_by(items.c.id, items.c.frame_id, items.c.case_id)
        )
        rows = self._connection.execute(statement).all()
        # a question about a case that went on without an answer is settled; the case keeps its own pictures
        return [row for row in rows if row.answered_at is not None or row.case_id is None]

    def _candidates(self, frames: Iterable[str]) -> list[AnyRow]:
        seen, tracks, candidates = tables.detections, tables.tracks, tables.candidates
        linked = or_(candidates.c.id == seen.c.candidate_id, candidates.c.id == tracks.c.candidate_id)
        statement = (
            select(seen.c.frame_id, candidates.c.last_at, candidates.c.document, _cases.c.is_open)
            .select_from(seen)
            .outerjoin(tracks, tracks.c.id == seen.c.track_id)
            .join(candidates, linked)
            .outerjoin(_cases, _cases.c.id == candidates.c.case_id)
            .where(seen.c.frame_id.in_(list(frames)))
        )
        return list(self._connection.execute(statement).all())

    def _of_cases(self, hashes: set[str], found: _Needs) -> None:
        kept = tables.evidence
        statement = (
            select(kept.c.sha256, _cases.c.id, _cases.c.is_open, _cases.c.class_name, _cases.c.changed_at)
            .join(_cases, _cases.c.id == kept.c.case_id)
            .where(kept.c.sha256.in_(hashes))
        )
        rows = self._connection.execute(statement).all()
        told_of = self._pending({row.id for row in rows})
        for row in rows:
            found[row.sha256] += self._needs_of_case(row, told_of)

    def _of_verifications(self, hashes: set[str], found: _Needs) -> None:
        named, asked = tables.verification_pictures, tables.verifications
        statement = (
            select(
                named.c.sha256,
                asked.c.id.label("verification"),
                asked.c.state,
                asked.c.awaits_person,
                func.coalesce(asked.c.answered_at, asked.c.created_at).label("answered_at"),
                _cases.c.id,
                _cases.c.is_open,
                _cases.c.class_name,
                _cases.c.changed_at,
            )
            .join(asked, asked.c.id == named.c.verification_id)
            .outerjoin(_cases, _cases.c.id == asked.c.case_id)
            .where(named.c.sha256.in_(hashes))
        )
        rows = self._connection.execute(statement).all()
        told_of = self._pending({row.verification for row in rows} | {row.id for row in rows if row.id is not None})
        for row in rows:
            needs = found[row.sha256]
            if row.state == VerificationState.WAITING.value or row.awaits_person:
                needs.append(Need(why=Why.QUESTION))
            if row.verification in told_of:
                needs.append(Need(why=Why.EVENT))
            needs.append(Need(why=Why.VERIFICATION, since=row.answered_at))
            if row.id is not None:
                needs += self._needs_of_case(row, told_of)

    def _needs_of_case(self, row: AnyRow, told_of: set[str]) -> list[Need]:
        if row.is_open:
            needs = [Need(why=Why.OPEN_CASE)]
        else:
            needs = [Need(why=Why.CASE, since=row.changed_at, class_name=row.class_name)]
        if row.id in self._held_cases:
            needs.append(Need(why=Why.HELD))
        if row.id in told_of:
            needs.append(Need(why=Why.EVENT))
        return needs

    def _pending(self, subjects: set[str]) -> set[str]:
        """Those of which something is still to be told."""
        events = tables.events
        statement = select(events.c.subject).where(events.c.subject.in_(subjects), events.c.status == PENDING)
        return set(self._connection.execute(statement).scalars())


def _need_of_review(row: AnyRow) -> Need:
    if row.answered_at is None:
        return Need(why=Why.QUESTION)
    return Need(why=Why.REVIEW, since=row.answered_at)
