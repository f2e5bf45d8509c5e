"""The queue: a synced file per waiting picture, and a row that says that it waits.

A frame is accepted when its row is committed, and the file is on disk before that. It leaves the queue with the commit
of its report, so there is no moment at which it is in neither or in both.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, or_, select, text, update

from inference_server.adapters import tables
from inference_server.adapters.bell import Bell
from inference_server.adapters.column_types import AnyRow
from inference_server.adapters.database import Database
from inference_server.adapters.frame_rows import QUEUED, frame_of, frame_values
from inference_server.adapters.leases import Leases, expire_leases_of_the_dead
from inference_server.adapters.queue_level import QueueLevel
from inference_server.adapters.spool import Spool
from inference_server.adapters.sql_work import write_report
from inference_server.domain.errors import QueueFull
from inference_server.domain.frame import Frame, FrameId, sha256_of
from inference_server.domain.observation import Drop, DropReason
from inference_server.domain.report import Report
from inference_server.ports import Accepted, Claimed, Clock

_frames, _leases = tables.frames, tables.leases

_POLL_S = 0.25  # how soon frames that another process has put, or whose pause is over, are seen
_LONGEST_PAUSE_S = 30.0

_WAITING = _frames.c.state == text(f"'{QUEUED}'")
_STATE = select(_frames.c.state).where(_frames.c.id == bindparam("frame"))
_FREE_CAMERA = (
    select(_frames.c.camera)
    .join_from(_frames, _leases, _leases.c.name == _frames.c.camera, isouter=True)
    .where(_WAITING, or_(_leases.c.name.is_(None), _leases.c.expires_at <= bindparam("now")))
    .order_by(_frames.c.arrival)
    .limit(1)
)
_OLDEST = select(_frames).where(_WAITING, _frames.c.camera == bindparam("of")).order_by(_frames.c.arrival).limit(1)
_LEVEL = select(func.count(), func.coalesce(func.sum(_frames.c.size_bytes), 0)).where(_WAITING)
_ONE_ATTEMPT_MORE = (
    update(_frames).where(_frames.c.id == bindparam("frame"), _WAITING).values(attempts=_frames.c.attempts + 1)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLimits:
    """When the queue is full, and how long a worker may be silent before its camera goes to another."""

    max_frames: int = 20_000
    max_bytes: int = 8 << 30
    min_free_bytes: int = 512 << 20
    lease_s: float = 120.0
    first_pause_s: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What was found at start-up and put right."""

    leases_freed: int
    pictures_missing: int
    orphans_removed: int


