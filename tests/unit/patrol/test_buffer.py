"""The send buffer keeps every frame until the server has it."""

import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.captured import a_captured_frame

from patrol.buffer import Buffer
from patrol.buffer_state import counts, known_frame, parked_codes, parked_frames, server_of
from patrol.errors import BufferFull, InputError
from patrol.frame import wire_meta, wire_time


def test_a_frame_comes_back_as_it_was_added(tmp_path: Path) -> None:
    frame = a_captured_frame(7, picture=b"\xff\xd8 a picture \x00\xff")
    with Buffer(tmp_path / "buffer.sqlite") as buffer:
        assert buffer.add(frame)
    with Buffer(tmp_path / "buffer.sqlite") as buffer:
        waiting = buffer.next_of(("zhe-A-1027", "front"))
    assert waiting is not None
    assert (waiting.picture, waiting.meta, waiting.content_type) == (frame.picture, wire_meta(frame), "image/jpeg")


def test_the_same_frame_twice_is_one_row(tmp_path: Path) -> None:
    with Buffer(tmp_path / "buffer.sqlite") as buffer:
        assert [buffer.add(a_captured_frame()), buffer.add(a_captured_frame())] == [True, False]
        assert counts(buffer.file).waiting == 1


def test_a_sent_frame_added_once_more_is_not_sent_once_more(tmp_path: Path) -> None:
    with Buffer(tmp_path / "buffer.sqlite") as buffer:
        buffer.add(a_captured_frame())
        buffer.mark_sent(1, server_frame="f1", duplicate=False)
        assert not buffer.add(a_captured_frame())
        assert (counts(buffer.file).waiting, counts(buffer.file).sent) == (0, 1)


def test_a_sent_frame_is_sent_once_more_when_asked(tmp_path: Path) -> None:
    with Buffer(tmp_path / "buffer.sqlite") as buffer:
        buffer.add(a_captured_frame())
        buffer.mark_sent(1, server_frame="f1", duplicate=False)
        buffer.add(a_captured_frame(), again=True)
        again = buffer.next_of(("zhe-A-1027", "front"))
    assert again is not None
    assert again.picture == a_captured_frame().picture


def test_frames_of_a_camera_leave_in_the_order_they_came(tmp_path: Path) -> None:
    with Buffer(tmp_path / "buffer.sqlite") as buffer:
        for number in (3, 1, 2):
            buffer.add(a_captured_frame(number))
            buffer.add(a_captured_frame(number, camera="right"))
        order = []
        while (frame := buffer.next_of(("zhe-A-1027", "front"))) is not None:
            order.append(frame.meta["seq"])
            buffer.mark_sent(frame.row, server_frame="f", duplicate=False)
        assert order == [3, 1, 2]
        assert buffer.waiting_lanes() == [("zhe-A-1027", "right")]


def test_a_parked_frame_lets_the_next_one_go_and_keeps_its_reason(tmp_path: Path) -> None:
    with Buffer(tmp_path / "buffer.sqlite") as buffer:
        buffer.add(a_captured_frame(1))
        buffer.add(a_captured_frame(2))
        buffer.park(1, code="datum_unknown", message="422: the datum is unknown")
        following = buffer.next_of(("zhe-A-1027", "front"))
        assert following is not None
        assert following.meta["seq"] == 2
        [parked] = parked_frames(buffer.file)
        assert (parked.code, parked.message) == ("datum_unknown", "422: the datum is unknown")
        assert parked_codes(buffer.file) == {"datum_unknown": 1}


def test_retrying_takes_only_the_parked_frames_of_the_reason_and_before_younger_ones(tmp_path: Path) -> None:
    with Buffer(tmp_path / "buffer.sqlite") as buffer:
        for number, code in enumerate(("unknown_device", "datum_unknown"), start=1):
            buffer.add(a_captured_frame(number))
            buffer.park(number, code=code, message="")
        buffer.add(a_captured_frame(3))
        assert buffer.retry_parked(code="unknown_device") == 1
        following = buffer.next_of(("zhe-A-1027", "front"))
        assert following is not None
        assert following.meta["seq"] == 1
        assert buffer.retry_parked() == 1
        assert counts(buffer.file).waiting == 3


def test_a_full_buffer_refuses_with_the_numbers_and_stays_as_it_was(tmp_path: Path) -> None:
    with Buffer(tmp_path / "buffer.sqlite", max_bytes=250) as buffer:
        buffer.add(a_captured_frame(1, picture=bytes(100)))
        buffer.add(a_captured_frame(2, picture=b"1" * 100))
        with pytest.raises(BufferFull) as refusal:
            buffer.add(a_captured_frame(3, picture=b"2" * 100))
        assert (refusal.value.held_bytes, refusal.value.frame_bytes, refusal.value.max_bytes) == (200, 100, 250)
        assert counts(buffer.file).waiting == 2


