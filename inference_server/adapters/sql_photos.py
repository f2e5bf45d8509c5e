"""The photographs of all cases on SQL, found again by their bytes or by their look."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, insert, select

from inference_server.adapters import tables
from inference_server.adapters.column_types import AnyRow
from inference_server.adapters.database import Database
from inference_server.domain.case import CaseId
from inference_server.domain.photo_index import (
    NEAR_BITS,
    PhotoMatch,
    PhotoRecord,
    PhotoRole,
    all_bits_apart,
    nearest_first,
    probe_keys,
    slot_keys,
)

_MOST_MATCHES = 500
_photos, _slots = tables.photos, tables.photo_slots
_OF_SLOTS = select(_slots.c.photo, _slots.c.hash).where(_slots.c.key.in_(bindparam("keys", expanding=True)))
_OTHERS = select(_photos).where(_photos.c.case_id != bindparam("own"))
_OTHERS_BY_BYTES = _OTHERS.where(_photos.c.sha256 == bindparam("digest")).limit(_MOST_MATCHES)
_OTHERS_BY_NUMBER = _OTHERS.where(_photos.c.number.in_(bindparam("numbers", expanding=True)))


class SqlPhotos:
    """Photographs with their hashes: one row each, and 16 slots each that can be known by its look.

    A slot's row carries the whole hash, so that a look-up reads 272 short stretches of one index and nothing else.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def remember(self, photo: PhotoRecord) -> bool:
        """Store durably; False where the case had this photograph in this role before."""
        values = {
            "sha256": photo.sha256,
            "case_id": photo.case_id,
            "role": photo.role,
            "hash": photo.perceptual_hash,
            "quality": photo.quality,
            "taken_at": photo.taken_at,
            "seen_at": photo.seen_at,
        }
        with self._database.writing() as connection:
            new = self._database.insert_new(_photos).returning(_photos.c.number)
            number = connection.execute(new, values).scalar_one_or_none()
            if number is not None and photo.is_indexed:
                keys = slot_keys(photo.perceptual_hash)
                rows = [{"key": key, "photo": number, "hash": photo.perceptual_hash} for key in keys]
                connection.execute(insert(_slots), rows)
        return number is not None

    def used_elsewhere(self, sha256: str, hashes: Sequence[bytes], case_id: CaseId) -> list[PhotoMatch]:
        """Photographs of other cases with these bytes, or near to one of the hashes, the nearest first."""
        with self._database.reading() as connection:
            same = connection.execute(_OTHERS_BY_BYTES, {"own": case_id, "digest": sha256})
            matches = [PhotoMatch(_photo_of(row), 0) for row in same]
            for perceptual_hash in hashes:
                matches += _near(connection, perceptual_hash, case_id)
        return nearest_first(matches)


def _near(connection: Connection, perceptual_hash: bytes, own: CaseId) -> list[PhotoMatch]:
    found = connection.execute(_OF_SLOTS, {"keys": probe_keys(perceptual_hash)}).all()
    apart = all_bits_apart(perceptual_hash, [row.hash for row in found])
    near = {row.photo: bits for row, bits in zip(found, apart.tolist(), strict=True) if bits <= NEAR_BITS}
    numbers = sorted(near, key=lambda number: near[number])[:_MOST_MATCHES]
    if not numbers:
        return []
    rows = connection.execute(_OTHERS_BY_NUMBER, {"own": own, "numbers": numbers})
    return [PhotoMatch(_photo_of(row), near[row.number]) for row in rows]


def _photo_of(row: AnyRow) -> PhotoRecord:
    return PhotoRecord(
        sha256=row.sha256,
        case_id=CaseId(row.case_id),
        role=PhotoRole(row.role),
        perceptual_hash=row.hash,
        quality=row.quality,
        taken_at=row.taken_at,
        seen_at=row.seen_at,
    )
