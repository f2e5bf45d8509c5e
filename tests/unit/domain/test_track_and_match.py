"""Observations of a pass become tracks, and tracks find their candidates."""

from dataclasses import replace

import numpy as np
import pytest
from support.drive import GROUND, PLANE, START, a_detection, a_frame, a_placing, a_pose, at, box_of, metres, moved

from inference_server.domain.candidate import Candidate, CandidateId, Pass, PassId, PassPosition, Track, TrackId
from inference_server.domain.frame import camera_id
from inference_server.domain.gather import begun, fused, joined, measured, settled
from inference_server.domain.match import Linking, Shift, first_shift, is_ripe, predicted, taken_beside
from inference_server.domain.observation import Observation
from inference_server.domain.policy import ErrorModel, MatchRules
from inference_server.domain.track import Tracking

GROUPS = {"garbage": "waste", "overflowing_bin": "waste", "soil_heap": "heap"}


def tracking(frame, pose):
    return Tracking(
        pass_id=PassId("p"),
        frame=frame,
        pose=pose,
        camera_height_m=2.0,
        rules=MatchRules(),
        errors=ErrorModel(),
        groups=GROUPS,
        review_at=dict.fromkeys(GROUPS, 0.3),
    )


def drive_past(things, *, shift=(0.0, 0.0), names=None, norths=range(0, 25, 3)):
    """Tracks left by a vehicle driving north past things (each `(2,)` metres), with a constant error of its fixes."""
    tracks: dict[str, Track] = {}
    for step, north in enumerate(norths):
        true = a_pose(north_m=north)
        pose = moved(true, *shift)
        frame = a_frame(step * 0.4)
        seen = []
        for index, thing in enumerate(things):
            box = box_of(true, np.array(thing))
            if box is None:
                continue
            one = a_placing(pose).observe(
                a_detection(box, index=index, class_name=(names or ["garbage"] * 9)[index]), GROUND
            )
            if isinstance(one, Observation):
                seen.append(one)
        for track in tracking(frame, pose).associate(list(tracks.values()), seen):
            tracks[track.id] = track
    return list(tracks.values())


def a_candidate(name, east, north, *, class_name="garbage"):
    seen = PassPosition(
        track_id=TrackId(name),
        pass_id=PassId("old"),
        at=START,
        position=at(east, north),
        cov_m2=(4, 0, 4),
        class_scores={class_name: 2.0},
        observations=3,
    )
    return Candidate(
        id=CandidateId(name),
        class_group=GROUPS[class_name],
        contact=GROUND,
        anchor=at(east, north),
        anchor_cov_m2=(0.2, 0, 0.2),
        position=at(east, north),
        cov_m2=(4, 0, 4),
        passes=(seen,),
        first_at=START,
        last_at=START,
    )


def link(tracks, candidates, shift_sigma_m=2.8):
    taken = {t.id: taken_beside(t, [o for o in tracks if o.id != t.id]) for t in tracks}
    linking = Linking(plane=PLANE, rules=MatchRules(), taken=taken)
    found, shift = linking.link(tracks, candidates, Shift(np.zeros(2), np.eye(2) * shift_sigma_m**2))
    return [(t, found.get(t.id)) for t in tracks], shift


def test_one_thing_seen_in_many_frames_is_one_track():
    (track,) = drive_past([(4.0, 30.0)])
    assert track.observations >= 5
    assert track.position is not None
    assert np.linalg.norm(metres(track.position) - [4.0, 30.0]) < 0.4


def test_two_like_things_three_metres_apart_are_two_tracks():
    tracks = drive_past([(4.0, 30.0), (4.0, 33.0)])
    assert len(tracks) == 2
    places = sorted(float(metres(t.position)[1]) for t in tracks)
    assert places == pytest.approx([30.0, 33.0], abs=0.6)


def test_things_of_different_groups_never_share_a_track():
    tracks = drive_past([(4.0, 30.0), (4.0, 30.5)], names=["garbage", "soil_heap"])
    assert sorted(t.class_name for t in tracks) == ["garbage", "soil_heap"]


