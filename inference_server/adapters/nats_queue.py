"""The queue of a fleet: the record says which frames wait, NATS tells the workers.

The row is the record and NATS only rings: a key out of the stream makes a worker take the oldest waiting frame of the
key's camera, under the camera's lease. So nothing is lost or doubled by keys that are missing, doubled, out of order or
long out of date:
- a key leaves the stream when its own frame is done, or when its camera pauses or is with another worker;
- a waiting frame whose camera nobody holds, and that has no key, gets one from the sweep.
"""

import random
import threading
import time

from inference_server.adapters.nats_bus import NatsBus
from inference_server.adapters.nats_stream import Key
from inference_server.adapters.owner import Census
from inference_server.adapters.sql_queue import Recovery, SqlQueue
from inference_server.domain.frame import Frame
from inference_server.domain.report import Report
from inference_server.ports import Accepted, Claimed


class NatsQueue:
    """Frames that are accepted and not yet analysed, for workers anywhere. `sweep_every_s` 0 sweeps at each claim."""

    def __init__(self, record: SqlQueue, bus: NatsBus, sweep_every_s: float = 2.0) -> None:
        self._record = record
        self._bus = bus
        self._sweep_every_s = sweep_every_s
        self._next_sweep_s = float("-inf")
        self._sweeping = threading.Lock()

    def put(self, frame: Frame, picture: bytes) -> Accepted:
        """Store durably (picture and row) and ring; raises QueueFull. Without NATS the frame waits for its key."""
        accepted = self._record.put(frame, picture)
        if accepted.is_new:
            self._bus.put(frame.camera, frame.id)
        return accepted

    def turn_away(self, frame: Frame, report: Report, *, even_if_full: bool = False) -> Accepted | None:
        """Store the report of a frame whose picture nobody needs; None where the disk is nearly full."""
        return self._record.turn_away(frame, report, even_if_full=even_if_full)

    def claim(self, wait_s: float = 0.0) -> Claimed | None:
        """The oldest waiting frame of a camera that has a key; waits up to `wait_s` for one, then None."""
        until_s = time.monotonic() + wait_s
        while True:
            self._sweep_if_due()
            left_s = max(until_s - time.monotonic(), 0.0)
            key = self._bus.take(min(left_s, self._sweep_every_s or left_s))
            claimed = None if key is None else self._claim_by(key)
            if claimed is not None or (key is None and time.monotonic() >= until_s):
                return claimed

    def release(self, claimed: Claimed) -> None:
        """Forget a frame whose report is committed: its picture goes, its camera is free."""
        self._record.release(claimed)
        key = claimed.token
        if not isinstance(key, Key):
            return
        if self._record.camera_waiting(key.frame_id) is None:
            self._bus.done(key)
        else:  # an older frame of the camera went first
            self._bus.again(key)

    def give_back(self, claimed: Claimed) -> None:
        """Put a frame back after a failure; its camera pauses, longer each time, and gets its keys back then."""
        try:
            self._record.give_back(claimed)
        finally:
            if isinstance(claimed.token, Key):
                self._bus.done(claimed.token)

    def depth(self) -> int:
        """How many frames wait or are in work."""
        return self._record.depth()

    def recover(self, census: Census) -> Recovery:
        """What a dead process left is put right, as far as the record goes; the sweep does the rest."""
        return self._record.recover(census)

    def sweep(self) -> int:
        """How many waiting frames had no key that comes out, and have one again.

        All keys are compared only where there are fewer keys than frames. Keys of frames long done may hide a missing
        one for a while; they go as they come out.
        """
        keys = self._bus.count()
        if keys is None or keys >= self._record.depth():
            return 0
        return self._bus.put_missing(self._record.unheld())

    def _sweep_if_due(self) -> None:
        if time.monotonic() < self._next_sweep_s or not self._sweeping.acquire(blocking=False):
            return
        try:
            # not all workers at the same moment
            self._next_sweep_s = time.monotonic() + self._sweep_every_s * random.uniform(0.5, 1.0)  # noqa: S311
            self.sweep()
        finally:
            self._sweeping.release()

    def _claim_by(self, key: Key) -> Claimed | None:
        """What is to be done because of a key; None where nothing is, and the key is out of the stream."""
        try:
            camera = self._record.camera_waiting(key.frame_id)
            claimed = None if camera is None else self._record.claim_of(camera)
        except BaseException:
            self._bus.again(key)
            raise
        if claimed is None:
            self._bus.done(key)
            return None
        return Claimed(claimed.frame, claimed.picture, claimed.attempts, token=key)
