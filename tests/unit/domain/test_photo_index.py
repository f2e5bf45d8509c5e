"""The pigeonhole under the photo index, proven by trying."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.builders import at

from inference_server.domain.case import CaseId
from inference_server.domain.errors import BadInput
from inference_server.domain.photo_index import (
    HASH_BITS,
    NEAR_BITS,
    SURE_BITS,
    PhotoMatch,
    PhotoRecord,
    PhotoRole,
    all_bits_apart,
    bits_apart,
    nearest_first,
    probe_keys,
    slot_keys,
)

hashes = st.binary(min_size=32, max_size=32)


def a_record(sha256: str = "a", seen_s: float = 0.0, perceptual_hash: bytes = bytes(32)) -> PhotoRecord:
    """An after-photo."""
    return PhotoRecord(
        sha256=sha256,
        case_id=CaseId("c"),
        role=PhotoRole.AFTER,
        perceptual_hash=perceptual_hash,
        quality=100,
        taken_at=None,
        seen_at=at(seen_s),
    )


@given(hashes, st.sets(st.integers(0, HASH_BITS - 1), max_size=NEAR_BITS))
def test_no_near_hash_escapes_the_probes(value: bytes, turned: set[int]) -> None:
    near = (int.from_bytes(value) ^ sum(1 << bit for bit in turned)).to_bytes(32)
    assert bits_apart(value, near) == len(turned)
    assert set(slot_keys(near)) & set(probe_keys(value))


def test_one_bit_more_can_escape() -> None:
    two_in_each_slot = int.from_bytes(b"\x00\x03" * 16).to_bytes(32)
    assert bits_apart(bytes(32), two_in_each_slot) == NEAR_BITS + 1
    assert not set(slot_keys(two_in_each_slot)) & set(probe_keys(bytes(32)))


@given(hashes)
def test_the_keys_of_different_slots_never_meet(value: bytes) -> None:
    assert [key // 65536 for key in slot_keys(value)] == list(range(16))
    assert len(set(probe_keys(value))) == 16 * 17


@given(hashes, st.lists(hashes, max_size=5))
def test_counting_many_is_counting_each(one: bytes, others: list[bytes]) -> None:
    assert all_bits_apart(one, others).tolist() == [bits_apart(one, other) for other in others]


def test_the_nearest_comes_first_and_each_photograph_once() -> None:
    far, near, early = a_record("a"), a_record("b", seen_s=5), a_record("c")
    matches = [PhotoMatch(far, 30), PhotoMatch(near, 4), PhotoMatch(far, 25), PhotoMatch(early, 4)]
    assert nearest_first(matches) == [PhotoMatch(early, 4), PhotoMatch(near, 4), PhotoMatch(far, 25)]


def test_a_match_is_sure_up_to_the_limit() -> None:
    assert PhotoMatch(a_record(), SURE_BITS).is_sure
    assert not PhotoMatch(a_record(), SURE_BITS + 1).is_sure


def test_a_hash_of_another_length_is_refused() -> None:
    with pytest.raises(BadInput) as refused:
        a_record(perceptual_hash=b"short")
    assert refused.value.field == "perceptual_hash"
