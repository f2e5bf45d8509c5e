"""A real NATS server with JetStream for the tests."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import nats
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from support.own_server import OwnServer, binary, free_port

T = TypeVar("T")


class OwnNats(OwnServer):
    """A server that keeps its streams in a folder of its own."""

    def __init__(self) -> None:
        program = binary("nats-server", "nats-server")
        self.folder = Path(tempfile.mkdtemp(prefix="xuncheng-nats-"))
        port = free_port()
        command = [program, "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(self.folder / "streams")]
        super().__init__(command, port, self.folder / "log")

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"nats://127.0.0.1:{self.port}"

    def wipe(self) -> None:
        """Everything it kept is gone; only while it does not run."""
        shutil.rmtree(self.folder / "streams", ignore_errors=True)

    def messages(self, stream: str) -> Path:
        """Where it keeps a stream's messages; what its consumers have done lies elsewhere."""
        return self.folder / "streams" / "jetstream" / "$G" / "streams" / stream / "msgs"

    def forget(self, stream: str) -> None:
        """Nothing; afterwards there is no such stream."""
        with contextlib.suppress(NotFoundError):
            self.ask(lambda streams: streams.delete_stream(stream))

    def ask(self, question: Callable[[JetStreamContext], Awaitable[T]]) -> T:
        """The answer to one question, over a connection of its own."""

        async def asked() -> T:
            client = await nats.connect(self.url)
            try:
                return await question(client.jetstream())
            finally:
                await client.close()

        # In a thread of its own: a test of the console may have left Playwright's event loop in this one.
        with ThreadPoolExecutor(max_workers=1) as thread:
            return thread.submit(asyncio.run, asked()).result()


@contextmanager
def own_nats() -> Iterator[OwnNats]:
    """A server for the length of a block; skips where there is none."""
    server = OwnNats()
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)
