"""What tracks of several passes add up to."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from support.builders import a_candidate, a_track

from inference_server.domain.candidate import Candidate, PassId, PassPosition, Track, TrackId
from inference_server.domain.gather import fused, joined
from inference_server.domain.geo import LatLon, distance_m

_MOST_APART = 16
_FIRST = replace(a_candidate().passes[0], beside=(), tracks=1)


def seen_by(number: int, **changes: object) -> PassPosition:
    """What the track of a pass measured, each an hour after the one before; its error is its own."""
    chance = random.Random(number)
    at = _FIRST.at + timedelta(hours=number)
    place = LatLon(_FIRST.position.lat + chance.gauss(0.0, 2e-5), _FIRST.position.lon + chance.gauss(0.0, 2e-5))
    certainty = chance.uniform(0.3, 0.9)
    fresh = replace(
        _FIRST,
        track_id=TrackId(f"track {number}"),
        pass_id=PassId(f"pass {number}"),
        since=at,
        at=at,
        position=place,
        cov_m2=(chance.uniform(1.0, 9.0), chance.uniform(-0.5, 0.5), chance.uniform(1.0, 9.0)),
        class_scores={chance.choice(("garbage", "litter")): certainty},
        observations=chance.randint(1, 9),
        best_certainty=certainty,
        mean_certainty=certainty / 2,
        best_score=certainty,
    )
    return replace(fresh, **changes)  # type: ignore[arg-type]


def track_of(seen: PassPosition) -> Track:
    """The track that measured it."""
    return a_track(id=seen.track_id, pass_id=seen.pass_id, first_at=seen.since, last_at=seen.at)


def after(seen: Sequence[PassPosition]) -> Candidate:
    """A candidate that was seen so, one after the other."""
    candidate = a_candidate(passes=(seen[0],))
    for one in seen[1:]:
        candidate = joined(candidate, track_of(one), one)
    return candidate


def test_what_was_seen_a_hundred_times_keeps_few_measurements_and_loses_nothing_that_they_say() -> None:
    seen = [seen_by(number) for number in range(100)]
    candidate = after(seen)
    position, cov = fused(tuple(seen))
    assert len(candidate.passes) == _MOST_APART
    assert candidate.passes[-1] == seen[-1]
    assert distance_m(candidate.position, position) < 0.001
    assert candidate.cov_m2 == pytest.approx(cov, rel=1e-3)
    assert (candidate.tracks, candidate.observations) == (100, sum(one.observations for one in seen))
    for name in ("garbage", "litter"):
        total = sum(one.class_scores.get(name, 0.0) for one in seen)
        assert candidate.class_scores[name] == pytest.approx(total)


def test_the_best_look_decides_however_long_ago_it_was() -> None:
    best = seen_by(3, best_certainty=0.99, mean_certainty=0.6, best_score=0.97)
    candidate = after([seen_by(0), best, *(seen_by(number) for number in range(4, 60))])
    found = max(candidate.passes, key=lambda one: one.best_certainty)
    assert (found.best_certainty, found.mean_certainty, found.best_score) == (0.99, 0.6, 0.97)


def test_few_measurements_stay_as_they_are() -> None:
    seen = [seen_by(number) for number in range(_MOST_APART)]
    assert after(seen).passes == tuple(seen)


def test_a_late_track_goes_on_being_measured_and_takes_nothing_away() -> None:
    seen = [seen_by(number) for number in range(40)]
    candidate = after(seen)
    again = candidate.passes[0].track_id  # the latest of those that were added up: its vehicle sends once more
    late = seen_by(40, track_id=again, at=candidate.passes[0].at, observations=2)
    for observations in (2, 3, 4):
        candidate = joined(candidate, track_of(late), replace(late, observations=observations))
    assert candidate.observations == sum(one.observations for one in seen) + 4
    assert len(candidate.passes) == _MOST_APART


def test_what_older_tracks_were_seen_beside_is_remembered_within_bounds() -> None:
    beside = [seen_by(number, beside=(TrackId(f"other {number}"),)) for number in range(100)]
    candidate = after(beside)
    known = [track for one in candidate.passes for track in one.beside]
    assert known == [f"other {number}" for number in range(100 - len(known), 100)]
    assert _MOST_APART < len(known) <= _MOST_APART + 32
