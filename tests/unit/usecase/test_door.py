"""Frames that are turned away before their picture is stored, and what the analysis would have said of them."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from support.clocks import SetClock
from support.drive import at
from support.street import Going, Standing, Street, a_street, frames_of, shipped_policy

from inference_server.domain.frame import Frame
from inference_server.domain.observation import DropReason
from inference_server.domain.report import Report
from inference_server.door import BlindGate, Door

HEAP = Standing(place=(5.0, 40.0))
STOPS = Going(metres=range(0, 12, 1), step_s=0.4)  # slower than the step, so that most frames are of one place


@dataclass
class Entrance:
    """A street whose frames come in by the door; `heard` are the reports that the door gave."""

    street: Street
    heard: list[Report] = field(default_factory=list)

    @property
    def door(self) -> Door:
        """The door of the street's own queue."""
        gate = BlindGate(
            self.street.record.store, self.street.collection.filing.grids, self.street.collection.policy.gate
        )
        return Door(gate, self.street.record.queue, SetClock(), lambda frame, report: self.heard.append(report))

    def comes(self, frame: Frame, picture: bytes) -> Report:
        """What became of a frame: turned away, or queued, claimed and analysed."""
        if self.door.turn_away(frame) is None:
            self.street.record.queue.put(frame, picture)
            claimed = self.street.record.queue.claim()
            assert claimed is not None
            self.street.collection.inspect(claimed.frame, claimed.picture)
            self.street.record.queue.release(claimed)
        report = self.street.record.store.report(frame.id)
        assert report is not None
        return report


def without_times(report: Report) -> Report:
    return replace(report, analysed_at=report.analysed_at.min, pass_id=None)


def test_the_door_says_what_the_analysis_would_have_said(tmp_path: Path) -> None:
    with a_street(tmp_path / "door", [HEAP]) as one, a_street(tmp_path / "queue", [HEAP]) as other:
        entrance = Entrance(one)
        by_door = [entrance.comes(frame, picture) for frame, picture in frames_of(STOPS, [HEAP])]
        by_queue = [other.inspect(frame, picture) for frame, picture in frames_of(STOPS, [HEAP])]
        assert [without_times(report) for report in by_door] == [without_times(report) for report in by_queue]
        assert one.cases() == [] == other.cases()
    turned_away = [report for report in by_door if report.drop is not None]
    assert {report.drop.reason for report in turned_away if report.drop} == {DropReason.NOT_MOVED}
    assert entrance.heard == turned_away != []
    assert len(turned_away) < len(by_door)


def test_a_whole_drive_by_the_door_files_the_same_case(tmp_path: Path) -> None:
    drive = Going(metres=range(0, 60, 1), step_s=0.15)
    with a_street(tmp_path / "door", [HEAP]) as one, a_street(tmp_path / "queue", [HEAP]) as other:
        entrance = Entrance(one)
        for frame, picture in frames_of(drive, [HEAP]):
            entrance.comes(frame, picture)
        other.goes(drive)
        assert entrance.heard
        assert (one.case().position, one.case().code) == (other.case().position, other.case().code)


def test_a_frame_that_waits_lets_the_next_one_in_for_it_may_change_the_answer(tmp_path: Path) -> None:
    with a_street(tmp_path, [HEAP]) as street:
        entrance = Entrance(street)
        (first, a), (second, _), *_ = frames_of(STOPS, [HEAP])
        street.record.queue.put(first, a)
        assert entrance.door.turn_away(second) is None
        assert entrance.heard == []


def test_the_same_fix_again_is_let_in_for_only_the_picture_tells_a_stuck_receiver(tmp_path: Path) -> None:
    with a_street(tmp_path, [HEAP]) as street:
        entrance = Entrance(street)
        (first, a), (second, _), *_ = frames_of(STOPS, [HEAP])
        entrance.comes(first, a)
        assert entrance.door.turn_away(replace(second, fix=first.fix)) is None


def test_a_frame_without_a_fix_or_in_a_masked_zone_never_reaches_the_disk(tmp_path: Path) -> None:
    policy = shipped_policy()
    corners = [at(x, y) for x, y in ((-50, -50), (50, -50), (50, 50), (-50, 50))]
    zone = tuple((corner.lat, corner.lon) for corner in corners)
    masked = replace(policy, gate=replace(policy.gate, masked_zones=(zone,)))
    with a_street(tmp_path, [HEAP], policy=masked) as street:
        entrance = Entrance(street)
        (first, a), (second, b), *_ = frames_of(STOPS, [HEAP])
        reasons = []
        for frame, picture in ((replace(first, fix=None), a), (second, b)):
            report = entrance.comes(frame, picture)
            assert report.drop is not None
            reasons.append(report.drop.reason)
        assert reasons == [DropReason.NO_FIX, DropReason.MASKED_ZONE]
        assert len(entrance.heard) == 2
        assert street.record.spool.ages_s() == {}


def test_a_frame_that_was_turned_away_is_known_when_it_comes_again(tmp_path: Path) -> None:
    with a_street(tmp_path, [HEAP]) as street:
        entrance = Entrance(street)
        (first, a), (second, _), *_ = frames_of(STOPS, [HEAP])
        entrance.comes(first, a)
        said = [entrance.door.turn_away(second) for _ in range(2)]
        assert [one.is_new for one in said if one] == [True, False]
        assert len(entrance.heard) == 1
