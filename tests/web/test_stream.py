"""The WebSocket of frames: every message is answered, wrong ones do not end the stream."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.app import OpenApp, open_app
from support.posting import a_meta, a_picture, message, post
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

_FIELDS = {"seq", "frame", "status", "code", "retry_after_s"}


def _open(app: OpenApp, scope: str = "device") -> ClientConnection:
    return connect(app.stream_url, additional_headers=app.authorization(scope), max_size=2**20)


def _say(socket: ClientConnection, what: bytes | str) -> dict[str, Any]:
    socket.send(what)
    answer: dict[str, Any] = json.loads(socket.recv(timeout=10))
    return answer


def test_each_frame_is_answered_in_order(fresh_app: OpenApp) -> None:
    metas = [a_meta(seq=i) for i in range(3)]
    with _open(fresh_app) as socket:
        for meta in metas:
            socket.send(message(meta, a_picture(meta["seq"])))
        answers = [json.loads(socket.recv(timeout=10)) for _ in metas]
        again = _say(socket, message(metas[0], a_picture(0)))
    assert [one["seq"] for one in answers] == [0, 1, 2]
    assert all(set(one) == _FIELDS and one["status"] == "accepted" for one in answers)
    assert again == answers[0] | {"status": "duplicate"}


def test_a_frame_is_the_same_frame_by_either_way(shared_app: OpenApp) -> None:
    meta = a_meta(camera="both")
    with shared_app.client("device") as client:
        posted = post(client, meta, a_picture()).json()["frame"]
    with _open(shared_app) as socket:
        assert _say(socket, message(meta, a_picture())) == {
            "seq": meta["seq"], "frame": posted, "status": "duplicate", "code": None, "retry_after_s": None
        }  # fmt: skip


@pytest.mark.parametrize(
    ("what", "seq", "code"),
    [
        pytest.param("text", None, "malformed", id="a text message"),
        pytest.param(b"", None, "malformed", id="an empty message"),
        pytest.param(b"\0\0", None, "malformed", id="half a length"),
        pytest.param(b"\0\0\0\x7f{}", None, "malformed", id="a length beyond the end"),
        pytest.param(b"\xff\xff\xff\xff{}", None, "body_too_large", id="a length of 4 GB"),
        pytest.param(message("{", b"x"), None, "malformed", id="JSON cut off"),
        pytest.param(message(a_meta(seq=7), b""), None, "bad_input", id="no picture"),
        pytest.param(message(a_meta(seq=7), b"GIF89a"), 7, "picture_format_refused", id="no picture that is read"),
        pytest.param(message(a_meta(seq=8, heading_deg=400), a_picture()), 8, "bad_input", id="a wrong field"),
        pytest.param(message(a_meta(seq=9, device="other"), a_picture()), 9, "not_allowed", id="another device"),
    ],
)
def test_a_wrong_message_is_refused_and_the_stream_goes_on(
    shared_app: OpenApp, what: bytes | str, seq: int | None, code: str
) -> None:
    with _open(shared_app) as socket:
        answer = _say(socket, what)
        after = _say(socket, message(a_meta(camera="after"), a_picture()))
    assert (answer["seq"], answer["status"], answer["code"], answer["frame"]) == (seq, "refused", code, None)
    assert set(answer) >= _FIELDS
    assert after["status"] in ("accepted", "duplicate")


def test_a_full_queue_is_told_with_the_time_to_come_again(tmp_path: Path, card: Path) -> None:
    with open_app(tmp_path / "data", card, workers=0, queue_max_frames=1) as opened, _open(opened) as socket:
        _say(socket, message(a_meta(seq=1), a_picture(1)))
        answer = _say(socket, message(a_meta(seq=2), a_picture(2)))
    assert (answer["seq"], answer["code"]) == (2, "queue_full")
    assert answer["retry_after_s"] > 0


def test_a_message_over_the_limit_ends_the_stream_and_nothing_else(tmp_path: Path, card: Path) -> None:
    with open_app(tmp_path / "data", card, max_picture_bytes=100_000) as opened:
        with _open(opened) as socket:
            socket.send(b"\0" * 200_000)
            with pytest.raises(ConnectionClosed) as closed:
                socket.recv(timeout=10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
        with _open(opened) as socket:
            assert _say(socket, message(a_meta(), a_picture(width_px=320, height_px=180)))["status"] == "accepted"


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        pytest.param({}, 401, "not_authenticated", id="no token"),
        pytest.param({"Authorization": "Bearer xc_wrong"}, 401, "not_authenticated", id="a wrong token"),
        pytest.param("admin", 403, "not_allowed", id="a token without the scope"),
    ],
)
def test_without_a_devices_token_no_stream_opens(
    shared_app: OpenApp, headers: dict[str, str] | str, status: int, code: str
) -> None:
    shown = shared_app.authorization(headers) if isinstance(headers, str) else headers
    with pytest.raises(InvalidStatus) as refused:
        connect(shared_app.stream_url, additional_headers=shown)
    assert refused.value.response.status_code == status
    assert json.loads(refused.value.response.body)["code"] == code


def test_a_token_that_is_revoked_ends_its_stream(fresh_app: OpenApp) -> None:
    registry = fresh_app.application.record.registry
    with _open(fresh_app) as socket:
        assert _say(socket, message(a_meta(seq=1), a_picture()))["status"] == "accepted"
        for token in registry.tokens():
            if token.device is not None:
                registry.revoke_token(token.id)
        assert _say(socket, message(a_meta(seq=2), a_picture(2)))["code"] == "not_authenticated"
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=10)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


def test_streams_beyond_the_limit_are_sent_away(tmp_path: Path, card: Path) -> None:
    with open_app(tmp_path / "data", card, max_streams=1) as opened:
        with _open(opened), pytest.raises(InvalidStatus) as refused:
            _open(opened)
        assert refused.value.response.status_code == 503
        assert json.loads(refused.value.response.body)["code"] == "busy"
