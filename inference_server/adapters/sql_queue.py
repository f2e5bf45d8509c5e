"""The queue: a durable picture per waiting frame, and a row that says that it waits.

A frame is accepted when its row is committed, and its picture is on disk before that. It leaves the queue with the
commit of its report, so there is no moment at which it is in neither or in both.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, bindparam, func, or_, select, text, update

from inference_server.adapters import tables
from inference_server.adapters.bell import Bell
from inference_server.adapters.column_types import AnyRow
from inference_server.adapters.database import Database
from inference_server.adapters.frame_rows import QUEUED, frame_of, frame_values
from inference_server.adapters.leases import Leases, expire_leases_of_the_dead, free_of_frame
from inference_server.adapters.owner import Census
from inference_server.adapters.queue_level import Amount, QueueLevel, Waiting
from inference_server.adapters.spool import Spool, remove_orphans
from inference_server.adapters.sql_work import write_new, write_report
from inference_server.domain.errors import QueueFull
from inference_server.domain.frame import CameraId, Frame, FrameId, sha256_of
from inference_server.domain.observation import Drop, DropReason
from inference_server.domain.report import Report
from inference_server.ports import Accepted, Claimed, Clock

_frames, _leases = tables.frames, tables.leases

_POLL_S = 0.25  # how soon frames that another process has put, or whose pause is over, are seen
_LONGEST_PAUSE_S = 30.0
_LIVE = timedelta(seconds=60)  # a frame that comes within this time of being taken; others come from a vehicle's buffer
_LOOKED_AT = 50

_WAITING = _frames.c.state == text(f"'{QUEUED}'")
_STATE = select(_frames.c.state).where(_frames.c.id == bindparam("frame"))
_HELD = (
    select(_frames.c.state, _leases.c.frame_id)
    .join_from(
        _frames, _leases, and_(_leases.c.name == _frames.c.camera, _leases.c.frame_id == _frames.c.id), isouter=True
    )
    .where(_frames.c.id == bindparam("frame"))
)
_CAMERA = select(_frames.c.camera).where(_frames.c.id == bindparam("frame"), _WAITING)
_UNHELD = (
    select(_frames.c.camera, _frames.c.id)
    .join_from(_frames, _leases, _leases.c.name == _frames.c.camera, isouter=True)
    .where(_WAITING, or_(_leases.c.name.is_(None), _leases.c.expires_at <= bindparam("now")))
    .order_by(_frames.c.arrival)
)
_FREE_CAMERA = _UNHELD.with_only_columns(_frames.c.camera).limit(1)
_OLDEST = (
    select(_frames, _leases.c.frame_id.label("abandoned"))
    .join_from(_frames, _leases, _leases.c.name == _frames.c.camera)
    .where(_WAITING, _frames.c.camera == bindparam("of"))
    .order_by(_frames.c.arrival)
    .limit(1)
)
_DEPTH = select(func.count()).select_from(_frames).where(_WAITING)
# Grouped and compared as expressions, or SQLite would take the index that brings the rows in that order, and look up
# each row of the table for the rest; or the index of the key, and look at all frames that a device has ever sent.
_CAMERA_TEXT, _DEVICE_TEXT = _frames.c.camera.concat(""), _frames.c.device.concat("")
_BY_CAMERA = select(_CAMERA_TEXT, func.count(), func.sum(_frames.c.size_bytes)).where(_WAITING).group_by(_CAMERA_TEXT)
_LAST_ARRIVAL = select(func.max(_frames.c.arrival))
_OLDEST_OF_DEVICE = (
    select(_frames)
    .where(
        _WAITING,
        bindparam("of") == _DEVICE_TEXT,
        _frames.c.id.not_in(select(_leases.c.frame_id).where(_leases.c.frame_id.is_not(None))),
    )
    .order_by(_frames.c.arrival)
    .limit(_LOOKED_AT)
)
_ONE_ATTEMPT_MORE = (
    update(_frames).where(_frames.c.id == bindparam("frame"), _WAITING).values(attempts=_frames.c.attempts + 1)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLimits:
    """When the queue is full, and how long a worker may be silent before its camera goes to another.

    `displaces`: a live frame that finds no room takes the place of the oldest live one that waits.
    """

    max_frames: int = 20_000
    max_bytes: int = 8 << 30
    min_free_bytes: int = 512 << 20
    lease_s: float = 120.0
    first_pause_s: float = 0.5
    displaces: bool = False


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
        self._level = QueueLevel(self._ask_level, Amount(limits.max_frames, limits.max_bytes))
        self._bell = Bell()

    def put(self, frame: Frame, picture: bytes) -> Accepted:
        """Store durably (file, folder, row are synced before this returns); raises QueueFull."""
        if self._state(frame.id) is not None:
            return Accepted(frame.id, is_new=False)
        self._make_room(frame, len(picture))
        self._spool.write(frame.id, picture)
        with self._database.writing() as connection:
            values = {**frame_values(frame), "state": QUEUED, "attempts": 0}
            is_new = bool(self._database.run(connection, self._database.insert_new(_frames), values).rowcount)
        if is_new:
            self._level.put(frame.device, len(picture))
            self._bell.ring()
        elif self._state(frame.id) != QUEUED:
            self._spool.remove(frame.id)  # the same frame came twice at once, and was analysed meanwhile
        return Accepted(frame.id, is_new)

    def turn_away(self, frame: Frame, report: Report, *, even_if_full: bool = False) -> Accepted | None:
        """Store the report of a frame whose picture nobody needs (its row is synced before this returns); None where
        the disk is nearly full, unless its picture must not be kept at all. A frame that is known stays as it is."""
        if not even_if_full and self._spool.free_bytes() < self._limits.min_free_bytes:
            return None
        with self._database.writing() as connection:
            return Accepted(frame.id, is_new=write_new(self._database, connection, frame, report))

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
        now = self._database.ask(_HELD, {"frame": frame.id}).one_or_none()
        if now is not None and now.state == QUEUED:
            raise RuntimeError(f"frame {frame.id} has no report: finish it before its picture is thrown away")
        self._spool.remove(frame.id)
        if now is not None and now.frame_id is not None:  # done by another, before we took it
            with self._database.writing(durable=False) as connection:
                free_of_frame(self._database, connection, frame.camera, frame.id)
        self._level.gone(frame.device, frame.size_bytes)
        self._bell.ring()

    def give_back(self, claimed: Claimed) -> None:
        """Put a frame back after a failure; its camera pauses, longer each time, so that the order is kept."""
        pause_s = min(self._limits.first_pause_s * 2.0**claimed.attempts, _LONGEST_PAUSE_S)
        until = self._clock.now() + timedelta(seconds=pause_s)
        with self._database.writing(durable=False) as connection:
            connection.execute(_ONE_ATTEMPT_MORE, {"frame": claimed.frame.id})
            self._leases.pause(connection, claimed.frame.camera, claimed.frame.id, until)

    def depth(self) -> int:
        """How many frames wait or are in work."""
        with self._database.reading() as connection:
            return int(connection.execute(_DEPTH).scalar_one())

    def recover(self, census: Census) -> Recovery:
        """What a dead process left is put right: its leases, rows without a picture, pictures without a row."""
        with self._database.writing() as connection:
            freed = expire_leases_of_the_dead(connection, census)
            waiting = [frame_of(row) for row in connection.execute(select(_frames).where(_WAITING))]
        ages_s = self._spool.ages_s()  # after the rows: a picture is there before its row is
        missing = [frame for frame in waiting if frame.id not in ages_s]
        for frame in missing:
            self._fail(frame, "spooled picture missing")
        orphans = remove_orphans(self._spool, ages_s, (frame.id for frame in waiting))
        return Recovery(leases_freed=freed, pictures_missing=len(missing), orphans_removed=orphans)

    def claim_of(self, camera: CameraId) -> Claimed | None:
        """The oldest waiting frame of one camera; None where it has none, pauses, or is with another worker."""
        while True:
            row = self._take(camera, self._clock.now())
            if row is None:
                return None
            claimed = self._opened(row)
            if claimed is not None:
                return claimed

    def camera_waiting(self, frame_id: FrameId) -> CameraId | None:
        """The camera of a frame that waits or is in work; None where the frame is done or unknown."""
        with self._database.reading() as connection:
            return connection.execute(_CAMERA, {"frame": frame_id}).scalar_one_or_none()

    def unheld(self) -> list[tuple[CameraId, FrameId]]:
        """Camera and id of each frame that waits for nobody but a worker, by arrival."""
        with self._database.reading() as connection:
            return [(row.camera, row.id) for row in connection.execute(_UNHELD, {"now": self._clock.now()})]

    def _claim_now(self) -> Claimed | None:
        while True:
            camera = self._database.ask(_FREE_CAMERA, {"now": self._clock.now()}).scalar_one_or_none()
            if camera is None:
                return None
            claimed = self.claim_of(camera)
            if claimed is not None:
                return claimed  # else another worker was faster

    def _opened(self, row: AnyRow) -> Claimed | None:
        """A frame of ours with its picture; None where that is not itself any more, and the frame has failed."""
        frame = frame_of(row)
        try:
            picture = self._spool.read(frame.id)
        except OSError:  # the store is away: that is no fault of the frame
            with self._database.writing(durable=False) as connection:
                self._leases.free(connection, frame.camera)
            raise
        if picture is not None and sha256_of(picture) == frame.sha256:
            return Claimed(frame, picture, row.attempts)
        self._fail(frame, "spooled picture missing" if picture is None else "spooled picture damaged")
        self.release(Claimed(frame, b"", row.attempts))
        return None

    def _take(self, camera: CameraId, now: datetime) -> AnyRow | None:
        """The oldest frame of a camera that is now ours. Looked up under the lease: only then is it the oldest."""
        with self._database.writing(durable=False) as connection:
            if not self._leases.take(connection, camera, now):
                return None
            row: AnyRow | None = self._database.run(connection, _OLDEST, {"of": camera}).one_or_none()
            if row is not None and row.abandoned is not None:  # who died over a frame counts as one attempt at it
                connection.execute(_ONE_ATTEMPT_MORE, {"frame": row.abandoned})
                row = connection.execute(_OLDEST, {"of": camera}).one_or_none()
            if row is None:
                self._leases.free(connection, camera)
            else:
                self._leases.note_frame(connection, camera, row.id)
            return row

    def _fail(self, frame: Frame, cause: str) -> None:
        self._drop(frame, Drop(DropReason.FAILED, {"cause": cause}))

    def _drop(self, frame: Frame, drop: Drop) -> None:
        report = Report(frame_id=frame.id, analysed_at=self._clock.now(), drop=drop)
        with self._database.writing() as connection:
            write_report(self._database, connection, frame, report)

    def _state(self, frame_id: FrameId) -> str | None:
        found: str | None = self._database.ask(_STATE, {"frame": frame_id}).scalar_one_or_none()
        return found

    def _ask_level(self) -> Waiting:
        total, by_device = Amount(), dict[str, Amount]()
        with self._database.reading() as connection:
            for camera, count, size_bytes in connection.execute(_BY_CAMERA):
                device, own = camera.partition("/")[0], Amount(int(count), int(size_bytes))
                total = total.with_more(own)
                by_device[device] = by_device.get(device, Amount()).with_more(own)
            last_arrival = connection.execute(_LAST_ARRIVAL).scalar_one() or 0
        return Waiting(total, by_device, last_arrival)

    def _make_room(self, frame: Frame, size_bytes: int) -> None:
        """Nothing; raises QueueFull where there is no room for a frame and none may be made."""
        why = self._level.room(frame.device, size_bytes)
        if why is not None and self._limits.displaces and _is_live(frame) and self._displace(frame.device):
            why = self._level.room(frame.device, size_bytes)
        if self._spool.free_bytes() < self._limits.min_free_bytes + size_bytes:
            why = "the disk is full"
        if why is not None:
            raise QueueFull(
                f"{why}: send this frame again later", retry_after_s=self._level.retry_after_s(frame.device)
            )

    def _displace(self, device: str) -> bool:
        """Whether a waiting live frame was dropped: the oldest of the device, or of the one with most frames."""
        fullest = self._level.fullest()
        for one in (device, fullest):
            with self._database.reading() as connection:
                waiting = [frame_of(row) for row in connection.execute(_OLDEST_OF_DEVICE, {"of": one})]
            oldest = next((frame for frame in waiting if _is_live(frame)), None)
            if oldest is not None:
                waited_s = (self._clock.now() - oldest.received_at).total_seconds()
                self._drop(oldest, Drop(DropReason.DISPLACED, {"waited_s": round(waited_s, 1)}))
                self._spool.remove(oldest.id)
                self._level.gone(oldest.device, oldest.size_bytes)
                return True
        return False


def _is_live(frame: Frame) -> bool:
    return frame.received_at - frame.taken_at <= _LIVE
