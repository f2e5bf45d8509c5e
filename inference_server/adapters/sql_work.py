"""One transaction of the use case, on SQL."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from inference_server.adapters import tables
from inference_server.adapters.case_rows import (
    candidate_key,
    case_of,
    case_values,
    move_values,
    pass_of,
    pass_values,
    sighting_values,
    view_of,
    view_values,
)
from inference_server.adapters.column_types import AnyRow
from inference_server.adapters.database import Database
from inference_server.adapters.documents import Documents
from inference_server.adapters.frame_rows import QUEUED, detection_values, frame_values, report_of, report_values
from inference_server.adapters.leases import free_of_frame
from inference_server.adapters.review_rows import answer_values, review_values
from inference_server.adapters.sql_audit import write_note
from inference_server.adapters.sql_tips import move_tips, read_like_tip, read_tip, write_tip
from inference_server.adapters.sql_verifications import read_checks, read_switches, write_verification
from inference_server.domain.audit import AuditNote
from inference_server.domain.candidate import Candidate, CandidateId, CaseView, Pass, PassId, Track
from inference_server.domain.case import Case, CaseId, CaseMove
from inference_server.domain.errors import Conflict
from inference_server.domain.frame import CameraId, Frame, FrameId
from inference_server.domain.geo import CellId, cell_of
from inference_server.domain.report import Report
from inference_server.domain.review import ReviewAnswer, ReviewItem
from inference_server.domain.tip import Tip, TipId
from inference_server.domain.verification_record import CodeChecks, Switch, VerificationRecord
from inference_server.ports import Clock, Event, Sighting

_frames, _detections, _passes, _tracks = tables.frames, tables.detections, tables.passes, tables.tracks
_candidates, _cases, _views, _answers = tables.candidates, tables.cases, tables.views, tables.review_answers

# Statements are built once: SQLAlchemy then finds their compiled text in its cache.
_REPORT = select(_frames).where(_frames.c.id == bindparam("frame"), _frames.c.state != text(f"'{QUEUED}'"))
_DETECTIONS = select(_detections).where(_detections.c.frame_id == bindparam("frame")).order_by(_detections.c["index"])
_PASSES = select(_passes).where(
    _passes.c.camera == bindparam("camera"),
    _passes.c.last_at >= bindparam("since"),
    _passes.c.started_at <= bindparam("until"),
)
_TRACKS = (
    select(_tracks.c.document)
    .where(_tracks.c.pass_id == bindparam("drive"), _tracks.c.last_at >= bindparam("since"))
    .order_by(_tracks.c.id)
)
_CANDIDATES = (
    select(_candidates.c.document)
    .where(_candidates.c.cell.in_(bindparam("cells", expanding=True)))
    .order_by(_candidates.c.id)
)
_CASES = (
    select(_cases).where(_cases.c.candidate_id.in_(bindparam("candidates", expanding=True))).order_by(_cases.c.sequence)
)
_VIEWS = select(_views).where(
    _views.c.pass_id == bindparam("drive"), _views.c.case_id.in_(bindparam("cases", expanding=True))
)
_NEW_DETECTIONS, _NEW_MOVE, _NEW_EVENT = insert(_detections), insert(tables.case_moves), insert(tables.events)
_FINISH = update(_frames).where(_frames.c.id == bindparam("frame"), _frames.c.state == text(f"'{QUEUED}'"))


def read_report(database: Database, connection: Connection, frame_id: FrameId) -> Report | None:
    """The report of a frame; None while it waits, or where there is no such frame."""
    row = database.run(connection, _REPORT, {"frame": frame_id}).one_or_none()
    if row is None:
        return None
    return report_of(row, connection.execute(_DETECTIONS, {"frame": frame_id}))


def write_report(database: Database, connection: Connection, frame: Frame, report: Report) -> bool:
    """Whether the report was stored: a frame that has one keeps it. A frame that was never queued is added; one that
    was ends the lease under which it was worked on."""
    done = database.run(connection, _FINISH, {"frame": frame.id, **report_values(report)}).rowcount
    if done:
        free_of_frame(database, connection, frame.camera, frame.id)
    elif not write_new(database, connection, frame, report):
        return False
    if report.detections:
        rows = [detection_values(frame.id, detection) for detection in report.detections]
        database.run(connection, _NEW_DETECTIONS, rows)
    return True


def write_new(database: Database, connection: Connection, frame: Frame, report: Report) -> bool:
    """Whether a frame that the record did not know was added with its report, its detections left out."""
    new = {**frame_values(frame), **report_values(report)}
    return bool(database.run(connection, database.insert_new(_frames), new).rowcount)


def review_upsert(database: Database) -> Any:
    """The statement that asks a person: a new item, or a better look at one (`of`) that nobody has answered."""
    fixed = ("id", "kind", "created_at")
    changed = [column.name for column in tables.reviews.c if column.name not in fixed]
    answered = select(_answers.c.sequence).where(_answers.c.review_id == bindparam("of")).exists()
    return database.conditional_upsert(tables.reviews, ["id"], changed, ~answered)


@dataclass(frozen=True, slots=True)
class Kinds:
    """How things are written, which states of a case are open, and the clock of audit notes. `reviews`: see
    `review_upsert`."""

    tracks: Documents[Track]
    candidates: Documents[Candidate]
    is_open: Callable[[str], bool]
    clock: Clock
    reviews: Any


class SqlWork:
    """Work over some cells, inside a transaction that the store has begun and will end."""

    def __init__(self, database: Database, connection: Connection, kinds: Kinds) -> None:
        self._database = database
        self._connection = connection
        self._kinds = kinds
        self._notes: list[AuditNote] = []
        self._unsaved: dict[Table, dict[str, dict[str, Any]]] = {_tracks: {}, _candidates: {}}

    def report_of(self, frame_id: FrameId) -> Report | None:
        """The report of a frame that was finished before."""
        return read_report(self._database, self._connection, frame_id)

    def pass_of(self, camera: CameraId, taken_at: datetime, max_gap_s: float) -> Pass | None:
        """The pass of a camera that covers a moment, give or take the gap; the nearest in time, if there are two."""
        gap = timedelta(seconds=max_gap_s)
        rows = self._rows(_PASSES, camera=camera, since=taken_at - gap, until=taken_at + gap)
        near = [pass_of(row) for row in rows]
        return min(near, key=lambda drive: (_away_s(drive, taken_at), drive.started_at), default=None)

    def save_pass(self, drive: Pass) -> None:
        """Insert or update."""
        self._run(self._database.upsert(_passes, ["id"]), pass_values(drive))

    def tracks(self, pass_id: PassId, seen_since: datetime) -> list[Track]:
        """Tracks of a pass observed at or after a moment."""
        self._flush(_tracks)
        return [self._kinds.tracks.read(row.document) for row in self._rows(_TRACKS, drive=pass_id, since=seen_since)]

    def save_track(self, track: Track) -> None:
        """Insert or update."""
        self._unsaved[_tracks][track.id] = {
            "id": track.id,
            "pass_id": track.pass_id,
            "last_at": track.last_at,
            "candidate_id": track.candidate_id,
            "document": self._kinds.tracks.write(track),
        }

    def candidates(self, cells: Iterable[CellId]) -> list[Candidate]:
        """Candidates whose anchor lies in the cells."""
        self._flush(_candidates)
        return [self._kinds.candidates.read(row.document) for row in self._rows(_CANDIDATES, cells=sorted(cells))]

    def save_candidate(self, candidate: Candidate) -> None:
        """Insert or update."""
        self._unsaved[_candidates][candidate.id] = {
            "id": candidate.id,
            "cell": cell_of(candidate.anchor),
            "class_group": candidate.class_group,
            "last_at": candidate.last_at,
            "case_id": candidate.case_id,
            "document": self._kinds.candidates.write(candidate),
        }

    def cases(self, candidate_ids: Iterable[CandidateId]) -> dict[CandidateId, Case]:
        """The latest case of each candidate that has one."""
        wanted = sorted(set(candidate_ids))
        if not wanted:
            return {}
        return {candidate_key(row.candidate_id): case_of(row) for row in self._rows(_CASES, candidates=wanted)}

    def save_case(self, case: Case) -> None:
        """Insert or update; Conflict where the candidate has another open case."""
        values = case_values(case, self._kinds.is_open(case.state))
        try:
            self._run(self._database.upsert(_cases, ["id"], ["sequence"]), values)
        except IntegrityError as error:
            if "unique" not in str(error.orig).lower():
                raise
            raise Conflict(f"candidate {case.candidate_id} has another open case", field="candidate_id") from error

    def add_move(self, move: CaseMove) -> None:
        """One line of a case's history."""
        self._run(_NEW_MOVE, move_values(move))

    def add_sighting(self, sighting: Sighting) -> bool:
        """Insert, or update the one of the same case and track (one pass is one sighting); True if it is a new one."""
        values = sighting_values(sighting)
        is_new = self._run(self._database.insert_new(tables.sightings), values).rowcount
        if not is_new:
            self._run(self._database.upsert(tables.sightings, ["case_id", "track_id"]), values)
        return bool(is_new)

    def add_evidence(self, case_id: CaseId, frame_id: FrameId, sha256: str, kind: str, box: tuple[float, ...]) -> None:
        """Insert or replace the picture of a kind ("near", "far") of a case."""
        values = {"case_id": case_id, "kind": kind, "frame_id": frame_id, "sha256": sha256, "box": list(box)}
        self._run(self._database.upsert(tables.evidence, ["case_id", "kind"]), values)

    def views(self, pass_id: PassId, case_ids: Iterable[str]) -> dict[str, CaseView]:
        """What a pass saw of cases' places so far."""
        wanted = sorted(set(case_ids))
        if not wanted:
            return {}
        return {row.case_id: view_of(row) for row in self._rows(_VIEWS, drive=pass_id, cases=wanted)}

    def save_view(self, view: CaseView) -> None:
        """Insert or update."""
        self._run(self._database.upsert(_views, ["pass_id", "case_id"]), view_values(view))

    def add_event(self, event: Event) -> None:
        """Into the outbox; due at once."""
        values = {
            "id": event.id,
            "type": event.type,
            "subject": event.subject,
            "occurred_at": event.occurred_at,
            "data": event.data,
            "target": event.target,
            "status": "pending",
            "attempts": 0,
            "next_attempt_at": event.occurred_at,
        }
        self._run(_NEW_EVENT, values)

    def add_review(self, item: ReviewItem) -> None:
        """Into the review queue, or a better look at something that nobody has answered yet."""
        self._run(self._kinds.reviews, {**review_values(item), "of": item.id})

    def add_answer(self, answer: ReviewAnswer) -> None:
        """One more answer; Conflict where the same person's answer stands already."""
        try:
            self._connection.execute(insert(_answers), answer_values(answer))
        except IntegrityError as error:
            if "unique" not in str(error.orig).lower():
                raise
            raise Conflict(f"{answer.by} has answered this already: take that back first", field="verdict") from error

    def undo_answer(self, answer: ReviewAnswer, at: datetime, by: str) -> bool:
        """Whether the answer stood until now; the row keeps what it said."""
        stands = (_answers.c.sequence == answer.sequence, _answers.c.undone_at.is_(None))
        return bool(
            self._connection.execute(update(_answers).where(*stands).values(undone_at=at, undone_by=by)).rowcount
        )

    def clear_passes(self, case_id: str, since: datetime) -> int:
        """How many passes saw a case's place clear and empty after a moment."""
        counted = select(func.count()).where(_views.c.case_id == case_id, _views.c.absence_at > since)
        return int(self._connection.execute(counted).scalar_one())

    def closing_checks(self, code: str, district: str | None, latest: int) -> tuple[CodeChecks, ...]:
        """What people said of the latest proposed closings of a code, and of it in a district."""
        return read_checks(self._connection, code, district, latest)

    def closing_switches(self) -> list[Switch]:
        """The latest line of each scope."""
        return read_switches(self._connection)

    def save_verification(self, record: VerificationRecord) -> None:
        """Insert or update."""
        write_verification(self._database, self._connection, record)

    def tip(self, tip_id: TipId) -> Tip | None:
        """A tip as it stands in this transaction."""
        return read_tip(self._connection, tip_id)

    def like_tip(self, tip: Tip, since: datetime) -> Tip | None:
        """What the same caller has said in the same words since a moment, or at any time under the same key."""
        return read_like_tip(self._connection, tip, since)

    def save_tip(self, tip: Tip) -> None:
        """Insert or update; Conflict where the caller has another tip under this key."""
        write_tip(self._database, self._connection, tip)

    def move_tips(self, from_case: CaseId, to_case: CaseId) -> None:
        """The tips of a case that was found to be another one belong to that from now on."""
        move_tips(self._connection, from_case, to_case)

    def add_note(self, note: AuditNote) -> None:
        """Into the audit log; written last, for other writers wait from there to the commit."""
        self._notes.append(note)

    def finish(self, frame: Frame, report: Report) -> None:
        """Store the report with its detections; a frame that has a report keeps the one it has."""
        write_report(self._database, self._connection, frame, report)

    def flush(self) -> None:
        """Send what was saved and not yet sent: the last thing before the commit."""
        for table in self._unsaved:
            self._flush(table)
        for note in self._notes:
            write_note(self._database, self._connection, self._kinds.clock, note)

    def _flush(self, table: Table) -> None:
        """In one go: many tracks of a frame then cost little more than one."""
        rows = self._unsaved[table]
        if rows:
            self._run(self._database.upsert(table, ["id"]), list(rows.values()))
            rows.clear()

    def _rows(self, statement: Select[Any], **values: Any) -> Iterable[AnyRow]:
        found: Iterable[AnyRow] = self._run(statement, values)
        return found

    def _run(self, statement: Any, values: Any) -> Any:
        return self._database.run(self._connection, statement, values)


def _away_s(drive: Pass, moment: datetime) -> float:
    """How far a moment lies outside a pass."""
    before, after = (drive.started_at - moment).total_seconds(), (moment - drive.last_at).total_seconds()
    return max(before, after, 0.0)
