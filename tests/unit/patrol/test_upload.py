"""The uploader loses nothing, keeps the order and does not hammer."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path

import pytest
from starlette.responses import HTMLResponse, Response
from support.captured import a_captured_frame
from support.receiver import HangUp, Receiver, problem, running

from patrol.buffer import Buffer
from patrol.buffer_state import BufferCounts, counts, parked_frames
from patrol.errors import Halt, InputError, OutsideError
from patrol.link import UploadSettings
from patrol.upload import Uploader

LANES = ("front", "left", "right")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running(Receiver()) as started:
        yield started


@pytest.fixture
def buffer(tmp_path: Path) -> Iterator[Buffer]:
    with Buffer(tmp_path / "buffer.sqlite") as opened:
        yield opened


def settings_for(url: str, **changed: float) -> UploadSettings:
    quick = {"first_wait_s": 0.02, "longest_wait_s": 0.1, "timeout_s": 5.0} | changed
    return UploadSettings(server=url, token="a-token", **quick)  # type: ignore[arg-type]


def send_all(buffer: Buffer, receiver: Receiver, *, patience_s: float = 20.0, **changed: float) -> BufferCounts:
    with Uploader(buffer, settings_for(receiver.url, **changed)) as uploader:
        uploader.drain(patience_s=patience_s)
    return counts(buffer.file)


def until(uploader: Uploader, claim: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not claim():
        uploader.check()
        assert time.monotonic() < deadline, "it did not come true in 15 s"
        time.sleep(0.02)


def sent_order(receiver: Receiver, camera: str) -> list[int]:
    return [taken.meta["seq"] for taken in receiver.requests if taken.meta["camera"] == camera]


def test_a_frame_arrives_in_the_agreed_form(buffer: Buffer, receiver: Receiver) -> None:
    buffer.add(a_captured_frame(1))
    before = datetime.now(UTC)
    send_all(buffer, receiver)
    [request] = receiver.requests
    assert request.token == "Bearer a-token"
    assert request.content_type == "image/jpeg"
    assert request.key[3] == a_captured_frame(1).sha256
    assert request.meta["position"] == {"lat": 30.27419, "lon": 120.1551, "datum": "wgs84", "accuracy_m": 2.5}
    sent_at = datetime.fromisoformat(request.meta["sent_at"])
    assert abs((sent_at - before).total_seconds()) < 20


def test_every_camera_keeps_its_order_over_several_connections(buffer: Buffer, receiver: Receiver) -> None:
    receiver.delay_s = 0.002
    for number in range(25):
        for camera in LANES:
            buffer.add(a_captured_frame(number, camera=camera))
    found = send_all(buffer, receiver)
    assert (found.sent, found.waiting, found.parked) == (75, 0, 0)
    for camera in LANES:
        assert sent_order(receiver, camera) == list(range(25))


def test_frames_added_while_sending_are_sent_too(buffer: Buffer, receiver: Receiver) -> None:
    with Uploader(buffer, settings_for(receiver.url)) as uploader:
        for number in range(5):
            buffer.add(a_captured_frame(number))
            time.sleep(0.05)
        uploader.drain(patience_s=20)
    assert sent_order(receiver, "front") == [0, 1, 2, 3, 4]


def test_a_full_queue_is_waited_for_as_long_as_the_server_says(buffer: Buffer, receiver: Receiver) -> None:
    receiver.orders.append(lambda: problem(429, "queue_full", Retry_After="1"))
    buffer.add(a_captured_frame(1))
    start = time.monotonic()
    assert send_all(buffer, receiver).sent == 1
    assert time.monotonic() - start >= 1.0
    assert len(receiver.requests) == 2


def test_a_date_in_retry_after_counts_from_the_servers_own_clock(buffer: Buffer, receiver: Receiver) -> None:
    an_hour_off = datetime(2031, 1, 1, 0, 0, 0, tzinfo=UTC)
    in_a_second = an_hour_off.replace(second=1)

    def not_ready() -> Response:
        answer = problem(503, "not_ready", Retry_After=format_datetime(in_a_second, usegmt=True))
        answer.headers["date"] = format_datetime(an_hour_off, usegmt=True)
        return answer

    receiver.orders.append(not_ready)
    buffer.add(a_captured_frame(1))
    start = time.monotonic()
    assert send_all(buffer, receiver).sent == 1
    assert 1.0 <= time.monotonic() - start < 8.0


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(lambda: problem(500, "failed"), id="the server fails"),
        pytest.param(lambda: Response("bad gateway", 502), id="a proxy has lost the server"),
        pytest.param(lambda: problem(503, "not_ready"), id="not ready, without Retry-After"),
        pytest.param(lambda: Response("slow", 408), id="the request took too long"),
        pytest.param(lambda: HTMLResponse("<h1>Please sign in</h1>", 200), id="a sign-in page of the network"),
        pytest.param(lambda: Response(status_code=302, headers={"location": "http://portal/"}), id="a redirect"),
        pytest.param(lambda: problem(429, "queue_full", Retry_After="presently"), id="Retry-After that says nothing"),
    ],
)
def test_passing_trouble_costs_time_and_no_frame(buffer: Buffer, receiver: Receiver, trouble: object) -> None:
    receiver.orders.extend([trouble] * 3)  # type: ignore[list-item]
    for number in range(3):
        buffer.add(a_captured_frame(number))
    found = send_all(buffer, receiver)
    assert (found.sent, found.parked, found.duplicates) == (3, 0, 0)
    assert sent_order(receiver, "front") == [0, 0, 0, 0, 1, 2]


def test_a_connection_lost_before_the_answer_ends_as_a_duplicate_not_as_a_second_frame(
    buffer: Buffer, receiver: Receiver
) -> None:
    receiver.orders.append(lambda: HangUp())
    buffer.add(a_captured_frame(1))
    found = send_all(buffer, receiver)
    assert (found.sent, found.duplicates, receiver.times_new) == (1, 1, 1)


def test_a_frame_is_not_sent_before_the_answer_is_there(buffer: Buffer, receiver: Receiver) -> None:
    receiver.delay_s = 0.6
    buffer.add(a_captured_frame(1))
    with Uploader(buffer, settings_for(receiver.url)) as uploader:
        until(uploader, lambda: bool(receiver.requests))
        assert (counts(buffer.file).waiting, counts(buffer.file).sent) == (1, 0)
        uploader.drain(patience_s=10)
    assert counts(buffer.file).sent == 1


def test_a_slow_answer_is_given_up_and_the_frame_sent_again(buffer: Buffer, receiver: Receiver) -> None:
    receiver.delay_s = 0.8
    buffer.add(a_captured_frame(1))
    with Uploader(buffer, settings_for(receiver.url, timeout_s=0.3)) as uploader:
        until(uploader, lambda: uploader.tally["failed_tries"] > 0)
        receiver.delay_s = 0.0
        uploader.drain(patience_s=20)
    assert (counts(buffer.file).sent, receiver.times_new) == (1, 1)


def test_a_refused_frame_is_parked_with_its_reason_and_the_next_one_goes(buffer: Buffer, receiver: Receiver) -> None:
    receiver.refuse = lambda meta: (
        problem(422, "position_impossible", "latitude 95 is not on Earth") if meta["seq"] == 1 else None
    )
    for number in range(3):
        buffer.add(a_captured_frame(number))
    found = send_all(buffer, receiver)
    assert (found.sent, found.parked, found.waiting) == (2, 1, 0)
    [parked] = parked_frames(buffer.file)
    assert parked.code == "position_impossible"
    assert "latitude 95 is not on Earth" in parked.message
    assert sent_order(receiver, "front") == [0, 1, 2]


def test_a_refusal_without_a_problem_body_is_parked_under_its_status(buffer: Buffer, receiver: Receiver) -> None:
    receiver.orders.append(lambda: HTMLResponse("<h1>413 Request Entity Too Large</h1>", 413))
    buffer.add(a_captured_frame(1))
    assert send_all(buffer, receiver).parked == 1
    assert parked_frames(buffer.file)[0].code == "http_413"


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_token_stops_the_sending_and_parks_nothing(buffer: Buffer, receiver: Receiver, status: int) -> None:
    receiver.refuse = lambda meta: problem(status, "token", "this token is not the right one")
    for number in range(3):
        buffer.add(a_captured_frame(number))
    with pytest.raises(Halt, match="this token is not the right one"):
        send_all(buffer, receiver)
    assert (counts(buffer.file).waiting, counts(buffer.file).parked) == (3, 0)
    assert len(receiver.requests) == 1


def test_a_device_without_its_token_does_not_stop_the_others(buffer: Buffer, receiver: Receiver) -> None:
    receiver.refuse = lambda meta: problem(403, "not_allowed") if meta["device"] == "bus-2" else None
    for number in range(3):
        buffer.add(a_captured_frame(number, device="bus-1"))
        buffer.add(a_captured_frame(number, device="bus-2"))
    with pytest.raises(Halt):
        send_all(buffer, receiver)
    assert (counts(buffer.file).sent, counts(buffer.file).waiting) == (3, 3)


def test_each_device_shows_its_own_token(buffer: Buffer, receiver: Receiver) -> None:
    for device in ("bus-1", "bus-2", "bus-3"):
        buffer.add(a_captured_frame(device=device))
    tokens = {"bus-1": "one", "bus-2": "two"}
    with Uploader(buffer, UploadSettings(server=receiver.url, token="other", device_tokens=tokens)) as uploader:
        uploader.drain(patience_s=20)
    shown = {request.meta["device"]: request.token for request in receiver.requests}
    assert shown == {"bus-1": "Bearer one", "bus-2": "Bearer two", "bus-3": "Bearer other"}


@pytest.mark.parametrize("answer", [lambda: HTMLResponse("nothing here", 404), lambda: problem(404, "not_found")])
def test_an_address_that_takes_no_frames_stops_the_sending(
    buffer: Buffer, receiver: Receiver, answer: Callable[[], Response]
) -> None:
    receiver.refuse = lambda meta: answer()
    buffer.add(a_captured_frame(1))
    with pytest.raises(Halt, match="no Xuncheng server"):
        send_all(buffer, receiver)
    assert counts(buffer.file).waiting == 1


def test_an_unreachable_server_ends_in_a_clear_error_after_the_patience(buffer: Buffer) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        buffer.add(a_captured_frame(1))
        with (
            Uploader(buffer, settings_for(url)) as uploader,
            pytest.raises(OutsideError, match=r"1 frames stay in .*buffer\.sqlite"),
        ):
            uploader.drain(patience_s=0.5)
    assert counts(buffer.file).waiting == 1


def test_a_server_that_comes_back_gets_everything(buffer: Buffer) -> None:
    with running(Receiver()) as first:
        port = int(first.url.rsplit(":", 1)[1])
    for number in range(5):
        buffer.add(a_captured_frame(number))
    with Uploader(buffer, settings_for(first.url)) as uploader:
        until(uploader, lambda: uploader.tally["failed_tries"] >= 2)
        with running(Receiver(), port=port) as back:
            uploader.drain(patience_s=20)
    assert sent_order(back, "front") == [0, 1, 2, 3, 4]


def test_waits_between_failures_grow(buffer: Buffer, receiver: Receiver) -> None:
    moments: list[float] = []

    def fail() -> Response:
        moments.append(time.monotonic())
        return problem(500, "failed")

    receiver.orders.extend([fail] * 5)
    buffer.add(a_captured_frame(1))
    send_all(buffer, receiver, first_wait_s=0.05, longest_wait_s=5.0)
    waits = [later - earlier for earlier, later in pairwise(moments)]
    assert waits[3] > 3 * waits[0] > 0.1


def test_one_camera_in_trouble_does_not_hold_up_the_others(buffer: Buffer, receiver: Receiver) -> None:
    receiver.refuse = lambda meta: problem(500, "failed") if meta["camera"] == "front" else None
    for number in range(4):
        for camera in LANES:
            buffer.add(a_captured_frame(number, camera=camera))
    with Uploader(buffer, settings_for(receiver.url, connections=1)) as uploader:
        until(uploader, lambda: uploader.tally["accepted"] >= 8)
        assert counts(buffer.file).sent == 8
        receiver.refuse = lambda meta: None
        uploader.drain(patience_s=20)
    assert receiver.times_new == 12


def test_two_uploaders_on_one_buffer_would_lose_the_order_and_are_refused(buffer: Buffer, receiver: Receiver) -> None:
    with (
        Uploader(buffer, settings_for(receiver.url)),
        pytest.raises(InputError, match="another process is already uploading"),
        Uploader(buffer, settings_for(receiver.url)),
    ):
        pass


def test_leaving_during_a_long_wait_does_not_take_long(buffer: Buffer, receiver: Receiver) -> None:
    receiver.orders.extend([lambda: problem(429, "queue_full", Retry_After="600")] * 3)
    buffer.add(a_captured_frame(1))
    start, before = time.monotonic(), threading.active_count()
    with Uploader(buffer, settings_for(receiver.url)) as uploader:
        until(uploader, lambda: uploader.tally["failed_tries"] > 0)
    assert time.monotonic() - start < 5
    assert counts(buffer.file).waiting == 1
    assert threading.active_count() <= before + 1  # the receiver's own thread may still be at its answer


@pytest.mark.parametrize(
    ("server", "token"),
    [
        pytest.param("127.0.0.1:8000", "t", id="no scheme"),
        pytest.param("ftp://city.example", "t", id="not HTTP"),
        pytest.param("http://", "t", id="no host"),
        pytest.param("http://city.example", "", id="no token"),
        pytest.param("http://city.example", "two\nlines", id="a token with a line break"),
    ],
)
def test_what_could_never_work_is_refused_at_once(server: str, token: str) -> None:
    with pytest.raises(InputError):
        UploadSettings(server=server, token=token)
