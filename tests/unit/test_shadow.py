"""The shadow looks after the live work, never in its way."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest
from support.builders import a_detection, a_frame, a_report
from support.clocks import SetClock
from support.street import shipped_policy
from support.truth import TruthDetects, TruthLook, truth_picture

from inference_server.domain.frame import Frame
from inference_server.domain.observation import Detection, Drop, DropReason
from inference_server.domain.report import DetectionReport, Outcome, Report
from inference_server.domain.shadow import ShadowLook
from inference_server.shadow import BUSY, COMPARED, FAILED, MODEL_CHANGED, UNREADABLE, Shadow, ShadowRules

BOX = (10.0, 20.0, 110.0, 80.0)
PICTURE = truth_picture([("garbage", 0.9, BOX)])


@dataclass
class Looks:
    """Keeps what is written; raises first, where it is told to."""

    made: list[ShadowLook] = field(default_factory=list)
    faults: int = 0

    def add_look(self, look: ShadowLook) -> None:
        if self.faults:
            self.faults -= 1
            raise OSError("the disk is full")
        self.made.append(look)


@dataclass
class Slow:
    """A candidate that looks when it is let."""

    let: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)
    model_version: str = "new 1"

    def thresholds(self, class_name: str) -> None:
        return None

    def probability(self, class_name: str, score: float) -> float:
        return score

    def open(self, picture: bytes) -> TruthLook:
        self.begun.set()
        assert self.let.wait(20)
        return TruthDetects().open(picture)


@dataclass
class Running:
    """A pair of models and a shadow over it."""

    candidate: object = field(default_factory=lambda: TruthDetects(model_version="new 1"))
    looks: Looks = field(default_factory=Looks)
    is_busy: bool = False
    share: float = 1.0

    def __post_init__(self) -> None:
        self.champion = TruthDetects(model_version="old 1")
        rules = ShadowRules(share=self.share, seed=1, policy=shipped_policy(), is_busy=lambda: self.is_busy)
        self.shadow = Shadow(self, self.looks, SetClock(), rules)  # type: ignore[arg-type]

    def show(self, number: int = 0, **changes: object) -> None:
        frame = a_frame(number)
        self.shadow.show(frame, PICTURE, report_of(frame, **changes))

    def after(self, count: int) -> dict[str, int]:
        """The counts once so many frames are done with."""
        for _ in range(2000):
            if sum(self.shadow.counts.values()) >= count:
                break
            threading.Event().wait(0.01)
        self.shadow.stop(10)
        return {outcome: count for outcome, count in self.shadow.counts.items() if count}


def report_of(frame: Frame, version: str = "old 1", score: float = 0.8) -> Report:
    seen: Detection = a_detection(0, score=score, probability=None)
    one = DetectionReport(detection=seen, outcome=Outcome.TRACKED)
    return a_report(frame, detections=(one,), model_version=version)


def test_what_both_models_saw_is_kept_with_their_names() -> None:
    running = Running()
    running.shadow.start()
    running.show()
    assert running.after(1) == {COMPARED: 1}
    (look,) = running.looks.made
    assert (look.frame_id, look.live_version, look.shadow_version) == (a_frame(0).id, "old 1", "new 1")
    assert [(one.agreement.value, one.live_score, one.shadow_score) for one in look.finds] == [("both", 0.8, 0.9)]


def test_a_frame_is_let_go_at_once_while_the_shadow_is_busy() -> None:
    slow = Slow()
    running = Running(candidate=slow)
    running.shadow.start()
    running.show(0)
    assert slow.begun.wait(20)
    for number in range(1, 11):
        running.show(number)  # four wait, six are let go; none of these calls waits for the candidate
    assert running.shadow.counts[BUSY] == 6
    slow.let.set()
    assert running.after(11) == {BUSY: 6, COMPARED: 5}


def test_nothing_is_looked_at_without_a_candidate_outside_the_share_or_where_the_frame_was_dropped() -> None:
    for running in (Running(candidate=None), Running(share=0.0)):
        running.shadow.start()
        running.show()
        assert running.after(0) == {}
    running = Running()
    running.shadow.start()
    frame = a_frame()
    running.shadow.show(
        frame, b"", Report(frame_id=frame.id, analysed_at=SetClock().now(), drop=Drop(DropReason.NOT_MOVED))
    )
    assert running.after(0) == {}


@pytest.mark.parametrize(
    ("changes", "busy", "expected"),
    [
        pytest.param({"version": "older 1"}, False, MODEL_CHANGED, id="another model made the report"),
        pytest.param({}, True, BUSY, id="frames wait"),
    ],
)
def test_versions_are_not_mixed_and_live_work_goes_first(changes: dict[str, str], busy: bool, expected: str) -> None:
    running = Running(is_busy=busy)
    running.shadow.start()
    running.show(**changes)
    assert running.after(1) == {expected: 1}
    assert running.looks.made == []


def test_a_fault_ends_one_look_and_not_the_shadow() -> None:
    running = Running(looks=Looks(faults=1))
    running.shadow.start()
    running.show(0)
    running.show(1)
    running.shadow.show(a_frame(2), b"not a picture", report_of(a_frame(2)))
    assert running.after(3) == {FAILED: 1, COMPARED: 1, UNREADABLE: 1}
