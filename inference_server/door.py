"""What the gate can tell without the picture, and the door, where such a frame is turned away before it is stored.

A vehicle that stands, or that drives where nobody may look, would otherwise have every picture written to disk, read
again and thrown away.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import structlog

from inference_server.domain.frame import Frame, PastFrame
from inference_server.domain.gate import check_fix, check_step, check_zone, repeats_fix
from inference_server.domain.grid import GridIndex
from inference_server.domain.observation import Drop, DropReason
from inference_server.domain.policy import GateRules
from inference_server.domain.report import Report
from inference_server.ports import Accepted, CaseStore, Clock, FrameQueue

_log = structlog.get_logger("door")

_REPEATS = 8  # waiting frames that repeat the fix before them, looked past for the one that has moved on


@dataclass(frozen=True, slots=True)
class BlindLook:
    """A frame as it looks without its picture.

    previous: the camera's frame before. drop: why the frame goes no further, whatever its picture shows. standing: the
    drop of a vehicle that seems to stand, for the very same fix came again; only the picture tells whether the receiver
    is stuck.
    """

    previous: PastFrame | None
    drop: Drop | None = None
    standing: Drop | None = None


@dataclass(frozen=True, slots=True)
class BlindGate:
    """The part of the gate that needs no picture."""

    store: CaseStore
    grids: GridIndex
    rules: GateRules

    def look(self, frame: Frame, *, ahead: bool = False) -> BlindLook:
        """What fix, area and step say of a frame. `ahead`: a frame that waits counts as analysed where it will be."""
        previous = self.store.previous_frame(frame.camera, frame.taken_at, analysed=False)
        drop = check_fix(frame, previous, self.rules)
        if drop is not None:
            return BlindLook(previous, drop)
        assert frame.fix is not None
        if self.rules.only_inside_grids and not self._in_grids(frame):
            return BlindLook(previous, Drop(DropReason.OUTSIDE_AREA))
        last_analysed = previous
        if previous is not None and not previous.is_analysed:
            last_analysed = self.store.previous_frame(frame.camera, frame.taken_at, analysed=True)
            if ahead:
                last_analysed = self._to_come(frame, last_analysed)
        standing = check_step(frame.fix, last_analysed, self.rules)
        if repeats_fix(frame.fix, previous):
            return BlindLook(previous, standing=standing)
        return BlindLook(previous, standing)

    def _to_come(self, frame: Frame, analysed: PastFrame | None) -> PastFrame | None:
        """The last frame before one that is analysed, or waits and will be if its picture is good.

        What waits was let in because it had moved on, or because it repeats the fix before it: then it is standing
        where that one was. None, and so no reason to turn anything away, where too many of those wait.
        """
        before = frame.taken_at
        for _ in range(_REPEATS):
            waiting = self.store.waiting_frame(frame.camera, before)
            if waiting is None or (analysed is not None and analysed.taken_at >= waiting.taken_at):
                return analysed
            before = waiting.taken_at
            if not repeats_fix(waiting.fix, self.store.previous_frame(frame.camera, before, analysed=False)):
                return waiting
        return None

    def _in_grids(self, frame: Frame) -> bool:
        assert frame.fix is not None
        return self.grids.locate(frame.fix.position, np.zeros((2, 2)), frame.taken_at).grid is not None


@dataclass(frozen=True, slots=True)
class Door:
    """Where frames come in. `hears`: who wants to know of each frame that is turned away."""

    gate: BlindGate
    queue: FrameQueue
    clock: Clock
    hears: Callable[[Frame, Report], None]

    def turn_away(self, frame: Frame) -> Accepted | None:
        """The frame, if it is done already and durably: dropped without its picture; None where it must be let in.

        A frame from a masked zone never gets in, whatever else may be wrong with it.
        """
        zone = None if frame.fix is None else check_zone(frame.fix, self.gate.rules)
        drop = zone or self.gate.look(frame, ahead=True).drop
        if drop is None:
            return None
        report = Report(frame_id=frame.id, analysed_at=self.clock.now(), drop=drop)
        accepted = self.queue.turn_away(frame, report, even_if_full=zone is not None)
        if accepted is not None and accepted.is_new:
            _log.info("frame_turned_away", frame=frame.id, camera=frame.camera, drop=drop.reason.value)
            self.hears(frame, report)
        return accepted
