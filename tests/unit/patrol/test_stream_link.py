"""The WebSocket way obeys the same rules as the HTTP way, against a real WebSocket server that can misbehave."""

import json
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from support.captured import a_captured_frame
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from patrol.buffer import Buffer
from patrol.buffer_state import BufferCounts, counts, parked_frames
from patrol.errors import Halt
from patrol.link import UploadSettings
from patrol.stream_link import StreamLink
from patrol.upload import Uploader

Order = Callable[[dict[str, Any]], dict[str, Any] | str | None]


class StreamServer:
    """Answers frames; `orders` are used up one per message (None: hang up), then everything is accepted."""

    def __init__(self) -> None:
        self.messages: list[tuple[dict[str, Any], bytes]] = []
        self.handshakes: list[str] = []
        self.orders: deque[Order] = deque()
        self.denials: deque[HTTPStatus] = deque()
        self.known: set[tuple[str, str]] = set()
        self.url = ""

    def greet(self, connection: ServerConnection, request: Request) -> Response | None:
        self.handshakes.append(f"{request.path} {request.headers.get('Authorization')}")
        return connection.respond(self.denials.popleft(), "not now") if self.denials else None

    def talk(self, connection: ServerConnection) -> None:
        for message in connection:
            assert isinstance(message, bytes)
            (length,) = struct.unpack_from(">I", message)
            meta = json.loads(message[4 : 4 + length])
            self.messages.append((meta, message[4 + length :]))
            answer = self.orders.popleft()(meta) if self.orders else self.accepted(meta)
            if answer is None:
                return
            connection.send(answer if isinstance(answer, str) else json.dumps(answer))

    def accepted(self, meta: dict[str, Any]) -> dict[str, Any]:
        key = (meta["camera"], meta["taken_at"])
        status = "duplicate" if key in self.known else "accepted"
        self.known.add(key)
        return {"seq": meta["seq"], "frame": "f", "status": status, "code": None, "retry_after_s": None}


def refused(code: str, *, retry_after_s: float | None = None) -> Order:
    def order(meta: dict[str, Any]) -> dict[str, Any]:
        return {
            "seq": meta["seq"],
            "frame": None,
            "status": "refused",
            "code": code,
            "retry_after_s": retry_after_s,
            "detail": f"the reason of {code}",
        }

    return order


@contextmanager
def streaming() -> Iterator[StreamServer]:
    state = StreamServer()
    with serve(state.talk, "127.0.0.1", 0, process_request=state.greet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        state.url = f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        yield state
        server.shutdown()
        thread.join()


@pytest.fixture
def server() -> Iterator[StreamServer]:
    with streaming() as started:
        yield started


@pytest.fixture
def buffer(tmp_path: Path) -> Iterator[Buffer]:
    with Buffer(tmp_path / "buffer.sqlite") as opened:
        yield opened


def send_all(buffer: Buffer, server: StreamServer) -> BufferCounts:
    settings = UploadSettings(server=server.url, token="t", first_wait_s=0.02, longest_wait_s=0.1, timeout_s=2.0)
    with Uploader(buffer, settings, StreamLink(settings)) as uploader:
        uploader.drain(patience_s=20)
    return counts(buffer.file)


def test_frames_of_a_camera_go_over_one_connection_in_order(buffer: Buffer, server: StreamServer) -> None:
    for number in range(10):
        for camera in ("front", "right"):
            buffer.add(a_captured_frame(number, camera=camera))
    assert send_all(buffer, server).sent == 20
    assert server.handshakes == ["/v1/stream Bearer t"] * 2
    for camera in ("front", "right"):
        assert [meta["seq"] for meta, _ in server.messages if meta["camera"] == camera] == list(range(10))
    meta, picture = server.messages[0]
    assert picture == a_captured_frame(meta["seq"], camera=meta["camera"]).picture
    assert meta["sent_at"] > meta["taken_at"]


@pytest.mark.parametrize(
    "order",
    [
        pytest.param(refused("queue_full", retry_after_s=0.1), id="the queue is full"),
        pytest.param(lambda meta: None, id="the connection breaks before the answer"),
        pytest.param(lambda meta: "<html>sign in</html>", id="no answer of ours"),
        pytest.param(
            lambda meta: {"seq": meta["seq"] + 1, "status": "accepted", "frame": "x"}, id="another frame's answer"
        ),
    ],
)
def test_passing_trouble_costs_time_and_no_frame(buffer: Buffer, server: StreamServer, order: Order) -> None:
    server.orders.extend([order, order])
    for number in range(3):
        buffer.add(a_captured_frame(number))
    found = send_all(buffer, server)
    assert (found.sent, found.parked) == (3, 0)
    assert [meta["seq"] for meta, _ in server.messages] == [0, 0, 0, 1, 2]


def test_a_frame_stored_before_the_connection_broke_ends_as_a_duplicate(buffer: Buffer, server: StreamServer) -> None:
    def store_and_hang_up(meta: dict[str, Any]) -> None:
        server.accepted(meta)

    server.orders.append(store_and_hang_up)
    buffer.add(a_captured_frame(1))
    found = send_all(buffer, server)
    assert (found.sent, found.duplicates, len(server.known)) == (1, 1, 1)


def test_a_refused_frame_is_parked_and_the_stream_goes_on(buffer: Buffer, server: StreamServer) -> None:
    server.orders.append(refused("picture_too_large"))
    for number in range(3):
        buffer.add(a_captured_frame(number))
    found = send_all(buffer, server)
    assert (found.sent, found.parked, len(server.handshakes)) == (2, 1, 1)
    assert parked_frames(buffer.file)[0].message == "picture_too_large: the reason of picture_too_large"


@pytest.mark.parametrize("code", ["not_authenticated", "not_allowed"])
def test_a_token_that_stops_being_valid_parks_nothing(buffer: Buffer, server: StreamServer, code: str) -> None:
    server.orders.append(refused(code))
    buffer.add(a_captured_frame(1))
    with pytest.raises(Halt, match=code):
        send_all(buffer, server)
    assert (counts(buffer.file).waiting, counts(buffer.file).parked) == (1, 0)


@pytest.mark.parametrize("status", [HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND])
def test_a_handshake_refused_for_good_stops_the_sending(
    buffer: Buffer, server: StreamServer, status: HTTPStatus
) -> None:
    server.denials.append(status)
    buffer.add(a_captured_frame(1))
    with pytest.raises(Halt, match=str(status.value)):
        send_all(buffer, server)


def test_a_server_with_too_many_streams_is_asked_again(buffer: Buffer, server: StreamServer) -> None:
    server.denials.extend([HTTPStatus.SERVICE_UNAVAILABLE] * 2)
    buffer.add(a_captured_frame(1))
    assert send_all(buffer, server).sent == 1
    assert len(server.handshakes) == 3
