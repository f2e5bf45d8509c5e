"""Frames give way to verifications, but not for ever."""

import threading
import time

from inference_server.precedence import Precedence


def test_without_anything_ahead_nobody_waits() -> None:
    begun_s = time.monotonic()
    Precedence(at_most_s=5.0).give_way()
    assert time.monotonic() - begun_s < 1.0


def test_frames_wait_until_all_that_is_ahead_is_done() -> None:
    precedence, passed = Precedence(at_most_s=30.0), threading.Event()
    with precedence.ahead():
        with precedence.ahead():
            threading.Thread(target=lambda: (precedence.give_way(), passed.set()), daemon=True).start()
        assert not passed.wait(0.2)
    assert passed.wait(10.0)


def test_frames_go_on_after_a_while_whatever_is_ahead() -> None:
    precedence = Precedence(at_most_s=0.1)
    with precedence.ahead():
        begun_s = time.monotonic()
        precedence.give_way()
        assert 0.1 <= time.monotonic() - begun_s < 5.0


def test_what_fails_is_ahead_no_longer() -> None:
    precedence = Precedence(at_most_s=30.0)
    try:
        with precedence.ahead():
            raise ValueError
    except ValueError:
        begun_s = time.monotonic()
        precedence.give_way()
        assert time.monotonic() - begun_s < 5.0
