"""The way to NATS for threads: the client lives in a thread with a loop of its own.

Nothing here raises because the server is away: keys are then neither put in nor given out, `fault` says so, and the
client tries again for ever. What was missed is put in later by whoever compares the stream with the record.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Iterable, Mapping

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from inference_server.adapters.loop_thread import LoopThread
from inference_server.adapters.nats_stream import Key, KeyStream, StreamPlan, partition_of
from inference_server.domain.frame import CameraId, FrameId

_CONNECT_S = 2
_RECONNECT_S = 1
_PAUSE_S = 0.5
_POLL_S = 0.25
_LOOK_EVERY_S = 2.0
_LATE_S = 15.0  # longer than any answer takes that is still waited for
_PUTS_AT_ONCE = 256
_FAULTS = (NatsError, OSError, TimeoutError)

_log = structlog.get_logger("bus")


class NatsBus:
    """Keys of frames that wait. Connects in the background, from here on until `close`."""

    def __init__(self, url: str, plan: StreamPlan) -> None:
        self._url = url
        self._plan = plan
        self._stream: KeyStream | None = None  # None: not connected, or not laid out yet
        self._client: Client | None = None
        self._fault: str | None = "NATS is not connected yet"
        self._maybe: dict[int, None] = {}  # partitions that may have a key for us, oldest hint first
        self._look_at_s = 0.0
        self._rung = asyncio.Event()
        self._puts = 0
        self._thread = LoopThread("nats")
        self._keeper = self._thread.begin(self._keep())

    def fault(self) -> str | None:
        """What is wrong with the way to NATS; None where all is well."""
        client = self._client
        if self._stream is not None and client is not None and not client.is_connected:
            return "NATS does not answer"
        return self._fault

    def put(self, camera: CameraId, frame_id: FrameId) -> None:
        """Put a key in, some time soon, if NATS is there."""
        if self._is_up() and self._puts < _PUTS_AT_ONCE:
            self._thread.begin(self._put(partition_of(camera), frame_id))

    def take(self, wait_s: float) -> Key | None:
        """The next key of a partition that has none out; waits for one, then None."""
        with contextlib.suppress(*_FAULTS):
            return self._thread.run(self._take(wait_s), wait_s + _LATE_S)
        return None

    def done(self, key: Key) -> None:
        """Take a key out of the stream for good."""
        self._thread.begin(self._done(key))

    def again(self, key: Key) -> None:
        """Let a key be given out again, at once."""
        self._thread.begin(self._again(key))

    def count(self) -> int | None:
        """How many keys will come out of the stream; None where NATS does not answer."""
        stream = self._stream
        if stream is None or not self._is_up():
            return None
        with contextlib.suppress(*_FAULTS):
            return self._thread.run(stream.living(), _LATE_S)
        return None

    def put_missing(self, frames: Iterable[tuple[CameraId, FrameId]]) -> int:
        """How many of the frames had no key that comes out; all of them have one then, as far as there is room."""
        by_partition: dict[int, list[str]] = {}
        for camera, frame_id in frames:
            by_partition.setdefault(partition_of(camera), []).append(frame_id)
        with contextlib.suppress(*_FAULTS):
            return self._thread.run(
                self._put_missing(by_partition), _LATE_S + 0.01 * sum(map(len, by_partition.values()))
            )
        return 0

    def close(self) -> None:
        """Part from the server; keys in hand are given to others after their time."""
        with contextlib.suppress(*_FAULTS):
            self._thread.run(self._part(), _CONNECT_S)
        self._thread.close()

    async def _part(self) -> None:
        """Nothing connects any more before the client goes, at whatever stage of connecting it is."""
        self._keeper.cancel()
        await asyncio.sleep(0)
        if self._client is not None:
            await self._client.close()

    def _is_up(self) -> bool:
        client = self._client
        return self._stream is not None and client is not None and client.is_connected

    async def _keep(self) -> None:
        """Connect, lay out what is needed, and do so again whenever it turns out to be gone."""
        client: Client | None = None
        while True:
            try:
                if client is None:
                    client = await self._connect()
                if self._stream is None and client.is_connected:
                    stream = KeyStream(client, self._plan)
                    await stream.lay()
                    self._stream, self._fault = stream, None
                    _log.info("bus_ready", stream=self._plan.name)
            except _FAULTS as error:
                self._fault = f"NATS: {type(error).__name__}: {error}"
                _log.warning("bus_fault", fault=self._fault)
            await asyncio.sleep(_PAUSE_S)

    async def _connect(self) -> Client:
        self._client = client = Client()  # known from here on: `close` must find its connection in whatever state
        await client.connect(
            self._url,
            name="xuncheng",
            connect_timeout=_CONNECT_S,
            allow_reconnect=True,
            max_reconnect_attempts=-1,
            reconnect_time_wait=_RECONNECT_S,
            ping_interval=2,
            max_outstanding_pings=2,
            error_cb=_note,
            reconnected_cb=self._reconnected,
        )
        await client.subscribe(f"{self._plan.name}.*.*", cb=self._hear)
        return client

    async def _reconnected(self) -> None:
        self._stream = None  # who knows what the server has kept
        _log.info("bus_reconnected")

    async def _hear(self, message: Msg) -> None:
        self._hint(int(message.subject.split(".")[1]))

    def _hint(self, partition: int) -> None:
        self._maybe[partition] = None
        self._rung.set()

    async def _put(self, partition: int, frame_id: str) -> None:
        stream = self._stream
        if stream is None:
            return
        self._puts += 1
        try:
            await stream.put(partition, frame_id)
        except _FAULTS as error:
            _log.warning("key_not_put", frame=frame_id, fault=f"{type(error).__name__}: {error}")
        finally:
            self._puts -= 1

    async def _put_missing(self, by_partition: Mapping[int, list[str]]) -> int:
        stream, missing = self._stream, 0
        if stream is None:
            return 0
        await stream.clear_dead(by_partition)
        for partition, frame_ids in by_partition.items():
            for frame_id in await stream.lacks(partition, frame_ids):
                await stream.put(partition, frame_id)
                missing += 1
        return missing

    async def _take(self, wait_s: float) -> Key | None:
        until_s = time.monotonic() + wait_s
        while True:
            self._rung.clear()
            key = await self._try() if self._is_up() else None
            left_s = until_s - time.monotonic()
            if key is not None or left_s <= 0.0:
                return key
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._rung.wait(), min(left_s, _POLL_S))

    async def _try(self) -> Key | None:
        """A key of any partition that seems to have one."""
        stream = self._stream
        assert stream is not None
        try:
            if not self._maybe or time.monotonic() >= self._look_at_s:
                await self._look(stream)
            while self._maybe:
                partition = next(iter(self._maybe))
                del self._maybe[partition]
                key = await stream.pull(partition)
                if key is not None:
                    return key
        except _FAULTS as error:
            self._lost(f"{type(error).__name__}: {error}")
        return None

    async def _look(self, stream: KeyStream) -> None:
        """Hints can miss a key whose worker died. So the server is asked where nothing is known, and now and then."""
        ready = await stream.ready()
        if ready is None:
            self._lost("consumers are missing")
            return
        random.shuffle(ready)  # else all workers would go for the same partition
        self._maybe |= dict.fromkeys(ready)
        self._look_at_s = time.monotonic() + _LOOK_EVERY_S

    def _lost(self, why: str) -> None:
        self._stream, self._fault = None, f"NATS: {why}"
        _log.warning("bus_lost", why=why)

    async def _done(self, key: Key) -> None:
        # an answer that is lost does no harm: the key comes again, and the record knows what became of its frame
        with contextlib.suppress(*_FAULTS):
            await key.message.ack()
        if key.more:
            self._hint(key.partition)

    async def _again(self, key: Key) -> None:
        with contextlib.suppress(*_FAULTS):
            await key.message.nak()
        self._hint(key.partition)


async def _note(error: Exception) -> None:
    _log.debug("bus_note", fault=f"{type(error).__name__}: {error}")
