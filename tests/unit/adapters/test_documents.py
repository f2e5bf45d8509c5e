"""Tracks and candidates survive being written down."""

import math
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.builders import a_candidate, a_snapshot, a_track, at

from inference_server.adapters.documents import (
    Documents,
    candidate_document,
    candidate_of,
    track_document,
    track_of,
)
from inference_server.domain.candidate import Candidate, Ray, Snapshot, Track, TrackId
from inference_server.domain.geo import LatLon
from inference_server.domain.observation import Box

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
PLACES = st.builds(LatLon, NUMBERS, NUMBERS)
COVS = st.tuples(NUMBERS, NUMBERS, NUMBERS)
TIMES = st.datetimes(timezones=st.just(UTC))
SCORES = st.dictionaries(st.text(min_size=1), NUMBERS, min_size=1, max_size=3)
BOXES = st.builds(Box, x1=NUMBERS, y1=NUMBERS, x2=NUMBERS, y2=NUMBERS)
SNAPSHOTS: st.SearchStrategy[Snapshot | None] = st.none() | st.builds(
    Snapshot,
    frame_id=st.text(),
    taken_at=TIMES,
    sha256=st.text(),
    box=BOXES,
    score=NUMBERS,
    size_px=NUMBERS,
    range_m=st.none() | NUMBERS,
    probability=st.none() | NUMBERS,
)
RAYS = st.lists(
    st.builds(
        Ray,
        camera_position=PLACES,
        camera_height_m=NUMBERS,
        bearing_deg=NUMBERS,
        elevation_deg=NUMBERS,
        height_deg=NUMBERS,
        inner_deg=NUMBERS,
        heading_deg=NUMBERS,
    ),
    max_size=3,
).map(tuple)


def tracks() -> Documents[Track]:
    """A writer and reader of tracks."""
    return Documents(track_document, track_of)


def candidates() -> Documents[Candidate]:
    """A writer and reader of candidates."""
    return Documents(candidate_document, candidate_of)


@given(
    st.fixed_dictionaries(
        {
            "class_scores": SCORES,
            "first_at": TIMES,
            "position": st.none() | PLACES,
            "cov_m2": st.none() | COVS,
            "rays": RAYS,
            "best_score": NUMBERS,
            "candidate_id": st.none() | st.text(),
            "near": SNAPSHOTS,
            "far": SNAPSHOTS,
            "side_deg": st.none() | NUMBERS,
        }
    )
)
def test_any_track_comes_back_to_the_last_digit(changes: dict[str, Any]) -> None:
    track = a_track(**changes)
    assert tracks().read(tracks().write(track)) == track


@given(
    st.fixed_dictionaries(
        {"anchor": PLACES, "cov_m2": COVS, "last_at": TIMES, "near": SNAPSHOTS, "side_deg": st.none() | NUMBERS}
    )
)
def test_any_candidate_comes_back_to_the_last_digit(changes: dict[str, Any]) -> None:
    candidate = a_candidate(**changes)
    assert candidates().read(candidates().write(candidate)) == candidate


@pytest.mark.parametrize(
    ("thing", "document"),
    [
        pytest.param(a_track(), track_document(a_track()), id="track"),
        pytest.param(a_candidate(), candidate_document(a_candidate()), id="candidate"),
        pytest.param(a_candidate().passes[0], candidate_document(a_candidate())["passes"][0], id="position of a pass"),
        pytest.param(a_snapshot(), track_document(a_track())["near"], id="snapshot"),
    ],
)
def test_no_field_is_forgotten(thing: Any, document: dict[str, Any]) -> None:
    assert set(document) == {field.name for field in fields(thing)}


def test_times_of_another_zone_are_the_same_moments() -> None:
    china = at(3).astimezone(timezone(timedelta(hours=8)))
    read = tracks().read(tracks().write(a_track(last_at=china)))
    assert read.last_at == china
    assert read.last_at.tzinfo == UTC


def test_what_was_just_written_is_not_parsed_again() -> None:
    kept, track = tracks(), a_track()
    assert kept.read(kept.write(track)) is track


def test_what_a_thing_was_before_it_was_written_anew_is_not_remembered() -> None:
    kept, before, other = tracks(), a_track(observations=3), a_track(id=TrackId("track-9"))
    old_text, other_text = kept.write(before), kept.write(other)
    after = replace(before, observations=4)
    text = kept.write(after)
    assert kept.read(text) is after
    assert kept.read(other_text) is other
    assert kept.read(old_text) == before
    assert kept.read(old_text) is not before


def test_what_is_remembered_depends_on_the_text_alone() -> None:
    kept = tracks()
    first = kept.write(a_track())
    kept.write(a_track(observations=4))
    assert kept.read(first).observations == 3


def test_memory_is_bounded() -> None:
    kept = tracks()
    for number in range(9000):
        kept.write(a_track(observations=number))
    assert len(kept._remembered) < 9000
    assert kept.read(kept.write(a_track())) == a_track()


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused_at_the_source(number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        tracks().write(replace(a_track(), best_score=number))


def test_a_document_is_the_same_text_for_the_same_track() -> None:
    assert tracks().write(a_track()) == tracks().write(a_track())
    assert isinstance(a_track().first_at, datetime)
