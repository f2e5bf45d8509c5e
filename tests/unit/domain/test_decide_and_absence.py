"""Filing, reviewing, waiting; and clear looks at known places."""

from dataclasses import replace

import pytest
from support.drive import GROUND, START, VIEW, a_detection, a_pose, ahead, at, box_of, metres

from inference_server.domain.absence import Looking, looked
from inference_server.domain.candidate import Candidate, CandidateId, PassId, PassPosition, TrackId
from inference_server.domain.decide import Action, decide
from inference_server.domain.geo import LocalPlane
from inference_server.domain.observation import Box
from inference_server.domain.policy import AbsenceRules, ClassRules
from inference_server.domain.screen import thresholds_of

LIMITS = (0.6, 0.4, 0.2)


def a_candidate(*passes):
    """A candidate of passes given as (observations, best, mean)."""
    seen = tuple(
        PassPosition(
            track_id=TrackId(str(i)),
            pass_id=PassId(str(i)),
            since=START,
            at=START,
            position=at(0, 0),
            cov_m2=(4, 0, 4),
            class_scores={"garbage": 1.0},
            observations=n,
            best_certainty=best,
            mean_certainty=mean,
        )
        for i, (n, best, mean) in enumerate(passes)
    )
    return Candidate(
        id=CandidateId("c"),
        class_group="waste",
        contact=GROUND,
        anchor=at(0, 0),
        anchor_cov_m2=(1, 0, 1),
        origin_track=seen[0].track_id,
        origin_pass=seen[0].pass_id,
        origin_at=START,
        position=at(0, 0),
        cov_m2=(4, 0, 4),
        passes=seen,
        first_at=START,
        last_at=START,
    )


@pytest.mark.parametrize(
    ("passes", "rules", "action", "reason"),
    [
        pytest.param(
            [(3, 0.7, 0.5)], ClassRules(group="waste"), Action.FILE, "enough_observations", id="three good looks"
        ),
        pytest.param(
            [(2, 0.9, 0.9)], ClassRules(group="waste"), Action.WAIT, "few_observations", id="two looks are too few"
        ),
        pytest.param(
            [(1, 0.95, 0.95)],
            ClassRules(group="waste", sure_at=0.9),
            Action.FILE,
            "one_sure_look",
            id="one very sure look",
        ),
        pytest.param(
            [(5, 0.7, 0.3)],
            ClassRules(group="waste"),
            Action.REVIEW,
            "middle_band",
            id="one lucky frame among poor ones",
        ),
        pytest.param([(4, 0.5, 0.45)], ClassRules(group="waste"), Action.REVIEW, "middle_band", id="the middle band"),
        pytest.param([(9, 0.35, 0.3)], ClassRules(group="waste"), Action.WAIT, "low_scores", id="never sure"),
        pytest.param(
            [(3, 0.9, 0.8)],
            ClassRules(group="waste", people_only=True),
            Action.REVIEW,
            "enough_observations",
            id="people only",
        ),
        pytest.param(
            [(2, 0.5, 0.4), (2, 0.7, 0.6)],
            ClassRules(group="waste"),
            Action.FILE,
            "enough_observations",
            id="passes add up",
        ),
    ],
)
def test_the_decision_follows_the_policy(passes, rules, action, reason):
    decision = decide(a_candidate(*passes), rules, thresholds_of(rules, LIMITS))
    assert (decision.action, decision.reason) == (action, reason)
    assert decision.numbers["file_at"] == 0.6


def looking(*occluders):
    return Looking(view=VIEW, pose=a_pose(), rules=AbsenceRules(), occluders=occluders)


def place(forward_m, left_m):
    return LocalPlane(at(0, 0)).latlon(ahead(a_pose(), forward_m, left_m))


@pytest.mark.parametrize(
    ("forward_m", "left_m", "is_clear"),
    [
        pytest.param(10.0, 2.0, True, id="before the vehicle"),
        pytest.param(40.0, 2.0, False, id="too far to be sure"),
        pytest.param(8.0, 9.0, False, id="outside the picture"),
        pytest.param(-10.0, 0.0, False, id="behind"),
    ],
)
def test_a_place_is_clear_when_it_is_near_and_inside(forward_m, left_m, is_clear):
    spot = looking().spot(place(forward_m, left_m), 0.0)
    assert (spot is not None and looking().is_clear(spot)) is is_clear


def test_what_stands_behind_a_parked_car_is_not_clear():
    spot = box_of(a_pose(), ahead(a_pose(), 10.0, 2.0))
    assert spot is not None
    there = looking().spot(place(10.0, 2.0), 0.0)
    assert there is not None
    assert looking().is_clear(there)
    assert not looking(spot).is_clear(there)


def test_a_like_box_near_the_place_is_taken_for_the_thing():
    spot = box_of(a_pose(), ahead(a_pose(), 10.0, 2.0))
    assert spot is not None
    there = looking().spot(place(10.0, 2.0), 0.0)
    assert there is not None
    assert looking().shows(there, [a_detection(spot, score=0.05)])
    far = Box(x1=10, y1=600, x2=60, y2=650)
    assert not looking().shows(there, [a_detection(far)])
    assert metres(place(10.0, 2.0)) == pytest.approx([-2.0, 10.0])


def views(*frames):
    view = None
    for is_clear, was_seen in frames:
        view = looked(view, PassId("p"), "case", is_clear=is_clear, was_seen=was_seen, at=START, frames=3)
    assert view is not None
    return view


def test_three_clear_looks_without_the_thing_are_an_absence():
    assert views((True, False), (True, False)).absence_at is None
    assert views((True, False), (False, False), (True, False), (True, False)).absence_at == START


def test_one_sight_of_the_thing_takes_the_absence_back():
    seen = views((True, False), (True, False), (True, False), (False, True))
    assert seen.absence_at is None
    assert seen.was_seen
    again = looked(replace(seen), PassId("p"), "case", is_clear=True, was_seen=False, at=START, frames=3)
    assert again.absence_at is None
