"""Clients that hold connections without getting on: the others are served all the same."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from support.app import write_model
from support.posting import a_meta, a_picture, message, post
from support.server import RunningServer, ServerPlan, running_server
from websockets.sync.client import connect

_CONNECTIONS = 12
_HEADER_WITHIN_S = 1.5
_PATIENCE_S = 20.0
_DRIP_S = 0.2
_HEAD = b"POST /v1/frames HTTP/1.1\r\nHost: x\r\nX-Long: "
_BODY = (  # of somebody who may: the others are sent away before their body is read
    b"POST /v1/devices HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer TOKEN\r\nContent-Type: application/json\r\n"
    b"Content-Length: 5000\r\n\r\n{"
)
_UNREAD = b"POST /v1/frames HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n{"  # answered at once: no token


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    """A server with few connections and little patience."""
    settings = {
        "max_connections": str(_CONNECTIONS),
        "header_within_s": str(_HEADER_WITHIN_S),
        "body_within_s": str(_HEADER_WITHIN_S),
        "min_free_bytes": "1000000",
    }
    plan = ServerPlan(data_folder=tmp_path / "data", card=write_model(tmp_path / "model"), workers=1, settings=settings)
    with running_server(plan) as running:
        yield running


@contextmanager
def clients(server: RunningServer, begin: bytes, drip: bytes) -> Iterator[Callable[[], int]]:
    """As many connections as there may be, each of which sends a beginning and then drops; how many are still open."""
    host, port = server.url.removeprefix("http://").split(":")
    opened = [socket.create_connection((host, int(port)), timeout=5.0) for _ in range(_CONNECTIONS)]
    done, alive = threading.Event(), [True] * len(opened)

    def drips() -> None:
        while not done.wait(_DRIP_S):
            for number, one in enumerate(opened):
                if alive[number]:
                    alive[number] = _goes_on(one, drip)

    try:
        for one in opened:
            one.sendall(begin.replace(b"TOKEN", server.admin_token.encode()))
        thread = threading.Thread(target=drips)
        thread.start()
        yield lambda: sum(alive)
    finally:
        done.set()
        thread.join(10.0)
        for one in opened:
            one.close()


def _goes_on(connection: socket.socket, drip: bytes) -> bool:
    """Whether the server still holds the connection, after some more bytes."""
    connection.settimeout(0.005)
    try:
        if drip:
            connection.sendall(drip)
        return connection.recv(1_000) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


@pytest.mark.parametrize(
    ("begin", "drip"),
    [
        pytest.param(b"", b"", id="that say nothing"),
        pytest.param(_HEAD, b"a", id="whose headers never end"),
        pytest.param(_BODY, b" ", id="whose body never ends"),
        pytest.param(_UNREAD, b" ", id="whose body never ends and is read by nobody"),
    ],
)
def test_a_server_full_of_clients_serves_the_others_again_soon(
    server: RunningServer, begin: bytes, drip: bytes
) -> None:
    secret = server.device_token("zhe-A-1027", {"front": {}})
    with clients(server, begin, drip) as still_open:
        ends_at = time.monotonic() + _PATIENCE_S
        while still_open() and time.monotonic() < ends_at:
            time.sleep(0.1)
        assert still_open() == 0
        with server.client(secret) as device:
            assert post(device, a_meta(), a_picture(), wait=True).json()["report"]["is_analysed"]


def test_clients_that_vanish_without_a_word_do_not_add_up(server: RunningServer) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    for _ in range(3 * _CONNECTIONS):
        gone = socket.create_connection((host, int(port)), timeout=5.0)
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")  # reset, no goodbye
        gone.sendall(_HEAD)
        gone.close()
    ends_at = time.monotonic() + _PATIENCE_S
    while httpx.get(f"{server.url}/healthz").status_code != 200:
        assert time.monotonic() < ends_at
        time.sleep(0.1)


def test_a_connection_that_rests_between_requests_or_frames_is_left_alone(server: RunningServer) -> None:
    secret = server.device_token("zhe-A-1027", {"front": {}})
    shown = {"Authorization": f"Bearer {secret}"}
    with server.client(secret) as device, connect(server.stream_url, additional_headers=shown) as stream:
        for number in range(2):
            answer = post(device, a_meta(seq=number), a_picture(number), wait=True)
            stream.send(message(a_meta(seq=10 + number, camera="rear"), a_picture(10 + number)))
            assert json.loads(stream.recv(_PATIENCE_S))["status"] == "accepted"
            time.sleep(3 * _HEADER_WITHIN_S)
        assert device.get(answer.headers["location"]).status_code == 200