@pytest.mark.parametrize("shift", [(0.0, 0.0), (3.0, 2.0), (0.0, -3.5), (0.0, 4.0)])
def test_two_like_things_are_told_apart_under_a_common_error_as_large_as_their_distance(shift):
    tracks = drive_past([(4.0, 30.0), (4.0, 34.0)], shift=shift)
    found, estimate = link(tracks, [a_candidate("first", 4.0, 30.0), a_candidate("second", 4.0, 34.0)])
    names = {round(float(metres(t.position)[1] - shift[1])): c.id for t, c in found if c is not None}
    assert names == {30: "first", 34: "second"}
    assert estimate.mean == pytest.approx(shift, abs=1.0)


def test_a_thing_far_from_all_candidates_is_new():
    (track,) = drive_past([(4.0, 30.0)])
    found, _ = link([track], [a_candidate("elsewhere", 4.0, 60.0)])
    assert found[0][1] is None


def test_a_known_shift_forbids_what_an_unknown_one_allows():
    (track,) = drive_past([(4.0, 30.0)])
    beside = [a_candidate("beside", 4.0, 34.5)]
    assert link([track], beside, shift_sigma_m=2.8)[0][0][1] is not None
    assert link([track], beside, shift_sigma_m=0.3)[0][0][1] is None


def test_what_was_seen_beside_a_track_cannot_be_its_thing():
    one, two = drive_past([(4.0, 30.0), (4.0, 34.0)])
    held = replace(one, candidate_id=CandidateId("held"))
    assert taken_beside(two, [held]) == {"held"}
    assert taken_beside(replace(two, first_at=held.last_at.replace(year=2027)), [held]) == frozenset()


def test_a_ripe_track_waits_for_its_unripe_like_neighbour_but_not_for_ever():
    (ripe,) = drive_past([(4.0, 30.0)], norths=(12, 15, 18))
    young = replace(ripe, id=TrackId("young"), observations=1, position=at(4.0, 34.0))
    assert is_ripe(ripe, [ripe], PLANE, MatchRules())
    assert not is_ripe(ripe, [ripe, young], PLANE, MatchRules())
    assert is_ripe(replace(ripe, observations=6), [ripe, young], PLANE, MatchRules())


def test_the_shift_of_a_pass_is_forgotten_as_its_correlation_fades():
    drive = Pass(
        id=PassId("p"),
        camera=camera_id("car", "front"),
        started_at=START,
        last_at=START,
        last_position=at(0, 0),
        offset_m=(3.0, 0.0),
        offset_cov_m2=(0.1, 0.0, 0.1),
    )
    later = predicted(drive, a_frame(30.0).taken_at, at(0, 240), 2.0, 30.0)
    assert later.offset_m[0] == pytest.approx(3.0 / np.e)
    assert later.offset_cov_m2[0] == pytest.approx(0.1 / np.e**2 + 8.0 * (1 - 1 / np.e**2))
    assert first_shift(2.0) == (8.0, 0.0, 8.0)


def test_one_pass_counts_once_however_many_tracks_it_broke_into():
    (track,) = drive_past([(4.0, 30.0)])
    seen = measured(track, a_pose(), ErrorModel())
    broken = replace(seen, track_id=TrackId("other half"), observations=1)
    assert fused((seen, broken)) == fused((seen,))
    other_pass = replace(seen, track_id=TrackId("x"), pass_id=PassId("q"))
    assert fused((seen, other_pass))[1][0] == pytest.approx(seen.cov_m2[0] / 2)


def test_a_candidate_averages_the_errors_of_its_passes():
    shifts = [(2.0, 1.0), (-1.0, -2.0), (-1.0, 1.0)]
    candidate = None
    for number, shift in enumerate(shifts):
        (track,) = drive_past([(4.0, 30.0)], shift=shift)
        track = replace(track, id=TrackId(f"t{number}"), pass_id=PassId(f"p{number}"))
        seen = measured(track, a_pose(), ErrorModel())
        if candidate is None:
            candidate = begun(track, seen, Shift(np.zeros(2), np.eye(2)), False)
        else:
            candidate = joined(settled(candidate, track, Shift(np.array(shift), np.eye(2) * 0.1)), track, seen)
    assert candidate is not None
    assert np.linalg.norm(metres(candidate.position) - [4.0, 30.0]) < 0.5
    assert len(candidate.passes) == 3
