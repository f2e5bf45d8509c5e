"""A drive on its way to the server: every picture is accounted for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.captured import a_captured_frame
from support.receiver import Receiver, problem, running

from patrol.buffer import Buffer
from patrol.drive_report import DriveReport
from patrol.drive_sending import DriveSending
from patrol.errors import BufferFull
from patrol.link import UploadSettings
from patrol.sources.drive import Skipped
from patrol.upload import Uploader


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running(Receiver()) as started:
        yield started


def nothing() -> None:
    """No progress is shown."""


def sent(path: Path, receiver: Receiver, items: list[Any], **changed: Any) -> DriveSending:
    with Buffer(path, max_bytes=changed.pop("max_bytes", 10**9)) as buffer:
        with Uploader(buffer, UploadSettings(server=receiver.url, token="t", first_wait_s=0.02)) as uploader:
            sending = DriveSending(buffer=buffer, uploader=uploader, **{"patience_s": 20.0, **changed})
            sending.fill(items, nothing)
            uploader.drain(patience_s=20)
        sending.settle()
    return sending


def test_every_picture_is_in_one_count(tmp_path: Path, receiver: Receiver) -> None:
    receiver.refuse = lambda meta: problem(422, "clock_ahead") if meta["seq"] == 2 else None
    items = [a_captured_frame(1), Skipped("notes.txt", "no picture"), a_captured_frame(2), a_captured_frame(1)]
    report = sent(tmp_path / "b.sqlite", receiver, items).report
    assert (report.pictures, report.skipped.total(), report.repeated, report.frames) == (4, 1, 1, 2)
    assert (report.accepted, dict(report.parked), report.is_complete) == (1, {"clock_ahead": 1}, False)


def test_frames_of_an_earlier_run_are_told_apart_from_duplicates(tmp_path: Path, receiver: Receiver) -> None:
    sent(tmp_path / "one.sqlite", receiver, [a_captured_frame(1)])
    report = sent(tmp_path / "one.sqlite", receiver, [a_captured_frame(1), a_captured_frame(2)]).report
    assert (report.sent_before, report.accepted, report.duplicates) == (1, 1, 0)
    other_vehicle_computer = sent(tmp_path / "two.sqlite", receiver, [a_captured_frame(1)]).report
    assert (other_vehicle_computer.sent_before, other_vehicle_computer.duplicates) == (0, 1)


def test_a_full_buffer_is_waited_out_while_the_upload_makes_room(tmp_path: Path, receiver: Receiver) -> None:
    receiver.delay_s = 0.05
    frames = [a_captured_frame(number, picture=bytes([number]) * 1000) for number in range(8)]
    sending = sent(tmp_path / "b.sqlite", receiver, frames, max_bytes=1500)
    assert sending.report.accepted == 8


def test_a_buffer_full_of_parked_frames_is_not_waited_for(tmp_path: Path, receiver: Receiver) -> None:
    receiver.refuse = lambda meta: problem(422, "clock_ahead")
    frames = [a_captured_frame(number, picture=bytes([number]) * 1000) for number in range(3)]
    with pytest.raises(BufferFull, match="look at the parked frames"):
        sent(tmp_path / "b.sqlite", receiver, frames, max_bytes=1500)


def a_detection(outcome: str, **more: Any) -> dict[str, Any]:
    drop = {"reason": "low_score", "numbers": {}} if outcome == "dropped" else None
    return {"class_name": "garbage", "outcome": outcome, "drop": drop, "position": None, "case": None} | more


def test_an_analysis_is_counted_by_what_became_of_it() -> None:
    report = DriveReport()
    report.add_analysis(None)
    report.add_analysis({"drop": {"reason": "fix_stuck", "numbers": {}}, "detections": []})
    here = {"lat": 30.0, "lon": 120.0}
    found = [a_detection("dropped"), a_detection("new", position=here), a_detection("filed", position=here, case="c1")]
    report.add_analysis({"drop": None, "detections": [*found, a_detection("kept"), a_detection("sighting", case="c1")]})
    assert (report.unreported, dict(report.dropped), report.analysed) == (1, {"fix_stuck": 1}, 1)
    assert (report.detections, dict(report.detections_dropped)) == (5, {"low_score": 1})
    assert (dict(report.observations), report.placed, report.cases) == ({"garbage": 4}, 2, {"c1"})


@given(st.lists(st.sampled_from(["dropped", "new", "kept", "filed", "sighting"])))
def test_every_detection_is_used_or_dropped(outcomes: list[str]) -> None:
    report = DriveReport()
    report.add_analysis({"drop": None, "detections": [a_detection(outcome) for outcome in outcomes]})
    assert report.observations.total() + report.detections_dropped.total() == report.detections == len(outcomes)
