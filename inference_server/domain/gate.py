"""Which frames are worth looking at: each check gives a drop with its numbers, or None."""

import numpy as np

from inference_server.domain.frame import Fix, Frame, PastFrame, Quality
from inference_server.domain.geo import LatLon, distance_m
from inference_server.domain.observation import Drop, DropReason
from inference_server.domain.policy import GateRules
from inference_server.domain.zones import distance_to_m


def check_fix(frame: Frame, previous: PastFrame | None, rules: GateRules) -> Drop | None:
    """Is there a fix, is it good enough, is it possible after the last one, may we look here?"""
    fix = frame.fix
    if fix is None:
        return Drop(DropReason.NO_FIX)
    if fix.accuracy_m is not None and fix.accuracy_m > rules.max_accuracy_m:
        numbers: dict[str, float | str] = {"accuracy_m": fix.accuracy_m, "max_accuracy_m": rules.max_accuracy_m}
        return Drop(DropReason.FIX_INACCURATE, numbers)
    if previous is not None:
        jump = _jump(frame, fix, previous, rules)
        if jump is not None:
            return jump
    return check_zone(fix, rules)


def _jump(frame: Frame, fix: Fix, previous: PastFrame, rules: GateRules) -> Drop | None:
    moved_m = distance_m(previous.fix.position, fix.position)
    seconds = (frame.taken_at - previous.taken_at).total_seconds()
    if seconds > rules.max_pass_gap_s:
        return None
    allowed_m = rules.jump_slack_m + rules.max_speed_kmh / 3.6 * seconds
    if moved_m <= allowed_m:
        return None
    return Drop(DropReason.FIX_JUMP, {"moved_m": round(moved_m, 1), "allowed_m": round(allowed_m, 1)})


def check_zone(fix: Fix, rules: GateRules) -> Drop | None:
    """May we look from here? Not in a masked zone, nor nearer to one than the margin, by the receiver's own word."""
    if not is_masked(fix.position, rules):
        return None
    return Drop(DropReason.MASKED_ZONE, {"margin_m": rules.masked_margin_m} if rules.masked_margin_m else {})


def is_masked(position: LatLon, rules: GateRules) -> bool:
    """Whether nothing is collected at a place."""
    return distance_to_m(position, rules.masked_zones) <= rules.masked_margin_m


def repeats_fix(fix: Fix, previous: PastFrame | None) -> bool:
    """Whether the receiver gave the very same coordinates again: it stands still, or it is stuck."""
    return previous is not None and previous.fix.position == fix.position


def check_step(fix: Fix, last_analysed: PastFrame | None, rules: GateRules) -> Drop | None:
    """Has the vehicle moved on since the last analysed frame of this camera?"""
    if last_analysed is None:
        return None
    moved_m = distance_m(last_analysed.fix.position, fix.position)
    if moved_m >= rules.step_m:
        return None
    return Drop(DropReason.NOT_MOVED, {"moved_m": round(moved_m, 2), "step_m": rules.step_m})


def check_stuck(fix: Fix, previous: PastFrame, quality: Quality, rules: GateRules) -> Drop | None:
    """Does the picture move although the coordinates repeat?"""
    if previous.thumbnail is None:
        return None
    grey = thumbnail_difference(previous.thumbnail, quality.thumbnail)
    if grey < rules.moved_thumbnail_grey:
        return None
    numbers: dict[str, float | str] = {"grey_difference": round(grey, 1), "limit": rules.moved_thumbnail_grey}
    if fix.speed_kmh is not None:
        numbers["speed_kmh"] = fix.speed_kmh
    return Drop(DropReason.FIX_STUCK, numbers)


def thumbnail_difference(a: bytes, b: bytes) -> float:
    """Mean difference of two grey thumbnails after taking out their brightness; 255 if their sizes differ.

    >>> thumbnail_difference(bytes([10, 20]), bytes([30, 40]))
    0.0
    """
    if len(a) != len(b):
        return 255.0
    left, right = (np.frombuffer(t, dtype=np.uint8).astype(np.float64) for t in (a, b))
    return float(np.abs((left - left.mean()) - (right - right.mean())).mean())


def check_quality(quality: Quality, rules: GateRules) -> Drop | None:
    """Is the picture sharp and bright enough, and not blinded? A drop for quality is no negative."""
    if quality.brightness < rules.min_brightness:
        return Drop(DropReason.PICTURE_DARK, {"brightness": quality.brightness, "min_brightness": rules.min_brightness})
    if quality.brightness > rules.max_brightness:
        return Drop(
            DropReason.PICTURE_GLARE, {"brightness": quality.brightness, "max_brightness": rules.max_brightness}
        )
    if quality.sharpness < rules.min_sharpness:
        return Drop(DropReason.PICTURE_BLURRED, {"sharpness": quality.sharpness, "min_sharpness": rules.min_sharpness})
    return None
