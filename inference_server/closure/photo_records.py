"""Photographs as the index of used ones keeps them."""

from datetime import datetime

from inference_server.domain.case import CaseId
from inference_server.domain.photo_index import PhotoRecord, PhotoRole
from inference_server.domain.verdict import PhotoFacts
from inference_server.scene.perceptual_hash import Turn, turned_hashes
from inference_server.scene.photo import ScenePhoto


def photo_record(
    photo: ScenePhoto, facts: PhotoFacts, number: CaseId, seen_at: datetime
) -> tuple[PhotoRecord, list[bytes]]:
    """The photograph of a case for the index, and its hashes in all eight turns, to ask the index with."""
    turned = turned_hashes(photo.pixels)
    upright = turned[Turn.UPRIGHT]
    record = PhotoRecord(
        sha256=photo.sha256,
        case_id=number,
        role=PhotoRole(facts.side.value),
        perceptual_hash=upright.value,
        quality=upright.quality,
        taken_at=facts.taken_at,
        seen_at=seen_at,
    )
    return record, [one.value for one in turned.values()]
