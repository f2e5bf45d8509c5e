"""Frames that are turned away before their picture is stored, and what the analysis would have said of them."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
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
        self.lets_in(frame, picture)
        self.works()
        report = self.street.record.store.report(frame.id)
        assert report is not None
        return report

    def lets_in(self, frame: Frame, picture: bytes) -> bool:
        """Whether a frame waits now; else it was turned away."""
        if self.door.turn_away(frame) is not None:
            return False
        self.street.record.queue.put(frame, picture)
        return True

    def works(self) -> None:
        """The oldest waiting frame is analysed, if there is one."""
        claimed = self.street.record.queue.claim()
        if claimed is not None:
            self.street.collection.inspect(claimed.frame, claimed.picture)
            self.street.record.queue.release(claimed)


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


def test_a_frame_that_stands_where_one_waits_is_turned_away(tmp_path: Path) -> None:
    with a_street(tmp_path, [HEAP]) as street:
        entrance = Entrance(street)
        (first, a), (second, b), _, (third, c), *_ = frames_of(STOPS, [HEAP])  # a metre apart, the step is two
        assert [entrance.lets_in(*one) for one in ((first, a), (second, b), (third, c))] == [True, False, True]
        (report,) = entrance.heard
        assert report.frame_id == second.id
        assert report.drop is not None
        assert (report.drop.reason, report.drop.numbers) == (DropReason.NOT_MOVED, {"moved_m": 1.0, "step_m": 2.0})


def test_a_frame_whose_fix_is_no_good_is_turned_away_whatever_waits(tmp_path: Path) -> None:
    with a_street(tmp_path, [HEAP]) as street:
        entrance = Entrance(street)
        (first, a), (second, b), (third, c), *_ = frames_of(Going(metres=range(0, 9, 3)), [HEAP])
        assert entrance.lets_in(first, a)
        assert second.fix is not None
        assert third.fix is not None
        assert not entrance.lets_in(replace(second, fix=None), b)
        assert not entrance.lets_in(replace(third, fix=replace(third.fix, position=at(0.0, 900.0))), c)
        reasons = [report.drop.reason for report in entrance.heard if report.drop]
        assert reasons == [DropReason.NO_FIX, DropReason.FIX_JUMP]


@pytest.mark.parametrize("seed", range(8))
def test_the_same_frames_are_analysed_however_far_the_workers_are_behind(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    frames = list(_crept(chance, 60))
    with a_street(tmp_path / "at_once", []) as one, a_street(tmp_path / "behind", []) as other:
        by_gate = {frame.id for frame, picture in frames if one.inspect(frame, picture).is_analysed}
        entrance = Entrance(other)
        for frame, picture in frames:
            entrance.lets_in(frame, picture)
            for _ in range(chance.choice((0, 0, 0, 1, 4))):
                entrance.works()
        for _ in frames:
            entrance.works()
        reports = [other.record.store.report(frame.id) for frame, _ in frames]
        assert {report.frame_id for report in reports if report and report.is_analysed} == by_gate
        assert None not in reports
        assert len(entrance.heard) > len(frames) / 4


def _crept(chance: random.Random, count: int) -> Iterator[tuple[Frame, bytes]]:
    """Frames of a car that stands, creeps, goes on, and repeats its fix, a second apart."""
    north_m = 0.0
    for number, (frame, picture) in enumerate(frames_of(Going(metres=range(count), step_s=1.0), [])):
        north_m += chance.choice((0.0, 0.0, 0.1, -0.2, 0.9, 1.3, 2.5)) if number else 0.0
        assert frame.fix is not None
        yield replace(frame, fix=replace(frame.fix, position=at(0.0, north_m))), picture


def test_a_waiting_frame_whose_picture_is_no_good_costs_the_looks_at_its_place_that_came_meanwhile_and_no_more(
    tmp_path: Path,
) -> None:
    with a_street(tmp_path, [HEAP]) as street:
        entrance = Entrance(street)
        (first, _), (second, b), (third, c), *_ = frames_of(STOPS, [HEAP])
        assert entrance.lets_in(first, b"no picture")
        assert not entrance.lets_in(second, b)
        entrance.works()
        assert second.fix is not None
        assert entrance.comes(replace(third, fix=replace(second.fix, position=at(0.0, 1.1))), c).is_analysed


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
