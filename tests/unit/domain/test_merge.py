"""Two candidates that turn out to be one thing."""

from dataclasses import replace
from datetime import timedelta

import pytest
from support.drive import GROUND, START, at, metres

from inference_server.domain.candidate import Candidate, CandidateId, PassId, PassPosition, TrackId
from inference_server.domain.gather import fused
from inference_server.domain.merge import are_one, may_be_known, merged
from inference_server.domain.policy import MatchRules

RULES = MatchRules()


def a_candidate(name, north_m, hours, *, device="car"):
    """A candidate seen once in each of some hours at a place."""
    passes = tuple(
        PassPosition(
            track_id=TrackId(f"{name}{hour}"),
            pass_id=PassId(f"{device}{hour}"),
            since=START + timedelta(hours=hour),
            at=START + timedelta(hours=hour),
            position=at(0, north_m),
            cov_m2=(4, 0, 4),
            class_scores={"garbage": 1.0},
            observations=4,
        )
        for hour in hours
    )
    position, cov = fused(passes)
    return Candidate(
        id=CandidateId(name),
        class_group="waste",
        contact=GROUND,
        anchor=at(0, north_m),
        anchor_cov_m2=(1, 0, 1),
        origin_track=passes[0].track_id,
        origin_pass=passes[0].pass_id,
        origin_at=passes[0].at,
        position=position,
        cov_m2=cov,
        passes=passes,
        first_at=passes[0].at,
        last_at=passes[-1].at,
    )


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        pytest.param((0.0, (0, 2)), (2.0, (1, 3)), True, id="near, and never seen together"),
        pytest.param((0.0, (0, 1)), (2.0, (1, 2)), True, id="one pass saw both, but no frame of it did"),
        pytest.param((0.0, (0, 2)), (6.0, (1, 3)), False, id="too far apart"),
        pytest.param((0.0, (0,)), (2.0, (1,)), False, id="two passes prove nothing"),
    ],
)
def test_candidates_are_one_when_they_agree_and_were_never_seen_together(one, two, same):
    assert are_one(a_candidate("a", *one), a_candidate("b", *two), RULES) is same


def test_what_one_frame_has_shown_together_is_never_one_thing():
    one, two = a_candidate("a", 0.0, (0, 1)), a_candidate("b", 2.0, (1, 2))
    first, second = one.passes
    beside = replace(one, passes=(first, replace(second, beside=(TrackId("b1"),))))
    assert are_one(one, two, RULES)
    assert not are_one(beside, two, RULES)
    assert not are_one(two, beside, RULES)


@pytest.mark.parametrize(
    ("fresh", "known", "may_be"),
    [
        pytest.param((0.0, (5,)), (6.0, (0, 2)), True, id="within the error of one going-by"),
        pytest.param((0.0, (5,)), (9.0, (0, 2)), True, id="further than a link would reach"),
        pytest.param((0.0, (5,)), (12.0, (0, 2)), False, id="too far away"),
        pytest.param((0.0, (5, 6)), (6.0, (0, 2)), False, id="a second going-by has told them apart"),
        pytest.param((0.0, (2,)), (6.0, (0, 2)), False, id="the going-by met both"),
    ],
)
def test_a_candidate_of_one_going_by_may_be_a_known_one_that_it_did_not_meet(fresh, known, may_be):
    assert may_be_known(a_candidate("fresh", *fresh), a_candidate("known", *known), RULES) is may_be


def test_another_class_group_is_never_the_same_thing():
    other = replace(a_candidate("b", 2.0, (1, 3)), class_group="road")
    assert not are_one(a_candidate("a", 0.0, (0, 2)), other, RULES)
    assert not may_be_known(a_candidate("a", 0.0, (5,)), other, RULES)


def test_the_joined_candidate_has_seen_what_both_have():
    kept, gone = a_candidate("a", 0.0, (0, 2)), a_candidate("b", 2.0, (1, 3))
    whole, left = merged(kept, gone)
    assert [seen.track_id for seen in whole.passes] == ["a0", "b1", "a2", "b3"]
    assert metres(whole.position)[1] == pytest.approx(1.0)
    assert whole.cov_m2[0] == pytest.approx(1.0)
    assert (left.merged_into, whole.merged_into) == ("a", None)
    assert whole.anchor == kept.anchor
