"""The record on SQL."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import shapely
from sqlalchemy import Connection, and_, bindparam, delete, func, insert, or_, select, text, union, update
from sqlalchemy.exc import IntegrityError

from inference_server.adapters import tables
from inference_server.adapters.case_rows import case_of, evidence_of, move_of, sighting_of, view_of
from inference_server.adapters.column_types import AnyRow
from inference_server.adapters.cursors import cursor_after, read_cursor
from inference_server.adapters.database import Database
from inference_server.adapters.documents import Documents, candidate_document, candidate_of, track_document, track_of
from inference_server.adapters.frame_rows import ANALYSED, DROPPED, QUEUED, frame_of, past_frame_of
from inference_server.adapters.reaching import covers
from inference_server.adapters.sql_outbox import PENDING
from inference_server.adapters.sql_work import Kinds, SqlWork, read_report, review_upsert
from inference_server.domain.candidate import Candidate, CandidateId, CaseView
from inference_server.domain.case import Case, CaseId, CaseMove
from inference_server.domain.errors import Conflict, NotFound
from inference_server.domain.frame import CameraId, Frame, FrameId, PastFrame
from inference_server.domain.geo import CellId, LatLon
from inference_server.domain.grid import Grid, GridId
from inference_server.domain.reach import WHOLE_CITY, Reach
from inference_server.domain.report import Report
from inference_server.ports import CaseFilter, CasePage, Clock, EvidenceItem, Sighting, TrailPoint

_frames, _cases = tables.frames, tables.cases
_QUEUED = _frames.c.state == text(f"'{QUEUED}'")  # as the partial index says it
_PENDING = tables.events.c.status == text(f"'{PENDING}'")

_WITH_FIX = (
    select(
        _frames.c.id,
        _frames.c.taken_at,
        _frames.c.lat,
        _frames.c.lon,
        _frames.c.accuracy_m,
        _frames.c.heading_deg,
        _frames.c.speed_kmh,
        _frames.c.thumbnail,
        _frames.c.state,
    )
    .where(
        _frames.c.camera == bindparam("camera"), _frames.c.taken_at < bindparam("before"), _frames.c.lat.is_not(None)
    )
    .order_by(_frames.c.taken_at.desc(), _frames.c.arrival.desc())
    .limit(1)
)
_ANALYSED_WITH_FIX = _WITH_FIX.where(_frames.c.state == ANALYSED)
_WAITING_WITH_FIX = _WITH_FIX.where(_frames.c.state == QUEUED)  # by the camera's own index, not by the queue's
_FRAME = select(_frames).where(_frames.c.id == bindparam("frame"))


class SqlCaseStore:
    """Frames, candidates and cases in a database. `is_open` says which states of a case stand for something there."""

    def __init__(self, database: Database, is_open: Callable[[str], bool], clock: Clock) -> None:
        self._database = database
        tracks = Documents(track_document, track_of)
        candidates = Documents(candidate_document, candidate_of)
        self._kinds = Kinds(tracks, candidates, is_open, clock, review_upsert(database))

    def adopt_states(self) -> None:
        """Nothing; afterwards each case is open or not as the city's table of states says today.

        Raises IllegalMove where a case is in a state that the table does not know any more, and Conflict where a
        candidate would have two open cases.
        """
        with self._database.reading() as connection:
            found = connection.execute(select(_cases.c.state, _cases.c.is_open).distinct()).all()
        changed = {row.state for row in found if row.is_open != self._kinds.is_open(row.state)}
        if not changed:
            return
        with self._database.writing() as connection:
            for state in sorted(changed, key=self._kinds.is_open):  # closing ones first: they make room
                one = update(_cases).where(_cases.c.state == state)
                try:
                    connection.execute(one.values(is_open=self._kinds.is_open(state)))
                except IntegrityError as error:
                    raise Conflict(f"state {state} cannot be open: some candidates have another open case") from error

    @contextmanager
    def work(self, cells: Iterable[CellId]) -> Iterator[SqlWork]:
        """A transaction that has locked the cells, in their order (SQLite: the whole database)."""
        with self._database.writing() as connection:
            if not self._database.is_sqlite:
                _lock_cells(self._database, connection, sorted(set(cells)))
            work = SqlWork(self._database, connection, self._kinds)
            yield work
            work.flush()

    def previous_frame(self, camera: CameraId, before: datetime, *, analysed: bool) -> PastFrame | None:
        """The latest frame with a fix that was taken before a moment (only analysed ones, if so asked)."""
        statement = _ANALYSED_WITH_FIX if analysed else _WITH_FIX
        row = self._database.ask(statement, {"camera": camera, "before": before}).one_or_none()
        return None if row is None else past_frame_of(row)

    def waiting_frame(self, camera: CameraId, before: datetime) -> PastFrame | None:
        """The latest frame with a fix that was taken before a moment and waits or is in work."""
        row = self._database.ask(_WAITING_WITH_FIX, {"camera": camera, "before": before}).one_or_none()
        return None if row is None else past_frame_of(row)

    def frame(self, frame_id: FrameId) -> Frame:
        """An accepted frame; raises NotFound."""
        with self._database.reading() as connection:
            row = connection.execute(_FRAME, {"frame": frame_id}).one_or_none()
        if row is None:
            raise NotFound(f"no frame {frame_id}", field="frame")
        return frame_of(row)

    def report(self, frame_id: FrameId) -> Report | None:
        """The report of a frame; None while it waits."""
        with self._database.reading() as connection:
            return read_report(self._database, connection, frame_id)

    def case(self, case_id: CaseId) -> Case:
        """One case; raises NotFound."""
        with self._database.reading() as connection:
            row = connection.execute(select(_cases).where(_cases.c.id == case_id)).one_or_none()
        if row is None:
            raise NotFound(f"no case {case_id}", field="case")
        return case_of(row)

    def list_cases(self, wanted: CaseFilter) -> CasePage:
        """A page of cases in order of filing, or the other way round."""
        order = [_cases.c.filed_at, _cases.c.id]
        by = [column.desc() for column in order] if wanted.newest_first else order
        statement = select(_cases).where(*_conditions(wanted)).order_by(*by)
        with self._database.reading() as connection:
            rows = connection.execute(statement.limit(wanted.limit + 1).offset(wanted.offset)).all()
        cases = tuple(case_of(row) for row in rows[: wanted.limit])
        return CasePage(cases, cursor_after(cases[-1].filed_at, cases[-1].id) if len(rows) > wanted.limit else None)

    def candidate(self, candidate_id: CandidateId) -> Candidate:
        """What a case stands on, as it is now, without a lock; raises NotFound."""
        wanted = select(tables.candidates.c.document).where(tables.candidates.c.id == candidate_id)
        with self._database.reading() as connection:
            row = connection.execute(wanted).one_or_none()
        if row is None:
            raise NotFound(f"no candidate {candidate_id}", field="candidate")
        return self._kinds.candidates.read(row.document)

    def history(self, case_id: CaseId) -> list[CaseMove]:
        """All moves of a case, oldest first."""
        moves = tables.case_moves
        with self._database.reading() as connection:
            rows = connection.execute(select(moves).where(moves.c.case_id == case_id).order_by(moves.c.sequence))
            return [move_of(row) for row in rows]

    def sightings(self, case_id: CaseId) -> list[Sighting]:
        """All sightings of a case, oldest first."""
        seen = tables.sightings
        ordered = select(seen).where(seen.c.case_id == case_id).order_by(seen.c.taken_at, seen.c.track_id)
        with self._database.reading() as connection:
            return [sighting_of(row) for row in connection.execute(ordered)]

    def evidence(self, case_id: CaseId) -> list[EvidenceItem]:
        """The pictures of a case, by their kind."""
        kept = tables.evidence
        joined = (
            select(kept, _frames.c.taken_at)
            .join(_frames, _frames.c.id == kept.c.frame_id)
            .where(kept.c.case_id == case_id)
            .order_by(kept.c.kind)
        )
        with self._database.reading() as connection:
            return [evidence_of(row) for row in connection.execute(joined)]

    def near_pictures(self, case_ids: Sequence[CaseId]) -> dict[CaseId, str]:
        """The hash of the nearest picture of each case that has one."""
        kept = tables.evidence.c
        wanted = select(kept.case_id, kept.sha256).where(kept.kind == "near", kept.case_id.in_(case_ids))
        with self._database.reading() as connection:
            return {CaseId(row.case_id): row.sha256 for row in connection.execute(wanted)} if case_ids else {}

    def looks_at(self, case_id: CaseId) -> list[CaseView]:
        """What each pass saw of a case's place: first those without an absence, then in order of the absences."""
        views = tables.views
        with self._database.reading() as connection:
            rows = connection.execute(select(views).where(views.c.case_id == case_id).order_by(views.c.pass_id))
            found = [view_of(row) for row in rows]
        return sorted(found, key=lambda view: view.absence_at.timestamp() if view.absence_at else 0.0)

    def grids_shown(self, frame_id: FrameId) -> list[GridId]:
        """The grids of the cases that a frame is evidence of, or found something of."""
        found, kept = tables.detections, tables.evidence
        ids = union(
            select(kept.c.case_id).where(kept.c.frame_id == frame_id),
            select(found.c.case_id).where(found.c.frame_id == frame_id, found.c.case_id.is_not(None)),
        )
        shown = select(_cases.c.grid).where(_cases.c.id.in_(ids), _cases.c.grid.is_not(None)).distinct()
        with self._database.reading() as connection:
            return [GridId(row.grid) for row in connection.execute(shown.order_by(_cases.c.grid))]

    def trail(
        self, since: datetime, limit: int, within: tuple[float, float, float, float] | None = None
    ) -> list[TrailPoint]:
        """Where vehicles have been, oldest first, at most `limit` of the latest points (west, south, east, north)."""
        latest = (
            select(_frames.c.id, _frames.c.camera, _frames.c.taken_at, _frames.c.lat, _frames.c.lon, _frames.c.state)
            .where(_frames.c.taken_at >= since, _frames.c.lat.is_not(None), _frames.c.state != QUEUED)
            .order_by(_frames.c.taken_at.desc(), _frames.c.arrival.desc())
            .limit(limit)
        )
        if within is not None:
            west, south, east, north = within
            latest = latest.where(_frames.c.lon.between(west, east), _frames.c.lat.between(south, north))
        with self._database.reading() as connection:
            points = [_trail_point(row) for row in connection.execute(latest)]
        return points[::-1]

    def counts(self, reach: Reach = WHOLE_CITY) -> dict[str, int]:
        """`frames.queued|analysed`, `frames.dropped.<reason>`, `cases.<state>`, `events.pending|sent|dead`.

        Of districts only cases are counted: frames and events belong to none.
        """
        if not reach.is_whole:
            mine = select(_cases.c.state, func.count()).where(covers(reach, _cases.c.grid)).group_by(_cases.c.state)
            with self._database.reading() as connection:
                return {f"cases.{state}": count for state, count in connection.execute(mine)}
        reason, state = _frames.c.drop_reason, _frames.c.state
        frames = select(state, reason, func.count()).group_by(reason, state)
        cases = select(_cases.c.state, func.count()).group_by(_cases.c.state)
        events = select(tables.events.c.status, func.count()).group_by(tables.events.c.status)
        with self._database.reading() as connection:
            found = {
                f"frames.{state}.{reason}" if state == DROPPED else f"frames.{state}": count
                for state, reason, count in connection.execute(frames)
            }
            found.update({f"cases.{state}": count for state, count in connection.execute(cases)})
            found.update({f"events.{status}": count for status, count in connection.execute(events)})
        return found

    def oldest_waiting(self) -> dict[str, datetime]:
        """Since when the first `frame` waits for a worker and the first `event` to be sent, where one does."""
        events = tables.events.c
        first = {
            "frame": select(_frames.c.received_at).where(_QUEUED).order_by(_frames.c.arrival).limit(1),
            "event": select(events.occurred_at).where(_PENDING).order_by(events.sequence).limit(1),
        }
        with self._database.reading() as connection:
            found = {what: connection.execute(question).scalar() for what, question in first.items()}
        return {what: since for what, since in found.items() if since is not None}

    def grids(self) -> list[Grid]:
        """All unit grids, by id and first day."""
        ordered = select(tables.grids).order_by(tables.grids.c.id, tables.grids.c.valid_from)
        with self._database.reading() as connection:
            return [_grid_of(row) for row in connection.execute(ordered)]

    def replace_grids(self, source: str, grids: Sequence[Grid]) -> None:
        """Exchange the grids of one source for others, in one transaction; Conflict where another source has one."""
        rows = [_grid_values(source, grid) for grid in grids]
        with self._database.writing() as connection:
            connection.execute(delete(tables.grids).where(tables.grids.c.source == source))
            try:
                if rows:
                    connection.execute(insert(tables.grids), rows)
            except IntegrityError as error:
                message = "a grid id may begin only once on a day, over all sources"
                raise Conflict(message, field="grids") from error


