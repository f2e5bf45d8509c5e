"""What a broken device or an attacker sends to a real server: a clear refusal, soon, in bounded memory; never a 5xx."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.app import write_model
from support.posting import CAMERA_JSON, DEVICE, a_meta, a_picture, form, message, post
from support.server import RunningServer, ServerPlan, running_server
from support.shared import shared_or_skip
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

_WITHIN_S = 1.0
_MOST_GROWTH_BYTES = 200_000_000
_MULTIPART = {"Content-Type": "multipart/form-data; boundary=b"}
_OPENING = b'--b\r\nContent-Disposition: form-data; name="image"\r\n\r\n'
_DECLARED = {"Content-Length": str(200_000_000 + len(_OPENING))}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A real server that has seen one ordinary frame, so that what is loaded once is loaded."""
    folder = tmp_path_factory.mktemp("hostile")
    plan = ServerPlan(data_folder=folder / "data", card=write_model(folder / "model"))
    with running_server(plan) as running:
        yield running


@pytest.fixture(scope="module")
def device(server: RunningServer) -> Iterator[httpx.Client]:
    """A client with the token of DEVICE."""
    with server.client(server.device_token(DEVICE, {"front": CAMERA_JSON})) as client:
        assert post(client, a_meta(), a_picture(), wait=True).status_code == 200
        yield client


@pytest.mark.shared
def test_every_hostile_file_is_refused_clearly_or_read_soon_and_in_bounded_memory(
    server: RunningServer, device: httpx.Client
) -> None:
    files = sorted(path for path in shared_or_skip("hostile").iterdir() if path.is_file())
    before = server.memory_bytes()
    told = [_tell_of(path, device, server.memory_bytes, before) for path in files]
    assert len(told) >= 190
    faults = [line for line in told if line is not None]
    assert not faults, "\n".join(faults)
    assert device.get("/readyz").status_code == 200


def _tell_of(path: Path, device: httpx.Client, memory: Any, before: int) -> str | None:
    """What went wrong with one file; None where nothing did. Each is a camera of its own, so that none is dropped
    for standing still."""
    name = "".join(letter if letter.isalnum() else "-" for letter in path.name)[:50]
    begun = time.monotonic()
    answer = post(device, a_meta(camera=f"c{name}"), path.read_bytes(), wait=True)
    seconds, growth = time.monotonic() - begun, memory() - before
    body = answer.json()
    told = f"{path.name}: {answer.status_code} {body.get('code')} {seconds:.2f} s, {growth / 1e6:+.0f} MB"
    if answer.status_code == 200:
        is_clear = body["report"] is not None and (
            body["report"]["is_analysed"] or body["report"]["drop"]["reason"] != "failed"
        )
    else:
        is_clear = answer.status_code in (413, 415, 422) and body["code"].startswith("picture_")
    return None if is_clear and seconds < _WITHIN_S and growth < _MOST_GROWTH_BYTES else told


def _zeros(megabytes: int) -> Iterator[bytes]:
    block = b"\0" * 1_000_000
    for _ in range(megabytes):
        yield block


def _sent_as(body: Iterator[bytes]) -> Iterator[bytes]:
    yield _OPENING
    yield from body


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        pytest.param("/v1/frames", _DECLARED, id="a frame that declares 200 MB"),
        pytest.param("/v1/frames", {}, id="a frame of 200 MB that declares nothing"),
        pytest.param("/v1/cases", _DECLARED, id="200 MB where nothing is posted"),
        pytest.param("/console/login", {}, id="200 MB for the console"),
    ],
)
def test_200_mb_are_refused_early_and_never_held(
    server: RunningServer, device: httpx.Client, path: str, headers: dict[str, str]
) -> None:
    before = server.memory_bytes()
    answer = device.post(path, headers=_MULTIPART | headers, content=_sent_as(_zeros(200)))
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert server.memory_bytes() - before < 60_000_000


def test_twenty_bodies_of_200_mb_at_once_do_not_add_up(server: RunningServer, device: httpx.Client) -> None:
    def send(_: int) -> int:
        headers = {**_MULTIPART, "Authorization": device.headers["authorization"]}
        with httpx.Client(base_url=server.url, headers=headers, timeout=60.0) as client:
            return client.post("/v1/frames", content=_sent_as(_zeros(200))).status_code

    before = server.memory_bytes()
    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(send, range(20)))
    assert set(statuses) <= {413, 503}  # 503 busy: the budget of bytes in flight
    assert server.memory_bytes() - before < _MOST_GROWTH_BYTES


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        pytest.param(None, 401, id="none"),
        pytest.param("Bearer xc_wrong", 401, id="wrong"),
        pytest.param("Bearer " + "x" * 20_000, 401, id="very long"),
        pytest.param("Basic YTpi", 401, id="of another kind"),
        pytest.param("Bearer \x7f\x80\xff", 401, id="not even text"),
    ],
)
def test_a_wrong_token_is_refused_soon(server: RunningServer, authorization: str | None, status: int) -> None:
    shown = [] if authorization is None else [(b"Authorization", authorization.encode("latin-1"))]
    begun = time.monotonic()
    answer = httpx.post(f"{server.url}/v1/frames", headers=shown, files=form(a_meta(), a_picture()))
    assert answer.status_code == status
    assert answer.json()["code"] == "not_authenticated"
    assert time.monotonic() - begun < _WITHIN_S


