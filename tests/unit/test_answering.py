"""The answering thread prepares for later questions only while nothing else wants the processor."""

import threading
from typing import cast

from support.waiting import until

from inference_server.answering import Answering, AnsweringThread


class Counted:
    """Stands for an `Answering` that nobody asks, with photographs without end."""

    def __init__(self) -> None:
        self.asked, self.described = 0, 0

    def answer_waiting(self) -> int:
        """No question waits."""
        self.asked += 1
        return 0

    def describe_one(self) -> bool:
        """One more."""
        self.described += 1
        return False


def test_nothing_is_described_ahead_while_frames_come_and_questions_are_looked_for_all_the_same() -> None:
    counted, busy = Counted(), threading.Event()
    busy.set()
    thread = AnsweringThread(cast("Answering", counted), idle_s=0.01, calm_s=0.2, is_busy=busy.is_set)
    thread.start()
    try:
        until(lambda: counted.asked > 3)
        assert counted.described == 0
        busy.clear()
        until(lambda: counted.described == 1)
    finally:
        assert thread.stop(5.0)
