"""Observations of a pass become tracks, and tracks find their candidates."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from support.drive import GROUND, PLANE, START, a_detection, a_frame, a_placing, a_pose, at, box_of, metres, moved

from inference_server.domain.candidate import Candidate, CandidateId, PassId, PassPosition, Tie, Track, TrackId
from inference_server.domain.gather import begun, fused, joined, measured
from inference_server.domain.geo import LocalPlane
from inference_server.domain.match import Linking, has_say, is_left_behind, is_ripe, taken_beside
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


def drive_past(things, *, shift=(0.0, 0.0), names=None, norths=range(0, 25, 3), swings=None):
    """Tracks left by a vehicle driving north past things (each `(2,)` metres), with a constant error of its fixes.

    `swings` tells by how many degrees the heading of a step is wrong.
    """
    tracks: dict[str, Track] = {}
    for step, north in enumerate(norths):
        true = a_pose(north_m=north)
        pose = replace(moved(true, *shift), heading_deg=(swings or {}).get(step, 0.0) % 360)
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


def links_of(tracks, candidates, known=(), sigma_m=2.0):
    taken = {t.id: taken_beside(t, [o for o in tracks if o.id != t.id]) for t in tracks}
    linking = Linking(plane=PLANE, rules=MatchRules(), taken=taken)
    return linking, linking.link(tracks, candidates, Ties(PassId("p"), tuple(known), sigma_m, 30.0))


def link(tracks, candidates, known=(), sigma_m=2.0):
    linking, links = links_of(tracks, candidates, known, sigma_m)
    ties = Ties(PassId("p"), tuple(known), sigma_m, 30.0)
    for one in links:
        ties = ties if one.candidate is None else linking.tied(ties, one.track, one.candidate)
    return [(one.track, one.candidate) for one in links], ties


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


def test_one_frame_with_a_wrong_heading_breaks_no_track():
    things = [(4.0, 34.0), (-5.0, 36.0), (7.0, 40.0)]
    straight, swung = drive_past(things), drive_past(things, swings={4: 11.0})
    assert [t.observations for t in swung] == [t.observations for t in straight]
    for mine, theirs in zip(swung, straight, strict=True):
        assert np.linalg.norm(metres(mine.position) - metres(theirs.position)) < 0.5


def test_what_was_seen_beside_a_track_cannot_be_its_thing():
    one, two = drive_past([(4.0, 30.0), (4.0, 34.0)])
    held = replace(one, candidate_id=CandidateId("held"))
    assert taken_beside(two, [held]) == {"held"}
    assert taken_beside(replace(two, beside=()), [held]) == frozenset()  # at the same time, but in no frame


def test_both_halves_of_a_broken_track_find_the_same_candidate():
    (track,) = drive_past([(4.0, 30.0)])
    half = replace(track, id=TrackId("half"), last_at=track.last_at + timedelta(seconds=2))
    found, _ = link([track, half], [a_candidate("first", 4.0, 30.0)])
    assert [c.id for _, c in found if c is not None] == ["first", "first"]
    seen_together = [replace(track, beside=(half.id,)), half]
    found, _ = link(seen_together, [a_candidate("first", 4.0, 30.0)])
    assert sum(c is not None for _, c in found) == 1


def test_the_whole_decides_where_one_thing_alone_would_be_taken_for_its_neighbour():
    shift = (0.0, 6.0)  # the pass lies as far off as the two stand apart
    things, others = [(4.0, 26.0), (4.0, 32.0)], [(-4.0, 28.0), (-5.0, 34.0)]
    candidates = [a_candidate(f"{e} {n}", e, n) for e, n in things + others]
    (alone,) = drive_past(things[:1], shift=shift)
    assert link([alone], candidates)[0][0][1].id == "4.0 32.0"
    tracks = drive_past(things + others, shift=shift)
    found, _ = link(tracks, candidates)
    places = {c.id: metres(t.position) - shift for t, c in found}
    assert len(places) == 4
    for name, place in places.items():
        assert place == pytest.approx([float(number) for number in name.split()], abs=0.7)


def test_a_link_stands_at_once_only_where_nothing_else_is_likely():
    (track,) = drive_past([(4.0, 30.0)], shift=(0.0, 3.0))
    near, rival, far = a_candidate("a", 4.0, 30.0), a_candidate("b", 4.0, 37.0), a_candidate("c", 4.0, 50.0)
    assert links_of([track], [near, far])[1][0].is_clear
    assert not links_of([track], [near, rival])[1][0].is_clear


def test_a_thing_is_new_for_certain_only_where_nothing_like_it_is_within_reach_of_the_fix():
    (track,) = drive_past([(4.0, 30.0)])
    known = [a_tie(2.0, (0.0, 0.0)), a_tie(2.5, (0.1, 0.0)), a_tie(3.0, (0.0, 0.1))]
    for north_m, is_clear in ((36.0, False), (41.0, False), (45.0, True)):  # 41: further than a link would reach
        _, (found,) = links_of([track], [a_candidate("beside", 4.0, north_m)], known)
        assert (found.candidate, found.is_clear) == (None, is_clear)


def test_what_is_not_clear_is_decided_when_the_vehicle_has_gone_on():
    (track,) = drive_past([(4.0, 30.0)])
    now, rules = track.last_at, MatchRules()
    assert not is_left_behind(track, PLANE, rules, now)
    assert is_left_behind(track, PLANE, rules, now + timedelta(seconds=rules.decide_after_s))
    far_off = LocalPlane(at(0.0, 75.0))
    assert is_left_behind(track, far_off, rules, now + timedelta(seconds=1))
    assert not is_left_behind(track, far_off, rules, now)  # it may as well lie far ahead


def test_a_track_that_was_left_behind_is_linked_with_fewer_looks():
    (track,) = drive_past([(4.0, 30.0)], norths=(15, 18))
    rules, later = MatchRules(), track.last_at + timedelta(seconds=3)
    assert track.observations == 2
    assert has_say(track, PLANE, rules)
    assert not is_ripe(track, rules, track.last_at)
    assert is_ripe(track, rules, later)
    assert not has_say(replace(track, observations=1), PLANE, rules)
    assert not has_say(replace(track, candidate_id=CandidateId("held")), PLANE, rules)
    assert not has_say(track, LocalPlane(at(0.0, 90.0)), rules)  # what lies around it is not at hand any more


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
