"""Is the photograph after a photograph of its own, taken then and there?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pytest
from support.exposures import exposure
from support.scenes import photo

from inference_server.domain.case import CaseId
from inference_server.domain.photo_index import PhotoMatch, PhotoRecord, PhotoRole
from inference_server.domain.photo_rules import PhotoClaim, PhotoPlan
from inference_server.domain.verification import Answer, Gate, ReasonCode
from inference_server.scene.authentic import PhotoStory, authentic

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
STORY = PhotoStory()
BEFORE, AFTER = photo(exposure(1, 0)), photo(exposure(1, 1))


def a_match(bits_apart: int) -> PhotoMatch:
    """A photograph of another case."""
    record = PhotoRecord(
        sha256="a" * 64,
        case_id=CaseId("other"),
        role=PhotoRole.AFTER,
        perceptual_hash=bytes(32),
        quality=100,
        taken_at=NOW,
        seen_at=NOW,
    )
    return PhotoMatch(record, bits_apart)


def test_another_photograph_of_the_place_is_authentic() -> None:
    result = authentic([BEFORE], AFTER, STORY)
    assert (result.gate, result.answer, result.reasons) == (Gate.AUTHENTIC, Answer.PASS, ())


@pytest.mark.parametrize(("befores", "after"), [([BEFORE], None), ([], AFTER), ([], None)])
def test_without_both_photographs_it_cannot_be_told(befores: list, after: object) -> None:
    result = authentic(befores, after, STORY)  # type: ignore[arg-type]
    assert (result.answer, result.score) == (Answer.CANNOT_TELL, 0.0)
    assert [reason.code for reason in result.reasons] == [ReasonCode.MISSING_PHOTO]


def test_the_same_file_is_refused() -> None:
    result = authentic([AFTER, BEFORE], BEFORE, STORY)
    assert (result.answer, result.score) == (Answer.FAIL, 0.0)
    assert {reason.code for reason in result.reasons} == {ReasonCode.SAME_AS_BEFORE}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda pixels: cv2.resize(pixels, (400, 300), interpolation=cv2.INTER_AREA), id="smaller"),
        pytest.param(lambda pixels: pixels[:, ::-1].copy(), id="mirrored"),
        pytest.param(lambda pixels: np.rot90(pixels, 2).copy(), id="upside down"),
        pytest.param(lambda pixels: cv2.convertScaleAbs(pixels, alpha=0.7, beta=30), id="brighter and flatter"),
    ],
)
def test_a_copy_of_the_photograph_before_is_refused(change: object) -> None:
    result = authentic([BEFORE], photo(change(BEFORE.pixels)), STORY)  # type: ignore[operator]
    assert result.answer is Answer.FAIL
    assert result.reasons[0].code is ReasonCode.SAME_AS_BEFORE


def test_empty_pictures_are_not_taken_for_copies_of_each_other() -> None:
    grey, white = (photo(np.full((480, 640, 3), value, np.uint8)) for value in (120, 250))
    assert authentic([grey], white, STORY).answer is Answer.PASS


@pytest.mark.parametrize(
    ("bits", "answer"),
    [(0, Answer.FAIL), (20, Answer.FAIL), (21, Answer.CANNOT_TELL), (31, Answer.CANNOT_TELL), (32, Answer.PASS)],
)
def test_a_photograph_of_another_case_is_refused_or_shown_to_a_person(bits: int, answer: Answer) -> None:
    result = authentic([BEFORE], AFTER, replace(STORY, known=[a_match(bits)]))
    assert result.answer is answer
    assert [reason.code for reason in result.reasons] == [ReasonCode.DUPLICATE_PHOTO] * (bits < 32)


def test_a_photograph_of_the_wrong_time_is_refused() -> None:
    story = PhotoStory(claim=PhotoClaim(taken_at=NOW), plan=PhotoPlan(dispatched_at=NOW + timedelta(hours=1)))
    result = authentic([BEFORE], AFTER, story)
    assert result.answer is Answer.FAIL
    assert [reason.code for reason in result.reasons] == [ReasonCode.TIME_BEFORE_DISPATCH]
