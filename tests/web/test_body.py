"""The body of a posted frame: limits of size, time and form."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.app import OpenApp, open_app
from support.posting import a_meta, a_picture, form, message, post

_BOUNDARY = "b0undary"
_MULTIPART = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}


def _part(name: str, contents: bytes, *, file: str | None = None) -> bytes:
    extra = f'; filename="{file}"' if file else ""
    return (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'.encode() + contents + b"\r\n"
    )


def _end() -> bytes:
    return f"--{_BOUNDARY}--\r\n".encode()


def _meta() -> bytes:
    length = int.from_bytes(message(a_meta(), b"")[:4], "big")
    return message(a_meta(), b"")[4 : 4 + length]


def test_200_mb_are_refused_by_the_length_they_declare(shared_app: OpenApp) -> None:
    begun = time.monotonic()
    with shared_app.client("device") as client:
        answer = client.post("/v1/frames", headers=_MULTIPART | {"Content-Length": "200000000"}, content=_zeros(200))
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert answer.json()["limit"] > 25_000_000
    assert time.monotonic() - begun < 5.0


def test_200_mb_without_a_declared_length_are_refused_once_they_are_too_many(shared_app: OpenApp) -> None:
    def body() -> Iterator[bytes]:
        yield _part("meta", _meta()) + _part("image", a_picture())[:-2]
        yield from _zeros(200)

    with shared_app.client("device") as client:
        answer = client.post("/v1/frames", headers=_MULTIPART, content=body())
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_a_token_is_asked_for_before_the_body_is_looked_at(shared_app: OpenApp) -> None:
    with shared_app.client(None) as client:
        answer = client.post("/v1/frames", headers=_MULTIPART | {"Content-Length": "200000000"}, content=_zeros(200))
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        pytest.param(b"", 400, "malformed", None, id="nothing"),
        pytest.param(_end(), 422, "bad_input", "meta", id="no parts"),
        pytest.param(_part("meta", _meta()) + _end(), 422, "bad_input", "image", id="no image"),
        pytest.param(_part("image", b"x") + _end(), 422, "bad_input", "meta", id="no meta"),
        pytest.param(_part("meta", _meta()) * 2 + _end(), 422, "bad_input", "meta", id="meta twice"),
        pytest.param(_part("picture", b"x") + _end(), 422, "bad_input", "picture", id="an unknown part"),
        pytest.param(_part("meta", b" " * 20_000) + _end(), 413, "body_too_large", "meta", id="a very long meta"),
        pytest.param(_part("meta", _meta()) + _part("image", a_picture()), 400, "malformed", None, id="no end"),
        pytest.param(b"not a form at all", 400, "malformed", None, id="no form"),
        pytest.param(b"--b0undary\r\n" + b"X: y\r\n" * 5000, 400, "malformed", None, id="thousands of headers"),
        pytest.param(b"--b0undary\r\n" + b"X" * 60_000, 400, "malformed", None, id="a header without an end"),
        pytest.param(b"--b0undary\r\n\r\nx\r\n" + _end(), 422, "bad_input", "", id="a part without a name"),
    ],
)
def test_a_form_that_is_no_frame_is_refused(
    shared_app: OpenApp, body: bytes, status: int, code: str, field: str | None
) -> None:
    with shared_app.client("device") as client:
        answer = client.post("/v1/frames", headers=_MULTIPART, content=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (answer.json().get("field") or None) == (field or None)


@pytest.mark.parametrize(
    ("content_type", "status", "code"),
    [
        pytest.param("application/json", 415, "media_type_refused", id="JSON"),
        pytest.param("image/jpeg", 415, "media_type_refused", id="a picture alone"),
        pytest.param("multipart/mixed; boundary=b0undary", 415, "media_type_refused", id="another multipart"),
        pytest.param("multipart/form-data", 400, "malformed", id="no boundary"),
        pytest.param("multipart/form-data; boundary=" + "b" * 5000, 400, "malformed", id="a very long boundary"),
        pytest.param("", 415, "media_type_refused", id="none"),
    ],
)
def test_another_content_type_is_refused(shared_app: OpenApp, content_type: str, status: int, code: str) -> None:
    with shared_app.client("device") as client:
        answer = client.post("/v1/frames", headers={"Content-Type": content_type}, content=b"{}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_slow_body_is_given_up_and_blocks_nobody(tmp_path: Path, card: Path) -> None:
    def slow() -> Iterator[bytes]:
        yield _part("meta", _meta())
        time.sleep(1.0)
        yield _end()

    with open_app(tmp_path / "data", card, body_within_s=0.3) as opened, opened.client("device") as client:
        answer = client.post("/v1/frames", headers=_MULTIPART, content=slow())
        assert (answer.status_code, answer.json()["code"]) == (408, "body_too_slow")
        assert post(client, a_meta(), a_picture()).status_code == 202


def test_more_bytes_at_once_than_the_budget_are_sent_away_and_the_budget_is_given_back(
    tmp_path: Path, card: Path
) -> None:
    picture = a_picture(width_px=1280)
    budget = {"max_bytes_in_flight": len(picture) // 2}
    with open_app(tmp_path / "data", card, **budget) as opened, opened.client("device") as client:
        answer = post(client, a_meta(), picture)
        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
        assert int(answer.headers["retry-after"]) >= 1
        small = a_picture(width_px=64, height_px=48)
        assert [post(client, a_meta(seq=i), small).status_code for i in range(20)] == [202] * 20


def test_a_large_body_on_another_address_is_refused_before_any_route_sees_it(shared_app: OpenApp) -> None:
    with shared_app.client() as client:
        declared = client.post("/v1/devices", content=b"x" * 70_000)
        streamed = client.post("/v1/devices", content=_zeros(1))
        patched = client.patch("/v1/cases/x", content=b"x" * 70_000)
    assert [one.status_code for one in (declared, streamed, patched)] == [413] * 3
    assert {one.json()["code"] for one in (declared, streamed, patched)} == {"body_too_large"}


def test_parts_may_come_in_any_order_and_without_file_names(shared_app: OpenApp) -> None:
    body = _part("image", a_picture(3)) + _part("meta", _meta()) + _end()
    with shared_app.client("device") as client:
        assert client.post("/v1/frames", headers=_MULTIPART, content=body).status_code == 202
        assert client.post("/v1/frames", files=form(a_meta(), a_picture(4))).status_code == 202


def _zeros(megabytes: int) -> Iterator[bytes]:
    for _ in range(megabytes):
        yield b"\0" * 1_000_000
