"""Observations of a pass become tracks, and tracks find their candidates."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from support.drive import GROUND, PLANE, START, a_detection, a_frame, a_placing, a_pose, at, box_of, metres, moved

from inference_server.domain.candidate import Candidate, CandidateId, PassId, PassPosition, Tie, Track, TrackId
from inference_server.domain.gather import begun, fused, joined, measured
from inference_server.domain.match import Linking, is_ripe, taken_beside
from inference_server.domain.observation import Observation
from inference_server.domain.policy import ErrorModel, MatchRules
from inference_server.domain.ties import Moment, Ties
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
        since=START,
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
        origin_track=TrackId(name),
        origin_pass=PassId("old"),
        origin_at=START,
        position=at(east, north),
        cov_m2=(4, 0, 4),
        passes=(seen,),
        first_at=START,
        last_at=START,
    )


def link(tracks, candidates, known=(), sigma_m=2.0):
    taken = {t.id: taken_beside(t, [o for o in tracks if o.id != t.id]) for t in tracks}
    linking = Linking(plane=PLANE, rules=MatchRules(), taken=taken)
    found, ties = linking.link(tracks, candidates, Ties(PassId("p"), tuple(known), sigma_m, 30.0))
    return [(t, found.get(t.id)) for t in tracks], ties


def a_tie(seconds, gap_m, *, origin_pass="old", origin_at=START):
    when = START + timedelta(seconds=seconds)
    return Tie(
        track_id=TrackId(f"{seconds}{gap_m}"),
        at=when,
        origin_pass=PassId(origin_pass),
        origin_at=origin_at,
        gap_m=gap_m,
        noise_m2=0.5,
    )


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
    found, ties = link(tracks, [a_candidate("first", 4.0, 30.0), a_candidate("second", 4.0, 34.0)])
    names = {round(float(metres(t.position)[1] - shift[1])): c.id for t, c in found if c is not None}
    assert names == {30: "first", 34: "second"}
    expected = ties.predict(START + timedelta(seconds=3), Moment(PassId("old"), START))
    assert expected.mean == pytest.approx(shift, abs=1.2)


def test_a_thing_far_from_all_candidates_is_new():
    (track,) = drive_past([(4.0, 30.0)])
    found, _ = link([track], [a_candidate("elsewhere", 4.0, 60.0)])
    assert found[0][1] is None


def test_a_known_shift_forbids_what_an_unknown_one_allows():
    (track,) = drive_past([(4.0, 30.0)])
    beside = [a_candidate("beside", 4.0, 36.0)]
    assert link([track], beside)[0][0][1] is not None
    known = [a_tie(2.0, (0.0, 0.0)), a_tie(2.5, (0.1, 0.0)), a_tie(3.0, (0.0, 0.1))]
    assert link([track], beside, known)[0][0][1] is None


def test_what_is_known_of_one_street_says_little_of_a_street_that_another_pass_has_measured():
    ties = Ties(PassId("p"), tuple(a_tie(s, (5.0, 0.0)) for s in (1.0, 2.0, 3.0)), 2.0, 30.0)
    now = START + timedelta(seconds=4)
    here = ties.predict(now, Moment(PassId("old"), START))
    elsewhere = ties.predict(now, Moment(PassId("another"), START))
    assert here.mean[0] > 4.0
    assert here.variance_m2 < 1.5
    assert 1.0 < elsewhere.mean[0] < 3.0  # half of the gap is this pass's own error
    assert elsewhere.variance_m2 > 4.0


def test_a_pass_agrees_with_itself_a_moment_ago_and_forgets():
    ties = Ties(PassId("p"), (), 2.0, 30.0)
    own = [ties.predict(START + timedelta(seconds=s), Moment(PassId("p"), START)).variance_m2 for s in (0, 3, 300)]
    assert own == pytest.approx([0.0, 8 * (1 - np.exp(-0.1)), 8.0], abs=1e-3)


def test_ties_predict_what_a_simulated_receiver_does():
    rng = np.random.default_rng(4)
    chi2 = []
    for _ in range(300):
        moments = np.arange(0, 24, 2.0)
        walk = [rng.normal(0, 2.0)]
        for _step in moments[1:]:
            keep = np.exp(-2.0 / 30.0)
            walk.append(walk[-1] * keep + rng.normal(0, 2.0 * np.sqrt(1 - keep**2)))
        old = rng.normal(0, 2.0)
        gaps = np.array(walk) - old
        known = tuple(
            a_tie(float(s), (float(g + rng.normal(0, np.sqrt(0.5))), 0.0))
            for s, g in zip(moments[:-1], gaps, strict=False)
        )
        shift = Ties(PassId("p"), known, 2.0, 30.0).predict(START + timedelta(seconds=22), Moment(PassId("old"), START))
        chi2.append((gaps[-1] - shift.mean[0]) ** 2 / shift.variance_m2)
    assert np.mean(chi2) == pytest.approx(1.0, abs=0.3)


def test_what_was_seen_beside_a_track_cannot_be_its_thing():
    one, two = drive_past([(4.0, 30.0), (4.0, 34.0)])
    held = replace(one, candidate_id=CandidateId("held"))
    assert taken_beside(two, [held]) == {"held"}
    assert taken_beside(replace(two, first_at=held.last_at.replace(year=2027)), [held]) == frozenset()


def test_a_ripe_track_waits_for_its_unripe_like_neighbour_but_not_for_ever():
    (ripe,) = drive_past([(4.0, 30.0)], norths=(12, 15, 18))
    young = replace(ripe, id=TrackId("young"), observations=1, position=at(4.0, 34.0))
    now, rules = ripe.last_at, MatchRules(link_after=3)
    assert is_ripe(ripe, [ripe], PLANE, rules, now)
    assert not is_ripe(ripe, [ripe, young], PLANE, rules, now)
    assert is_ripe(replace(ripe, observations=6), [ripe, young], PLANE, rules, now)


def test_a_track_that_was_left_behind_is_linked_with_fewer_looks():
    (track,) = drive_past([(4.0, 30.0)], norths=(15, 18))
    assert track.observations == 2
    assert not is_ripe(track, [track], PLANE, MatchRules(), track.last_at)
    assert is_ripe(track, [track], PLANE, MatchRules(), track.last_at + timedelta(seconds=3))
    assert not is_ripe(
        replace(track, observations=1), [track], PLANE, MatchRules(), track.last_at + timedelta(seconds=3)
    )


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
        candidate = begun(track, seen) if candidate is None else joined(candidate, track, seen)
    assert candidate is not None
    assert np.linalg.norm(metres(candidate.position) - [4.0, 30.0]) < 0.5
    assert np.linalg.norm(metres(candidate.anchor) - [6.0, 31.0]) < 0.5  # where its first pass has it
    assert len(candidate.passes) == 3
