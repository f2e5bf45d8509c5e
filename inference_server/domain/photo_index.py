"""Finding a photograph again among millions: 256-bit hashes, cut into slots that a database can look up.

Two hashes that differ in at most 31 of 256 bits differ by at most one bit in at least one of 16 slots of 16 bits: were
it two or more in each, there would be 32. So the slots of a hash and their neighbours at one bit, 16 x 17 keys, find
every near hash; what they find besides is thrown out by counting bits. (Multi-index hashing: Norouzi, Punjani, Fleet,
"Fast Search in Hamming Space with Multi-Index Hashing", CVPR 2012.)
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from inference_server.domain.case import CaseId
from inference_server.domain.errors import BadInput

HASH_BITS: Final = 256
HASH_BYTES: Final = HASH_BITS // 8
SLOT_BITS: Final = 16
SLOTS: Final = HASH_BITS // SLOT_BITS
SURE_BITS: Final = 20  # so many bits apart at most: the same picture
NEAR_BITS: Final = 31  # so many at most: a person should compare them
LEAST_QUALITY: Final = 50  # of 100: under it a picture has too little in it to be known by its hash

_SLOT_VALUES: Final = 1 << SLOT_BITS
_FLIPS: Final = np.array([0, *(1 << bit for bit in range(SLOT_BITS))], np.int64)

assert NEAR_BITS < 2 * SLOTS, "the pigeonhole no longer holds"


class PhotoRole(StrEnum):
    """What a photograph shows of its case."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoRecord:
    """A photograph that was handed in for a case; no pixels.

    `perceptual_hash` has 32 bytes; `quality`, 0..100, says how much there is in the picture to know it by.
    """

    sha256: str
    case_id: CaseId
    role: PhotoRole
    perceptual_hash: bytes
    quality: int
    taken_at: datetime | None
    seen_at: datetime

    def __post_init__(self) -> None:
        if len(self.perceptual_hash) != HASH_BYTES:
            raise BadInput(f"a perceptual hash has {HASH_BYTES} bytes", field="perceptual_hash")

    @property
    def is_indexed(self) -> bool:
        """Whether it can be found by likeness, not only byte for byte."""
        return self.quality >= LEAST_QUALITY


@dataclass(frozen=True, slots=True)
class PhotoMatch:
    """A photograph of the record that is the one asked for, or near to it. `bits_apart` is 0 for the same bytes."""

    photo: PhotoRecord
    bits_apart: int

    @property
    def is_sure(self) -> bool:
        """Whether it is the same picture beyond doubt, and not only like it."""
        return self.bits_apart <= SURE_BITS


def bits_apart(one: bytes, other: bytes) -> int:
    """How many bits differ.

    >>> bits_apart(b"\\x00\\xff", b"\\x01\\xff")
    1
    """
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def all_bits_apart(one: bytes, others: Sequence[bytes]) -> NDArray[np.int64]:
    """`(n,)` how many bits each of the others differs from the one."""
    rows = np.frombuffer(b"".join(others), np.uint64).reshape(len(others), HASH_BYTES // 8)
    differing = np.bitwise_count(rows ^ np.frombuffer(one, np.uint64))
    return np.asarray(differing.sum(axis=1), np.int64)


def slot_keys(perceptual_hash: bytes) -> list[int]:
    """The 16 keys under which a hash is filed: the number of the slot and its value.

    >>> slot_keys(bytes(30) + b"\\x01\\x02")[14:]
    [917504, 983298]
    """
    return [int(key) for key in _slot_keys(perceptual_hash)]


def probe_keys(perceptual_hash: bytes) -> list[int]:
    """The 16 x 17 keys that together hold every hash at most NEAR_BITS apart."""
    return [int(key) for key in (_slot_keys(perceptual_hash)[:, None] ^ _FLIPS).ravel()]


def nearest_first(matches: Iterable[PhotoMatch]) -> list[PhotoMatch]:
    """One match for each photograph and case, the nearest first; of equally near ones the one seen first."""
    best: dict[tuple[str, CaseId, PhotoRole], PhotoMatch] = {}
    for match in matches:
        key = match.photo.sha256, match.photo.case_id, match.photo.role
        if key not in best or match.bits_apart < best[key].bits_apart:
            best[key] = match
    return sorted(best.values(), key=lambda match: (match.bits_apart, match.photo.seen_at, match.photo.sha256))


def _slot_keys(perceptual_hash: bytes) -> NDArray[np.int64]:
    values = np.frombuffer(perceptual_hash, ">u2").astype(np.int64)
    return np.arange(SLOTS, dtype=np.int64) * _SLOT_VALUES + values