def _lock_cells(database: Database, connection: Connection, cells: list[CellId]) -> None:
    """In order of their ids: two transactions that need the same cells then never wait for each other in a ring."""
    if not cells:
        return
    connection.execute(database.insert_new(tables.cells), [{"id": cell} for cell in cells])
    locked = select(tables.cells.c.id).where(tables.cells.c.id.in_(cells)).order_by(tables.cells.c.id)
    connection.execute(locked.with_for_update()).all()


def _conditions(wanted: CaseFilter) -> list[Any]:
    c = _cases.c
    found: list[Any] = [] if wanted.reach.is_whole else [covers(wanted.reach, c.grid)]
    if wanted.states:
        found.append(c.state.in_(wanted.states))
    if wanted.class_names:
        found.append(c.class_name.in_(wanted.class_names))
    for column, value in ((c.grid, wanted.grid), (c.on_border, wanted.on_border), (c.campaign, wanted.campaign)):
        if value is not None:
            found.append(column == value)
    if wanted.filed_since is not None:
        found.append(c.filed_at >= wanted.filed_since)
    if wanted.filed_until is not None:
        found.append(c.filed_at < wanted.filed_until)
    if wanted.within is not None:
        west, south, east, north = wanted.within
        found += [c.lon >= west, c.lon <= east, c.lat >= south, c.lat <= north]
    if wanted.cursor is not None:
        filed_at, case_id = read_cursor(wanted.cursor)
        after, next_id = (
            (c.filed_at < filed_at, c.id < case_id) if wanted.newest_first else (c.filed_at > filed_at, c.id > case_id)
        )
        found.append(or_(after, and_(c.filed_at == filed_at, next_id)))
    return found


def _trail_point(row: AnyRow) -> TrailPoint:
    return TrailPoint(
        frame_id=FrameId(row.id),
        camera=CameraId(row.camera),
        taken_at=row.taken_at,
        position=LatLon(row.lat, row.lon),
        is_analysed=row.state == ANALYSED,
    )


def _grid_values(source: str, grid: Grid) -> dict[str, Any]:
    return {
        "id": grid.id,
        "valid_from": grid.valid_from,
        "valid_until": grid.valid_until,
        "source": source,
        "district_code": grid.district_code,
        "name": grid.name,
        "polygon": shapely.to_wkb(grid.polygon),
    }


def _grid_of(row: AnyRow) -> Grid:
    return Grid(
        id=GridId(row.id),
        polygon=shapely.from_wkb(row.polygon),
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        district_code=row.district_code,
        name=row.name,
    )