def test_sent_pictures_make_room_but_parked_ones_do_not(tmp_path: Path) -> None:
    with Buffer(tmp_path / "buffer.sqlite", max_bytes=200) as buffer:
        buffer.add(a_captured_frame(1, picture=bytes(100)))
        buffer.add(a_captured_frame(2, picture=b"1" * 100))
        buffer.park(1, code="refused", message="")
        with pytest.raises(BufferFull):
            buffer.add(a_captured_frame(3, picture=b"2" * 100))
        buffer.mark_sent(2, server_frame="f", duplicate=False)
        assert buffer.add(a_captured_frame(3, picture=b"2" * 100))


def test_the_file_does_not_grow_with_every_sent_picture(tmp_path: Path) -> None:
    with Buffer(tmp_path / "buffer.sqlite") as buffer:
        sizes = []
        for number in range(60):
            buffer.add(a_captured_frame(number, picture=random.Random(number).randbytes(100_000)))
            buffer.mark_sent(number + 1, server_frame="f", duplicate=False)
            if number % 30 == 29:
                buffer.file.rows("PRAGMA wal_checkpoint(TRUNCATE)")
                sizes.append((tmp_path / "buffer.sqlite").stat().st_size)
    assert sizes[1] < sizes[0] + 100_000


def test_one_buffer_sends_to_one_server(tmp_path: Path) -> None:
    with Buffer(tmp_path / "buffer.sqlite") as buffer:
        assert server_of(buffer.file) is None
        buffer.bind("http://one.example")
        buffer.bind("http://one.example")
        with pytest.raises(InputError, match="take another --buffer"):
            buffer.bind("http://two.example")
        assert server_of(buffer.file) == "http://one.example"


def test_what_is_no_buffer_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("these are notes, not a data base, and long enough to be read as one" * 20)
    with pytest.raises(InputError, match=r"notes\.txt"):
        Buffer(tmp_path / "notes.txt")


def test_old_acknowledged_frames_are_forgotten_and_nothing_else(tmp_path: Path) -> None:
    with Buffer(tmp_path / "buffer.sqlite") as buffer:
        for number in (1, 2, 3):
            buffer.add(a_captured_frame(number))
        buffer.mark_sent(1, server_frame="f", duplicate=False)
        buffer.park(2, code="refused", message="")
        assert buffer.forget_sent(datetime.now(UTC) - timedelta(days=1)) == 0
        assert buffer.forget_sent(datetime.now(UTC) + timedelta(days=1)) == 1
        assert (counts(buffer.file).waiting, counts(buffer.file).parked) == (1, 1)


def test_counts_name_the_oldest_waiting_frame_and_the_trouble(tmp_path: Path) -> None:
    with Buffer(tmp_path / "buffer.sqlite") as buffer:
        for number in (5, 4):
            buffer.add(a_captured_frame(number))
        buffer.note_failure(1, "ConnectError: refused")
        found = counts(buffer.file)
    assert found.oldest_waiting_at == wire_time(a_captured_frame(4).taken_at)
    assert (found.waiting, found.trouble) == (2, "ConnectError: refused")
    assert found.held_bytes == sum(len(a_captured_frame(number).picture) for number in (4, 5))


def test_threads_adding_at_once_lose_nothing(tmp_path: Path) -> None:
    with Buffer(tmp_path / "buffer.sqlite") as buffer:

        def add_some(camera: str) -> None:
            for number in range(20):
                buffer.add(a_captured_frame(number, camera=camera))

        threads = [threading.Thread(target=add_some, args=(camera,)) for camera in ("front", "left", "right")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert counts(buffer.file).waiting == 60


_ADDING = """
import sys
from pathlib import Path
from patrol.buffer import Buffer
sys.path.insert(0, sys.argv[2])
from support.captured import a_captured_frame
with Buffer(Path(sys.argv[1])) as buffer:
    for number in range(int(sys.argv[3]), 100_000):
        frame = a_captured_frame(number, picture=number.to_bytes(4, "big") * 20_000)
        buffer.add(frame)
        print(number, flush=True)
"""


@pytest.mark.crash
def test_every_frame_that_was_said_to_be_added_survives_a_kill(tmp_path: Path) -> None:
    tests, chance = str(Path(__file__).parents[2]), random.Random(20261122)
    said: list[int] = []
    for _ in range(6):
        command = [sys.executable, "-c", _ADDING, str(tmp_path / "buffer.sqlite"), tests, str(len(said))]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as adding:
            assert adding.stdout is not None
            said.append(int(adding.stdout.readline()))  # it is at work now
            time.sleep(chance.uniform(0.0, 0.4))
            adding.send_signal(signal.SIGKILL)
            said.extend(int(line) for line in adding.stdout if line.endswith("\n"))
    with Buffer(tmp_path / "buffer.sqlite") as buffer:
        for number in said:
            frame = a_captured_frame(number, picture=number.to_bytes(4, "big") * 20_000)
            assert known_frame(buffer.file, (frame.device, frame.camera, wire_time(frame.taken_at), frame.sha256))
        assert 0 <= counts(buffer.file).waiting - len(said) <= 6, "at most the frame in the making of each kill"
    db = sqlite3.connect(tmp_path / "buffer.sqlite")
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert db.execute("SELECT count(*) FROM frame LEFT JOIN picture ON frame = id WHERE bytes IS NULL").fetchone() == (
        0,
    )
    db.close()
