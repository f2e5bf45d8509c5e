"""The stream of keys and its consumers on NATS JetStream: how they are laid out, and the questions put to them.

A key is the subject `<stream>.<partition>.<frame id>`, without a body. The partition is crc32(camera) % 64. The stream
takes each subject once (`max_msgs_per_subject` 1, DiscardNew), so that putting a key in a second time does nothing.
Each partition has one consumer with at most one key out at a time.
"""

import time
import zlib
from collections.abc import Collection
from dataclasses import dataclass

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import NoRespondersError
from nats.errors import TimeoutError as NatsTimeout
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    ConsumerInfo,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.client import JetStreamContext
from nats.js.errors import APIError, BadRequestError

from inference_server.domain.frame import CameraId, FrameId

PARTITIONS = 64
_ANSWER_S = 3.0
_PULL_S = 0.05
_PULL_ANSWER_S = 2.0
_EXISTS_OTHERWISE = 10058  # JetStream's code: a stream of this name has other settings


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPlan:
    """What is asked of the server. A key that is not acknowledged in `ack_wait_s` is given to the next who asks."""

    name: str = "frames"
    max_keys: int = 20_000
    ack_wait_s: float = 30.0
    replicas: int = 1


@dataclass(frozen=True, slots=True)
class Key:
    """A frame that waits, and the message that said so. `more` keys of its partition wait behind it."""

    frame_id: FrameId
    partition: int
    more: int
    message: Msg


def partition_of(camera: CameraId) -> int:
    """The partition of a camera: 0 to 63."""
    return zlib.crc32(camera.encode()) % PARTITIONS


class KeyStream:
    """The stream as one connected client sees it. Everything here runs in the client's loop."""

    def __init__(self, client: Client, plan: StreamPlan) -> None:
        self._client = client
        self._plan = plan
        self._out: dict[str, tuple[int, float]] = {}  # consumer -> number of its key that is out, and since when
        self._stream: JetStreamContext = client.jetstream(timeout=_ANSWER_S)

    async def lay(self) -> None:
        """Nothing; afterwards stream and consumers are there, made anew where somebody removed them."""
        config = StreamConfig(
            name=self._plan.name,
            subjects=[f"{self._plan.name}.*.*"],
            retention=RetentionPolicy.WORK_QUEUE,
            storage=StorageType.FILE,
            discard=DiscardPolicy.NEW,
            discard_new_per_subject=True,
            max_msgs=self._plan.max_keys,
            max_msgs_per_subject=1,
            num_replicas=self._plan.replicas,
        )
        try:
            await self._stream.add_stream(config)
        except BadRequestError as error:
            if error.err_code != _EXISTS_OTHERWISE:
                raise
            await self._stream.update_stream(config)
        there = {info.name: info.config.ack_wait for info in await self._consumers()}
        for partition in range(PARTITIONS):
            if there.get(_consumer(partition)) != self._plan.ack_wait_s:
                await self._stream.add_consumer(self._plan.name, self._consumer_config(partition))

    async def put(self, partition: int, frame_id: str) -> None:
        """Put a key in; nothing happens where it is in. Raises what the client raises, a full stream included."""
        try:
            await self._stream.publish(self._subject(partition, frame_id), b"")
        except APIError:
            if frame_id not in await self._ids_in(partition):
                raise

    async def ready(self) -> list[int] | None:
        """Partitions that have a key to give: none is out, or for too long. None where consumers are missing."""
        consumers = await self._consumers()
        if len(consumers) < PARTITIONS:
            return None
        return [int(info.name[1:]) for info in consumers if self._is_ready(info)]

    def _is_ready(self, info: ConsumerInfo) -> bool:
        if not info.num_ack_pending:
            return bool(info.num_pending)
        # The server does not tell for how long a key has been out, and its clock is not ours.
        given_out = info.delivered.consumer_seq if info.delivered else 0
        now_s = time.monotonic()
        before, since_s = self._out.get(info.name, (-1, now_s))
        if before != given_out:
            since_s = now_s
        self._out[info.name] = (given_out, since_s)
        return now_s - since_s >= self._plan.ack_wait_s

    async def pull(self, partition: int) -> Key | None:
        """The next key of a partition; None where there is none, or one is out with somebody."""
        inbox = self._client.new_inbox()
        answers = await self._client.subscribe(inbox, max_msgs=1)
        try:
            # with an end: a request that waits for ever would swallow a key that nobody reads
            request = f'{{"batch":1,"no_wait":true,"expires":{int(_PULL_S * 1e9)}}}'
            subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._plan.name}.{_consumer(partition)}"
            await self._client.publish(subject, request.encode(), reply=inbox)
            message = await answers.next_msg(_PULL_S + _PULL_ANSWER_S)
        except NatsTimeout:
            return None
        finally:
            await answers.unsubscribe()
        status = (message.headers or {}).get("Status")  # 404 none, 408 out with somebody, 503 no such consumer
        if status == "503":
            raise NoRespondersError
        if status is not None:
            return None
        return Key(FrameId(message.subject.rpartition(".")[2]), partition, message.metadata.num_pending, message)

    async def living(self) -> int:
        """How many keys will come out, those that are out with somebody included."""
        return sum(map(_living, await self._consumers()))

    async def clear_dead(self, partitions: Collection[int]) -> None:
        """Take keys out that no consumer will ever give, in those of the partitions that have none to give.

        A server that was killed may come back with messages that were acknowledged, or without the last ones that its
        consumers have given out: it does not write stream and consumers together. The former would stay for ever; new
        keys with the numbers of the latter would be taken for acknowledged, so that such a consumer is made anew.
        """
        consumers = await self._consumers()
        last = (await self._stream.stream_info(self._plan.name)).state.last_seq  # after the consumers: it only grows
        for info in consumers:
            partition = int(info.name[1:])
            if partition not in partitions or _living(info):
                continue
            given = info.delivered.stream_seq if info.delivered else 0
            if given > last:
                await self._stream.delete_consumer(self._plan.name, info.name)
                await self._stream.add_consumer(self._plan.name, self._consumer_config(partition))
            elif given:
                await self._stream.purge_stream(self._plan.name, seq=given + 1, subject=self._subject(partition, "*"))

    async def lacks(self, partition: int, frame_ids: list[str]) -> list[str]:
        """Those of the frames whose key is not in the stream."""
        there = await self._ids_in(partition)
        return [frame_id for frame_id in frame_ids if frame_id not in there]

    async def _ids_in(self, partition: int) -> frozenset[str]:
        info = await self._stream.stream_info(self._plan.name, subjects_filter=self._subject(partition, "*"))
        return frozenset(subject.rpartition(".")[2] for subject in info.state.subjects or {})

    async def _consumers(self) -> list[ConsumerInfo]:
        return await self._stream.consumers_info(self._plan.name)

    def _consumer_config(self, partition: int) -> ConsumerConfig:
        return ConsumerConfig(
            durable_name=_consumer(partition),
            filter_subject=self._subject(partition, "*"),
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=self._plan.ack_wait_s,
            max_ack_pending=1,
        )

    def _subject(self, partition: int, frame_id: str) -> str:
        return f"{self._plan.name}.{partition}.{frame_id}"


def _living(info: ConsumerInfo) -> int:
    return (info.num_pending or 0) + (info.num_ack_pending or 0)


def _consumer(partition: int) -> str:
    return f"p{partition}"
