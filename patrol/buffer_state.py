"""What lies in the send buffer, for the report and for `xuncheng-patrol status`."""

from collections import Counter
from dataclasses import dataclass

from patrol.buffer_file import BufferFile


@dataclass(frozen=True, slots=True, kw_only=True)
class BufferCounts:
    """How much lies in the buffer; `held_bytes` are the pictures that wait or are parked.

    `trouble` is what went wrong with the last try of a frame that still waits.
    """

    waiting: int
    sent: int
    parked: int
    duplicates: int
    held_bytes: int
    oldest_waiting_at: str | None
    trouble: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedFrame:
    """A frame the server refused: which, and why."""

    row: int
    device: str
    camera: str
    taken_at: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFrame:
    """Where a frame stands: `server_frame` is the server's id of it once it is sent."""

    state: str
    server_frame: str | None
    was_duplicate: bool
    code: str | None


def counts(file: BufferFile) -> BufferCounts:
    """How much waits, was sent and is parked."""
    row = file.rows(
        "SELECT coalesce(sum(state = 'waiting'), 0) AS waiting, coalesce(sum(state = 'sent'), 0) AS sent,"
        " coalesce(sum(state = 'parked'), 0) AS parked, coalesce(sum(was_duplicate), 0) AS duplicates,"
        " coalesce(sum(CASE WHEN state <> 'sent' THEN picture_bytes END), 0) AS held_bytes,"
        " min(CASE WHEN state = 'waiting' THEN taken_at END) AS oldest_waiting_at,"
        " max(CASE WHEN state = 'waiting' THEN trouble END) AS trouble FROM frame"
    )[0]
    return BufferCounts(**dict(row))


def parked_frames(file: BufferFile, *, limit: int = 1000) -> list[ParkedFrame]:
    """The parked frames in the order they were added."""
    found = file.rows(
        "SELECT id AS row, device, camera, taken_at, code, message FROM frame WHERE state = 'parked'"
        " ORDER BY id LIMIT ?",
        limit,
    )
    return [ParkedFrame(**dict(row)) for row in found]


def parked_codes(file: BufferFile) -> Counter[str]:
    """How many frames are parked under each reason code."""
    return Counter(
        {
            row[0]: row[1]
            for row in file.rows("SELECT code, count(*) FROM frame WHERE state = 'parked' GROUP BY code ORDER BY code")
        }
    )


def known_frame(file: BufferFile, key: tuple[str, str, str, str]) -> KnownFrame | None:
    """Where the frame with the key (device, camera, taken_at as in the wire format, sha256) stands."""
    found = file.rows(
        "SELECT state, server_frame, was_duplicate, code FROM frame"
        " WHERE device = ? AND camera = ? AND taken_at = ? AND sha256 = ?",
        *key,
    )
    if not found:
        return None
    row = found[0]
    return KnownFrame(
        state=row["state"],
        server_frame=row["server_frame"],
        was_duplicate=bool(row["was_duplicate"]),
        code=row["code"],
    )


def server_of(file: BufferFile) -> str | None:
    """The server this buffer sends to, None before the first sending."""
    found = file.rows("SELECT value FROM about WHERE name = 'server'")
    return str(found[0][0]) if found else None