class SqlQueue:
    """Frames that are accepted and not yet analysed."""

    def __init__(self, database: Database, spool: Spool, owner: str, limits: QueueLimits, clock: Clock) -> None:
        self._database = database
        self._spool = spool
        self._limits = limits
        self._clock = clock
        self._leases = Leases(database, owner, limits.lease_s)
        self._level = QueueLevel(self._ask_level)
        self._bell = Bell()

    def put(self, frame: Frame, picture: bytes) -> Accepted:
        """Store durably (file, folder, row are synced before this returns); raises QueueFull."""
        if self._state(frame.id) is not None:
            return Accepted(frame.id, is_new=False)
        self._check_room(len(picture))
        self._spool.write(frame.id, picture)
        with self._database.writing() as connection:
            values = {**frame_values(frame), "state": QUEUED, "attempts": 0}
            is_new = bool(connection.execute(self._database.insert_new(_frames), values).rowcount)
        if is_new:
            self._level.put(len(picture))
            self._bell.ring()
        elif self._state(frame.id) != QUEUED:
            self._spool.remove(frame.id)  # the same frame came twice at once, and was analysed meanwhile
        return Accepted(frame.id, is_new)

    def claim(self, wait_s: float = 0.0) -> Claimed | None:
        """The oldest waiting frame of a camera that nobody works on; waits up to `wait_s` for one, then None."""
        until_s = time.monotonic() + wait_s
        while True:
            heard = self._bell.rings
            claimed = self._claim_now()
            left_s = until_s - time.monotonic()
            if claimed is not None or left_s <= 0.0:
                return claimed
            self._bell.wait(heard, min(left_s, _POLL_S))

    def release(self, claimed: Claimed) -> None:
        """Forget a frame whose report is committed: the spooled picture goes, the camera is free."""
        frame = claimed.frame
        if self._state(frame.id) == QUEUED:
            raise RuntimeError(f"frame {frame.id} has no report: finish it before its picture is thrown away")
        self._spool.remove(frame.id)
        with self._database.writing(durable=False) as connection:
            self._leases.free(connection, frame.camera)
        self._level.released(frame.size_bytes)
        self._bell.ring()

    def give_back(self, claimed: Claimed) -> None:
        """Put a frame back after a failure; its camera pauses, longer each time, so that the order is kept."""
        pause_s = min(self._limits.first_pause_s * 2.0**claimed.attempts, _LONGEST_PAUSE_S)
        until = self._clock.now() + timedelta(seconds=pause_s)
        with self._database.writing(durable=False) as connection:
            connection.execute(_ONE_ATTEMPT_MORE, {"frame": claimed.frame.id})
            self._leases.pause(connection, claimed.frame.camera, until)

    def depth(self) -> int:
        """How many frames wait or are in work."""
        return self._ask_level()[0]

    def recover(self, alive: frozenset[str]) -> Recovery:
        """What a dead process left is put right: its leases, rows without a picture, pictures without a row."""
        with self._database.writing() as connection:
            freed = expire_leases_of_the_dead(connection, alive)
            waiting = [frame_of(row) for row in connection.execute(select(_frames).where(_WAITING))]
        missing = [frame for frame in waiting if not self._spool.has(frame.id)]
        for frame in missing:
            self._fail(frame, "spooled picture missing")
        orphans = self._spool.remove_orphans(frame.id for frame in waiting)
        return Recovery(leases_freed=freed, pictures_missing=len(missing), orphans_removed=orphans)

    def _claim_now(self) -> Claimed | None:
        while True:
            now = self._clock.now()
            with self._database.reading() as connection:
                camera = connection.execute(_FREE_CAMERA, {"now": now}).scalar_one_or_none()
            if camera is None:
                return None
            row = self._take(camera, now)
            if row is None:
                continue  # another worker was faster
            frame = frame_of(row)
            picture = self._spool.read(frame.id)
            if picture is not None and sha256_of(picture) == frame.sha256:
                return Claimed(frame, picture, row.attempts)
            self._fail(frame, "spooled picture missing" if picture is None else "spooled picture damaged")
            self.release(Claimed(frame, b"", row.attempts))

    def _take(self, camera: str, now: datetime) -> AnyRow | None:
        """The oldest frame of a camera that is now ours. Looked up under the lease: only then is it the oldest."""
        with self._database.writing(durable=False) as connection:
            taken = self._leases.take(connection, camera, now)
            if taken is None:
                return None
            if taken.abandoned_frame is not None:  # who died over a frame counts as one attempt at it
                connection.execute(_ONE_ATTEMPT_MORE, {"frame": taken.abandoned_frame})
            row = connection.execute(_OLDEST, {"of": camera}).one_or_none()
            if row is None:
                self._leases.free(connection, camera)
            else:
                self._leases.note_frame(connection, camera, row.id)
            return row

    def _fail(self, frame: Frame, cause: str) -> None:
        drop = Drop(DropReason.FAILED, {"cause": cause})
        report = Report(frame_id=frame.id, analysed_at=self._clock.now(), drop=drop)
        with self._database.writing() as connection:
            write_report(self._database, connection, frame, report)

    def _state(self, frame_id: FrameId) -> str | None:
        with self._database.reading() as connection:
            return connection.execute(_STATE, {"frame": frame_id}).scalar_one_or_none()

    def _ask_level(self) -> tuple[int, int]:
        with self._database.reading() as connection:
            count, size_bytes = connection.execute(_LEVEL).one()
        return int(count), int(size_bytes)

    def _check_room(self, size_bytes: int) -> None:
        count, waiting_bytes = self._level.now()
        limits = self._limits
        full = count >= limits.max_frames or waiting_bytes + size_bytes > limits.max_bytes
        if full or self._spool.free_bytes() < limits.min_free_bytes + size_bytes:
            message = f"{count} frames ({waiting_bytes} bytes) wait, or the disk is full: send this frame again later"
            raise QueueFull(message, retry_after_s=self._level.retry_after_s())
