"""Intervals and halves: look-alikes stand or fall together."""

from __future__ import annotations

import pytest
from support.findings import HERE, PALE, a_finding, by_chance

from training.average_precision import average_precision
from training.blocks import FRAMES_A_BLOCK, blocks, halves
from training.findings import Finding, mark_one
from training.intervals import Intervals, intervals


def measured(findings: list[Finding], score: float = 0.4) -> Intervals:
    return intervals([mark_one(f, PALE) for f in findings], blocks(findings), score)


def drive(pictures: int, groups: int, *, source: str = "road") -> list[Finding]:
    return [
        a_finding([(PALE, HERE)], [(PALE, HERE, 0.9)] if number % 2 else [], source=source, group=f"{number % groups}")
        for number in range(pictures)
    ]


def test_the_interval_holds_the_figure_and_narrows_with_more_pictures() -> None:
    few, many = by_chance(30), by_chance(300)
    for findings in (few, many):
        low, high = measured(findings)["mAP50"]
        assert low < average_precision(findings, [PALE])[PALE].at_50 < high
    widths = [high - low for low, high in (measured(few)["mAP50"], measured(many)["mAP50"])]
    assert widths[1] < 0.6 * widths[0]


def test_look_alikes_widen_the_interval() -> None:
    apart = [a_finding([(PALE, HERE)], [(PALE, HERE, 0.9)] if n % 2 else [], group=str(n)) for n in range(100)]
    alike = [
        a_finding([(PALE, HERE)], [(PALE, HERE, 0.9)] if n // 10 % 2 else [], group=str(n // 10)) for n in range(100)
    ]
    narrow, wide = (measured(findings)["recall_at_threshold"] for findings in (apart, alike))
    assert wide[1] - wide[0] > 2 * (narrow[1] - narrow[0])


def test_a_class_without_true_boxes_has_an_interval_of_false_alarms_only() -> None:
    findings = [a_finding([], [(PALE, HERE, 0.9)] if n % 4 == 0 else [], group=str(n)) for n in range(40)]
    made = measured(findings)
    assert set(made) == {"false_alarms_per_100"}
    low, high = made["false_alarms_per_100"]
    assert low < 25.0 < high


def test_a_long_drive_is_cut_into_runs_of_frames_and_many_groups_are_left_whole() -> None:
    cut = blocks(drive(45, groups=2))
    assert max(len(block) for block in cut) == FRAMES_A_BLOCK
    whole = blocks(drive(45, groups=15))
    assert sorted(len(block) for block in whole) == [3] * 15
    for made in (cut, whole):
        assert sorted(place for block in made for place in block) == list(range(45))


def test_no_block_is_in_both_halves_and_each_source_is_in_each_about_equally() -> None:
    findings = drive(60, groups=20) + drive(40, groups=40, source="walls")
    one, other = halves(findings, seed=3)
    groups = [{(findings[n].picture.source, findings[n].picture.group) for n in side} for side in (one, other)]
    assert not groups[0] & groups[1]
    assert sorted(one + other) == list(range(100))
    counts = [sum(findings[n].picture.source == "walls" for n in side) for side in (one, other)]
    assert counts == [20, 20]


@pytest.mark.parametrize("seed", range(3))
def test_the_same_seed_gives_the_same_halves(seed: int) -> None:
    findings = drive(50, groups=25)
    assert halves(findings, seed) == halves(findings, seed)
    assert set(halves(findings, seed)[0]) != set(halves(findings, 9)[0])
