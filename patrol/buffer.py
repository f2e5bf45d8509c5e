"""The durable send buffer: what the vehicle has photographed and the server has not yet acknowledged.

A frame is `waiting`, then `sent` (acknowledged; its row stays, its picture goes) or `parked` (refused with a reason).
Why the pictures lie inside the SQLite file is said in `buffer_file`.
"""

import json
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from patrol.buffer_file import BufferFile
from patrol.errors import BufferFull, InputError
from patrol.frame import CapturedFrame, wire_meta, wire_time

GIB_BYTES = 2**30
DEFAULT_MAX_BYTES = 8 * GIB_BYTES  # a day of 15,000 frames of 300 KB is 4.5 GB

Lane = tuple[str, str]  # (device, camera): inside a lane the order of adding is the order of sending


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A frame that is to be sent: its row in the buffer, its `meta` without `sent_at`, its picture."""

    row: int
    lane: Lane
    meta: dict[str, Any]
    content_type: str
    picture: bytes


class Buffer:
    """The send buffer in one file. Safe for threads; several processes may add, one at a time may upload."""

    def __init__(self, path: Path, *, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        """Open or create the buffer at `path`; raises InputError where that is no buffer."""
        self.path = path
        self.max_bytes = max_bytes
        self.file = BufferFile(path)

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def __enter__(self) -> "Buffer":
        """The buffer itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def bind(self, server: str) -> None:
        """Remember the server this buffer sends to; raises InputError for another one than before.

        What is marked sent was sent to one server: with another one those frames would silently be missing.
        """
        with self.file.writing() as db:
            db.execute("INSERT OR IGNORE INTO about (name, value) VALUES ('server', ?)", (server,))
            known = str(db.execute("SELECT value FROM about WHERE name = 'server'").fetchone()[0])
        if known != server:
            raise InputError(f"{self.path} sends to {known}; take another --buffer for {server}")

    def add(self, frame: CapturedFrame, *, again: bool = False) -> bool:
        """Whether the frame is new to the buffer; on return it is on the disk.

        The same key (device, camera, taken_at, sha256) is one row. With `again` a frame that was sent or parked
        before waits anew. Raises BufferFull and then leaves everything as it was.
        """
        with self.file.writing() as db:
            known = db.execute(
                "SELECT id, state FROM frame WHERE device = ? AND camera = ? AND taken_at = ? AND sha256 = ?",
                (frame.device, frame.camera, wire_time(frame.taken_at), frame.sha256),
            ).fetchone()
            if known is None:
                self._refuse_when_full(len(frame.picture))
                _insert(db, frame)
            elif again and known["state"] != "waiting":
                self._refuse_when_full(len(frame.picture) if known["state"] == "sent" else 0)
                db.execute(
                    "UPDATE frame SET state = 'waiting', code = NULL, message = NULL WHERE id = ?", (known["id"],)
                )
                db.execute("INSERT OR REPLACE INTO picture (frame, bytes) VALUES (?, ?)", (known["id"], frame.picture))
        return known is None

    def _refuse_when_full(self, frame_bytes: int) -> None:
        found = self.file.rows("SELECT coalesce(sum(picture_bytes), 0) FROM frame WHERE state IN ('waiting', 'parked')")
        held_bytes = int(found[0][0])
        if held_bytes + frame_bytes > self.max_bytes:
            raise BufferFull(held_bytes=held_bytes, frame_bytes=frame_bytes, max_bytes=self.max_bytes)

    def waiting_lanes(self) -> list[Lane]:
        """The lanes (device, camera) that have something to send."""
        found = self.file.rows("SELECT DISTINCT device, camera FROM frame WHERE state = 'waiting'")
        return [(row["device"], row["camera"]) for row in found]

    def next_of(self, lane: Lane) -> Waiting | None:
        """The frame of a lane that is to be sent next: the one added first; None when none waits."""
        found = self.file.rows(
            "SELECT frame.id, meta, content_type, bytes FROM frame JOIN picture ON picture.frame = frame.id"
            " WHERE state = 'waiting' AND device = ? AND camera = ? ORDER BY frame.id LIMIT 1",
            *lane,
        )
        if not found:
            return None
        row = found[0]
        return Waiting(
            row=row["id"],
            lane=lane,
            meta=json.loads(row["meta"]),
            content_type=row["content_type"],
            picture=row["bytes"],
        )

    def waiting_count(self) -> int:
        """How many frames wait; read from an index, so it may be asked often."""
        return int(self.file.rows("SELECT count(*) FROM frame WHERE state = 'waiting'")[0][0])

    def mark_sent(self, row: int, *, server_frame: str, duplicate: bool) -> None:
        """The server has acknowledged the frame: keep its row and the server's id, give its room back."""
        with self.file.writing() as db:
            db.execute(
                "UPDATE frame SET state = 'sent', server_frame = ?, was_duplicate = ?, answered_at = ?,"
                " trouble = NULL WHERE id = ?",
                (server_frame, duplicate, wire_time(datetime.now(UTC)), row),
            )
            db.execute("DELETE FROM picture WHERE frame = ?", (row,))

    def park(self, row: int, *, code: str, message: str) -> None:
        """The server has refused the frame: keep it with the reason, so that the next one can go."""
        with self.file.writing() as db:
            db.execute(
                "UPDATE frame SET state = 'parked', code = ?, message = ?, answered_at = ? WHERE id = ?",
                (code, message, wire_time(datetime.now(UTC)), row),
            )

    def note_failure(self, row: int, trouble: str) -> None:
        """A try failed for now; the frame goes on waiting."""
        with self.file.writing() as db:
            db.execute("UPDATE frame SET failures = failures + 1, trouble = ? WHERE id = ?", (trouble, row))

    def retry_parked(self, *, code: str | None = None) -> int:
        """How many parked frames (of one reason code, or all) wait again now."""
        with self.file.writing() as db:
            return db.execute(
                "UPDATE frame SET state = 'waiting', code = NULL, message = NULL"
                " WHERE state = 'parked' AND (? IS NULL OR code = ?)",
                (code, code),
            ).rowcount

    def forget_sent(self, before: datetime) -> int:
        """How many rows of frames acknowledged before that moment were removed (the server still knows them)."""
        with self.file.writing() as db:
            return db.execute(
                "DELETE FROM frame WHERE state = 'sent' AND answered_at < ?", (wire_time(before),)
            ).rowcount


def _insert(db: sqlite3.Connection, frame: CapturedFrame) -> None:
    cursor = db.execute(
        "INSERT INTO frame (device, camera, taken_at, sha256, meta, content_type, notes, picture_bytes, state,"
        " added_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'waiting', ?)",
        (
            frame.device,
            frame.camera,
            wire_time(frame.taken_at),
            frame.sha256,
            json.dumps(wire_meta(frame), ensure_ascii=False),
            frame.content_type,
            json.dumps(frame.notes, ensure_ascii=False),
            len(frame.picture),
            wire_time(datetime.now(UTC)),
        ),
    )
    db.execute("INSERT INTO picture (frame, bytes) VALUES (?, ?)", (cursor.lastrowid, frame.picture))
