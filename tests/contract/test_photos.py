"""What the record of photographs promises, on every database."""

from datetime import timedelta

import numpy as np
import pytest
from support.builders import at

from inference_server.adapters.opening import Adapters
from inference_server.domain.case import CaseId
from inference_server.domain.photo_index import LEAST_QUALITY, NEAR_BITS, PhotoMatch, PhotoRecord, PhotoRole
from inference_server.ports import Photos

OWN, OTHER = CaseId("case-own"), CaseId("case-other")


@pytest.fixture
def photos(record: Adapters) -> Photos:
    """The port under test."""
    return record.photos


def a_hash(seed: int) -> bytes:
    """32 bytes that are far from those of any other seed."""
    return np.random.default_rng(seed).bytes(32)


def turned(value: bytes, *bits: int) -> bytes:
    """The hash with some bits turned over."""
    return (int.from_bytes(value) ^ sum(1 << bit for bit in bits)).to_bytes(32)


def a_photo(name: str = "a", *, case: CaseId = OTHER, seen_s: float = 0.0, **values: object) -> PhotoRecord:
    """An after-photo, of another case unless said otherwise."""
    base = PhotoRecord(
        sha256=name * 64,
        case_id=case,
        role=PhotoRole.AFTER,
        perceptual_hash=a_hash(1),
        quality=100,
        taken_at=at(0),
        seen_at=at(seen_s),
    )
    return PhotoRecord(**{field: values.get(field, getattr(base, field)) for field in PhotoRecord.__slots__})


def test_an_empty_record_knows_no_photograph(photos: Photos) -> None:
    assert photos.used_elsewhere("a" * 64, [a_hash(1)], OWN) == []


def test_the_same_bytes_are_found_whatever_their_look(photos: Photos) -> None:
    plain = a_photo(quality=0)
    assert photos.remember(plain)
    assert photos.used_elsewhere(plain.sha256, [], OWN) == [PhotoMatch(plain, 0)]
    assert photos.used_elsewhere("b" * 64, [plain.perceptual_hash], OWN) == []


@pytest.mark.parametrize("spread", [1, 8], ids=["changed bits side by side", "changed bits over all slots"])
@pytest.mark.parametrize("bits", [0, 1, 20, 31, 32, 60])
def test_a_like_photograph_is_found_up_to_the_limit(photos: Photos, bits: int, spread: int) -> None:
    known = a_photo()
    photos.remember(known)
    asked = turned(known.perceptual_hash, *((spread * i) % 256 + (spread * i) // 256 for i in range(bits)))
    found = photos.used_elsewhere("b" * 64, [asked], OWN)
    assert found == ([PhotoMatch(known, bits)] if bits <= NEAR_BITS else [])


def test_each_of_several_hashes_is_looked_up(photos: Photos) -> None:
    first, second = a_photo("a"), a_photo("b", perceptual_hash=a_hash(2), seen_s=1)
    photos.remember(first)
    photos.remember(second)
    found = photos.used_elsewhere("c" * 64, [turned(a_hash(2), 7), a_hash(1)], OWN)
    assert found == [PhotoMatch(first, 0), PhotoMatch(second, 1)]


def test_a_photograph_of_the_own_case_is_no_match(photos: Photos) -> None:
    photos.remember(a_photo(case=OWN))
    photos.remember(a_photo(case=OWN, role=PhotoRole.BEFORE))
    assert photos.used_elsewhere("a" * 64, [a_hash(1)], OWN) == []
    assert len(photos.used_elsewhere("a" * 64, [a_hash(1)], OTHER)) == 2


def test_a_photograph_is_kept_once_for_each_case_and_role(photos: Photos) -> None:
    assert photos.remember(a_photo())
    assert not photos.remember(a_photo(seen_s=9))
    assert photos.remember(a_photo(role=PhotoRole.BEFORE))
    assert photos.remember(a_photo(case=CaseId("case-third"), seen_s=5))
    found = photos.used_elsewhere("a" * 64, [a_hash(1)], OWN)
    assert [(match.photo.case_id, match.photo.seen_at) for match in found] == [
        (OTHER, at(0)),
        (OTHER, at(0)),
        (CaseId("case-third"), at(5)),
    ]


def test_a_photograph_without_much_in_it_is_not_known_by_its_look(photos: Photos) -> None:
    photos.remember(a_photo("a", quality=LEAST_QUALITY - 1))
    enough = a_photo("b", quality=LEAST_QUALITY)
    photos.remember(enough)
    assert photos.used_elsewhere("c" * 64, [a_hash(1)], OWN) == [PhotoMatch(enough, 0)]


def test_a_photograph_without_a_time_comes_back_as_it_was(photos: Photos) -> None:
    known = a_photo(taken_at=None, seen_at=at(0) + timedelta(microseconds=1))
    photos.remember(known)
    assert photos.used_elsewhere(known.sha256, [], OWN)[0].photo == known


def test_forty_other_photographs_hide_none(photos: Photos) -> None:
    for seed in range(100, 140):
        photos.remember(a_photo(perceptual_hash=a_hash(seed), sha256=f"{seed:064d}"))
    for seed in range(100, 140, 10):
        asked = turned(a_hash(seed), *range(3, 256, 9))
        assert [match.photo.sha256 for match in photos.used_elsewhere("x", [asked], OWN)] == [f"{seed:064d}"]