def test_a_revoked_token_opens_nothing_from_then_on(server: RunningServer) -> None:
    with server.client() as admin:
        issued = admin.post("/v1/tokens", json={"name": "gone", "scopes": ["device"], "device": DEVICE}).json()
        with server.client(issued["secret"]) as client:
            assert post(client, a_meta(camera="gone"), a_picture()).status_code == 202
            admin.delete(f"/v1/tokens/{issued['id']}").raise_for_status()
            assert post(client, a_meta(camera="gone"), a_picture()).status_code == 401


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 200_000, id="a header without an end"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 20_000, id="thousands of headers"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500, id="TLS"),
        pytest.param(b"POST /v1/frames HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", id="a negative length"),
        pytest.param(b"POST /v1/frames HTTP/1.1\r\nHost: x\r\nContent-Length: 1e9\r\n\r\n", id="a length in words"),
        pytest.param(
            b"POST /v1/frames HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            id="two lengths",
        ),
        pytest.param(b"GET /%ff%fe/\x00 HTTP/1.1\r\nHost: x\r\n\r\n", id="an address that is none"),
    ],
)
def test_bytes_that_are_no_request_get_a_4xx_and_bounded_memory(server: RunningServer, sent: bytes) -> None:
    before = server.memory_bytes()
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it may refuse while we are still sending
            connection.sendall(sent)
        answer = _read_all(connection)
    assert answer.startswith(b"HTTP/1.1 4") or answer == b""  # closed without a word: it was no HTTP
    assert b"Traceback" not in answer
    assert server.memory_bytes() - before < 30_000_000


def _read_all(connection: socket.socket) -> bytes:
    read = b""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        while part := connection.recv(65_536):
            read += part
    return read


def test_slow_clients_block_nobody(server: RunningServer, device: httpx.Client) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    head = f"POST /v1/frames HTTP/1.1\r\nHost: x\r\nContent-Type: {_MULTIPART['Content-Type']}\r\n"
    head += f"Authorization: {device.headers['authorization']}\r\nContent-Length: 100000\r\n\r\n--b\r\n"
    slow = [socket.create_connection((host, int(port)), timeout=10) for _ in range(100)]
    try:
        for connection in slow:
            connection.sendall(head.encode())
        begun = time.monotonic()
        assert post(device, a_meta(camera="quick"), a_picture()).status_code == 202
        assert device.get("/healthz").status_code == 200
        assert time.monotonic() - begun < _WITHIN_S
    finally:
        for connection in slow:
            connection.close()


def test_a_stream_of_nonsense_is_answered_message_by_message(server: RunningServer, device: httpx.Client) -> None:
    headers = {"Authorization": device.headers["authorization"]}
    before = server.memory_bytes()
    with connect(server.stream_url, additional_headers=headers) as stream:
        for junk in (b"", b"\xff" * 8, "text", b"\0\0\0\2{}" + b"GIF89a", message("{" * 9000, a_picture())):
            stream.send(junk)
            answer = json.loads(stream.recv(timeout=10))
            assert (answer["status"], answer["frame"]) == ("refused", None)
            assert answer["code"] is not None
        with pytest.raises(ConnectionClosed):
            _flood(stream)
    assert server.memory_bytes() - before < 100_000_000
    assert device.get("/readyz").status_code == 200


def _flood(stream: Any) -> None:
    """One message of 200 MB, in parts."""
    stream.send(_zeros(200))
    stream.recv(timeout=20)


def test_nothing_of_all_this_left_a_trace_of_our_code_in_an_answer_or_a_secret_in_the_log(
    server: RunningServer, device: httpx.Client
) -> None:
    for path in ("/v1/frames/..%2f..%2fetc%2fpasswd", "/v1/cases/%00", "/nothing", "/v1/cases?limit=" + "9" * 5000):
        answer = device.get(path)
        assert 400 <= answer.status_code < 500
        assert answer.headers["content-type"] == "application/problem+json"
        assert "Traceback" not in answer.text
    log = server.log.read_text()
    assert device.headers["authorization"].removeprefix("Bearer ") not in log
    assert server.admin_token not in log
    assert "Traceback" not in log
