"""Sends a drive through the buffer and follows every frame to its report."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from patrol.buffer import Buffer
from patrol.buffer_state import KnownFrame, known_frame
from patrol.drive_report import DriveReport
from patrol.errors import BufferFull
from patrol.frame import CapturedFrame, wire_time
from patrol.server import Server
from patrol.sources.drive import Skipped
from patrol.upload import Uploader

_ROOM_EVERY_S = 0.2
_REPORT_EVERY_S = 0.3
Key = tuple[str, str, str, str]
Reports = dict[Key, dict[str, Any] | None]


@dataclass(kw_only=True)
class DriveSending:
    """One drive on its way: fill, let the uploader drain, then `settle` and `follow` it.

    `again` sends frames the buffer knows as sent once more; the server answers them as duplicates.
    """

    buffer: Buffer
    uploader: Uploader
    again: bool = False
    patience_s: float = 600.0
    report: DriveReport = field(default_factory=DriveReport)
    keys: dict[Key, bool] = field(default_factory=dict)
    """Each frame once, in the order of the drive, and whether an earlier run has sent it."""
    origins: dict[Key, str] = field(default_factory=dict)

    def fill(self, items: Iterable[CapturedFrame | Skipped], tick: Callable[[], None]) -> None:
        """Put everything into the buffer, waiting for room where it is full: a recorded drive can wait."""
        for item in items:
            self.report.pictures += 1
            if isinstance(item, Skipped):
                self.report.skipped[item.reason] += 1
                continue
            key = (item.device, item.camera, wire_time(item.taken_at), item.sha256)
            if key in self.keys:
                self.report.repeated += 1
                continue
            self.report.notes.update(item.notes)
            known = known_frame(self.buffer.file, key)
            self.keys[key] = known is not None and known.state == "sent" and not self.again
            self.origins[key] = item.origin
            self._add(item, tick)
            self.uploader.check()
            tick()

    def _add(self, frame: CapturedFrame, tick: Callable[[], None]) -> None:
        until = time.monotonic() + self.patience_s
        while True:
            try:
                self.buffer.add(frame, again=self.again)
                return
            except BufferFull:
                if not self.buffer.waiting_count() or time.monotonic() > until:
                    raise  # only parked frames are left, or nothing leaves: no room will come
            self.uploader.check()
            tick()
            time.sleep(_ROOM_EVERY_S)

    def settle(self) -> list[tuple[Key, KnownFrame]]:
        """Count where every frame stands in the buffer now; the frames the server has, in the order of the drive."""
        there = []
        for key, was_sent_before in self.keys.items():
            known = known_frame(self.buffer.file, key)
            if known is None or known.state == "waiting":
                self.report.waiting += 1
            elif known.state == "parked":
                self.report.parked[known.code or "unknown"] += 1
            else:
                self.report.sent_before += was_sent_before
                self.report.duplicates += known.was_duplicate and not was_sent_before
                self.report.accepted += not known.was_duplicate and not was_sent_before
                there.append((key, known))
        return there

    def follow(
        self,
        there: list[tuple[Key, KnownFrame]],
        server: Server,
        tokens: Mapping[str, str],
        tick: Callable[[int], None],
    ) -> Reports:
        """The server's report of every frame it has; None after `patience_s` in which no frame was reported on."""
        found: Reports = {}
        progress_s = time.monotonic()
        for key, known in there:
            report = server.report_of(known.server_frame or "", tokens[key[0]])
            while report is None and time.monotonic() - progress_s < self.patience_s:
                time.sleep(_REPORT_EVERY_S)
                report = server.report_of(known.server_frame or "", tokens[key[0]])
            if report is not None:
                progress_s = time.monotonic()
            self.report.add_analysis(report)
            found[key] = report
            tick(len(found))
        return found
